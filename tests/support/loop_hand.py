"""A person at a device, in words that can cross to another process.

The rules of the loop know devices only through this: a machine holds a hand as it is, a soak in a
process of its own, which is killed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fieldward_client import AccessClosed, CallerMistake, Device, SyncReport
from fieldward_client.disk.clock import Clock
from fieldward_client.status import Status
from fieldward_client.wire.transport import Transport
from fieldward_sync.records import Value
from hand_timer import YEARS, HandTimer
from held_keys import keys_on_disk

PASSPHRASE = "correct horse battery staple"
REASON = "record-correction"


@dataclass(frozen=True)
class Shown:
    """A record as a device shows it."""

    shielded: bool
    values: dict[str, list[str]]


@dataclass(frozen=True)
class Tried:
    """What somebody else got to see who has a passphrase on the device too."""

    report: SyncReport
    shown: dict[str, Shown | None]


class Hand:
    """Somebody with a device in a folder, opened; and with copies of the folder. Of several who
    have keys there it is who came last: they are called so that they sort last."""

    def __init__(
        self, home: Path, clock: Clock | None = None, transport: Transport | None = None
    ) -> None:
        self.home = home
        self._clock, self._transport = clock, transport
        # By a clock that is moved by hand, nothing happens between two moves.
        self._timer = None if clock is None else HandTimer()
        self._device: Device | None = None

    def enrol(self, server_url: str, code: str) -> None:
        """Make the folder a device."""
        self._device = Device.enrol(
            self.home,
            server_url,
            code,
            passphrase=PASSPHRASE,
            transport=self._transport,
            clock=self._clock,
            timer=self._timer,
            lock_after_seconds=YEARS,
        )

    def open(self) -> None:
        """Open the device with its passphrase; without, once it is wiped."""
        self._device = self._opened()
        self._unlock()

    def close(self) -> None:
        """Lock the device."""
        if self._device is not None:
            self._device.close()
            self._device = None

    def reopen(self) -> None:
        """Lock, and unlock again."""
        self.close()
        self.open()

    def copy_folder(self) -> None:
        """Keep a copy of the folder as it is now, in place of any kept before."""
        self.close()
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.home, self._copy)
        self.open()

    def put_back(self) -> None:
        """Go on with the copy; what came after it is gone with the disk."""
        self.close()
        shutil.rmtree(self.home)
        shutil.copytree(self._copy, self.home)
        self.open()

    def write(self, record: str, path: str, value: Value) -> int:
        """Open a record and change it: the edit's number. 0 if the record is not held any more,
        hidden by now, or the change makes no sense over what is shown."""
        with suppress(CallerMistake, AccessClosed), self._open.session(reason=REASON) as session:
            opened = session.open(record)
            (opened.settle if path in opened.conflicts else opened.edit)(path, value)
            return max(each.counter for each in self._open.pending() if each.state == "unsent")
        return 0

    def look(self, record: str) -> Shown | None:
        """What is shown of a record; ``None`` if nothing is."""
        try:
            with self._open.session(reason=REASON) as session:
                shown = session.open(record)
        except (CallerMistake, AccessClosed):
            return None
        values = {path: [str(value)] for path, value in shown.values.items()}
        values |= {path: sorted(map(str, each)) for path, each in shown.conflicts.items()}
        return Shown(shown.shielded, values)

    def sync(self) -> SyncReport:
        """Sync once."""
        return self._open.sync()

    def people(self) -> tuple[str, ...]:
        """Who has keys on the device."""
        return tuple(sorted(self._open.practitioners))

    def take_over(self, code: str) -> str:
        """Take the device over with a code: who that is; nobody where the code opens nothing."""
        try:
            return self._open.join(code, passphrase=PASSPHRASE)
        except (CallerMistake, AccessClosed):
            self._unlock()
            return ""

    def try_as(self, who: str, records: Iterable[str]) -> Tried:
        """Let another who has keys here sync and look; then it is the last one's again."""
        self._open.unlock(PASSPHRASE, who)
        tried = Tried(self.sync(), {record: self.look(record) for record in records})
        self._unlock()
        return tried

    def keys_on_disk(self) -> set[bytes]:
        """The keys of partitions that the folder and the passphrase give together."""
        return keys_on_disk(self._open)

    def files(self) -> set[str]:
        """The names of the sealed files in the folder, of those that came in part too."""
        return {file.name for file in (self.home / "files").glob("*")}

    def is_gone(self) -> bool:
        """Whether the device was wiped, delivered everything, and left."""
        return not (self.home / "identity").exists()

    def status(self) -> Status:
        """Where the device stands."""
        return self._open.status()

    def unsent(self) -> set[tuple[int, int]]:
        """The edits without a verdict: the device's generation, and their numbers."""
        generation = self._open.status().generation
        return {
            (generation, each.counter) for each in self._open.pending() if each.state == "unsent"
        }

    def notices(self) -> list[tuple[str, str | None]]:
        """The records and fields of what the practitioner has not read."""
        with suppress(AccessClosed):
            return [(notice.record_id, notice.path) for notice in self._open.notices()]
        return []

    def read_notices(self) -> None:
        """Mark them all as read."""
        with suppress(AccessClosed):
            self._open.mark_read(*self._open.notices())

    @property
    def _copy(self) -> Path:
        return self.home.with_name(f"{self.home.name}-copy")

    @property
    def _open(self) -> Device:
        if self._device is None:
            raise CallerMistake("device-closed", "Nobody has this device open.")
        return self._device

    def _unlock(self) -> None:
        with suppress(AccessClosed):
            self._open.unlock(PASSPHRASE, self.people()[-1])

    def _opened(self) -> Device:
        return Device.open(
            self.home,
            transport=self._transport,
            clock=self._clock,
            timer=self._timer,
            lock_after_seconds=YEARS,
        )
