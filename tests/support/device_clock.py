"""A device's clocks, moved by hand."""

from __future__ import annotations

from fieldward_sync.clock import Reading

NOON = 1_800_000_000


class DeviceClock:
    """True time passes for the server too; what the device's wall clock says may be off."""

    def __init__(self) -> None:
        self.true_time = NOON
        self.wall_is_off_by = 0
        self.boots = 1
        self._started = NOON - 1_000

    def reading(self) -> Reading:
        return Reading(
            wall=self.true_time + self.wall_is_off_by,
            since_boot=self.true_time - self._started,
            boot=f"boot-{self.boots}",
        )

    def advance(self, *, seconds: int = 0, hours: int = 0, days: int = 0) -> None:
        self.true_time += seconds + 3600 * hours + 86_400 * days

    def restart(self) -> None:
        """The machine is started again, now."""
        self.boots += 1
        self._started = self.true_time
