"""Trusted time on a device whose clock nobody can trust (design §8, V5).

Trusted time is the greatest of the wall clock, a stored mark, and the server's last time plus what
has passed since, suspend included. It only moves forward; a fresh server time replaces every mark.
Readings come from the caller: there is no clock here.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from fieldward_sync.encoding import Message, Part
from fieldward_sync.errors import AccessClosed
from fieldward_sync.names import Count, Seconds

TOLERATED_LAG_SECONDS = 5 * 60
TOLERATED_COLD_STARTS = 20

BootId = Annotated[str, Meta(max_length=64)]


class Reading(Part, frozen=True):
    """What a device's clocks say at one moment."""

    wall: Seconds
    since_boot: Seconds
    """Seconds since the machine was started, time asleep included."""
    boot: BootId
    """Changes with every start of the machine: readings of other boots do not compare."""


class ClockState(Message, frozen=True):
    """What a device remembers of time: the last contact, and the highest trusted time since."""

    marker: ClassVar[bytes] = b"fieldward/clock/1"
    mark: Seconds
    server_time: Seconds
    at: Reading
    """The reading when ``server_time`` was asked for, or at the last start since."""
    cold_starts: Count
    """Starts of the machine since the last contact."""

    @classmethod
    def at_contact(cls, server_time: int, asked: Reading) -> ClockState:
        """After an answer of the server's, signed and bound to its request. All that has passed
        since that was made counts: an answer that was held back sets no clock back."""
        return cls(mark=server_time, server_time=server_time, at=asked, cold_starts=0)

    def trusted(self, reading: Reading) -> int:
        """The trusted time now; ``AccessClosed("clock-untrusted")`` if there is none."""
        anchored, wall = self.mark, reading.wall
        known_lag = max(0, self.server_time - self.at.wall)  # a slow clock was not set back
        if reading.boot == self.at.boot:
            anchored = max(anchored, self.server_time + reading.since_boot - self.at.since_boot)
            wall -= max(0, self.at.wall - self.server_time)  # a fast clock has not moved on
        elif known_lag > TOLERATED_LAG_SECONDS:
            raise _untrusted("The clock was slow, and alone says for how long the machine was off.")
        if reading.wall + known_lag < anchored - TOLERATED_LAG_SECONDS:
            raise _untrusted("The clock has been set back.")
        if self.starts(reading) >= TOLERATED_COLD_STARTS:
            raise _untrusted(f"Started {TOLERATED_COLD_STARTS} times without contact.")
        return max(wall, anchored)

    def starts(self, reading: Reading) -> int:
        """Starts of the machine since the last contact, this one included."""
        return self.cold_starts + (reading.boot != self.at.boot)

    def advanced(self, reading: Reading) -> ClockState:
        """The state to remember after trusting ``reading``: the mark never falls."""
        now = self.trusted(reading)
        return ClockState(
            mark=now,
            server_time=now if reading.boot != self.at.boot else self.server_time,
            at=reading if reading.boot != self.at.boot else self.at,
            cold_starts=self.starts(reading),
        )


def _untrusted(why: str) -> AccessClosed:
    return AccessClosed(
        "clock-untrusted",
        why,
        next_step="Connect and sync: the server's time puts it right. Without signal, ask your "
        "office for a time code.",
    )
