"""Wrong passphrases climb a ladder of waits, and end in the loss of the lease (V7).

An attempt is counted, durably, before it is made, and the count goes back only for a passphrase
that was right: who kills the process has used the attempt up. A wait is measured by the time since
the machine started, which nobody can set. What this cannot stop is somebody who puts back an older
copy of the count itself, with the rest of the folder: the threat model says so.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.lease import lease_file
from fieldward_sync.encoding import Message
from fieldward_sync.errors import AccessClosed, LocalDataDamaged
from fieldward_sync.names import Count, Seconds

_MINUTE, _HOUR = 60, 3600

WAITS = {5: _MINUTE, 6: 5 * _MINUTE, 7: 15 * _MINUTE, 8: 15 * _MINUTE, 9: _HOUR}
"""After so many wrong passphrases in a row, how many seconds pass before the next may be tried."""
LAST_ATTEMPT = 10
"""After so many the lease is erased."""
WAIT_WITHOUT_LEASE = _HOUR
"""From then on, before each that follows."""


class Attempts(Message, frozen=True):
    """What a practitioner's passphrase has been through on this device."""

    marker: ClassVar[bytes] = b"fieldward/attempts/1"
    wrong: Count
    """Since the last that was right; one that was begun counts until it has been right."""
    boot: str
    since_boot: Seconds
    """When the last was begun: in which run of the machine, and how long after its start."""
    lease_erased_at: Seconds = 0
    """When the ladder ended last, and the server has not been seen to know; 0: never, or it has."""


_LOST = Attempts(wrong=LAST_ATTEMPT - 1, boot="", since_boot=0)
"""What counts where the count is gone: losing it must not be worth anybody's while."""


def attempts_file(practitioner: str) -> str:
    """Where a practitioner's attempts are counted."""
    return f"practitioners/{practitioner}/attempts"


class Ladder:
    """The ladder of one practitioner's passphrase."""

    def __init__(self, folder: Folder, clock: TrustedClock, practitioner: str) -> None:
        self._folder, self._clock = folder, clock
        self._practitioner = practitioner

    @classmethod
    def create(cls, folder: Folder, practitioner: str) -> None:
        """Nothing was tried yet. Before there is a vault to try."""
        folder.store(attempts_file(practitioner), Attempts(wrong=0, boot="", since_boot=0))

    @property
    def attempts(self) -> Attempts:
        """What was tried so far."""
        try:
            found = self._folder.load(attempts_file(self._practitioner), Attempts)
        except LocalDataDamaged:
            found = None
        return found or _LOST

    @property
    def left(self) -> int:
        """How many may be wrong before the lease is erased; 0 once it has been."""
        return max(0, LAST_ATTEMPT - self.attempts.wrong)

    @property
    def wait_seconds(self) -> int:
        """How long to wait before the next attempt; 0 for not at all."""
        attempts = self.attempts
        wait = WAIT_WITHOUT_LEASE if self.left == 0 else WAITS.get(attempts.wrong, 0)
        reading = self._clock.reading()
        # After a restart, all of this run of the machine has passed since, at the least.
        begun = attempts.since_boot if attempts.boot == reading.boot else 0
        return max(0, wait - max(0, reading.since_boot - begun))

    def begin(self) -> None:
        """Count an attempt that is about to be made; ``AccessClosed("passphrase-wait")`` if it is
        too early for one, and then it does not count."""
        self.finish()
        wait = self.wait_seconds
        if wait:
            raise AccessClosed(
                "passphrase-wait",
                f"After {self.attempts.wrong} wrong passphrases the next can be tried in "
                f"{in_words(wait)}.",
                next_step="Wait with the device switched on. If the passphrase is forgotten, ask "
                "your sync administrator for an invitation; what you typed is still delivered.",
            )
        reading = self._clock.reading()
        self._keep(wrong=self.attempts.wrong + 1, boot=reading.boot, since_boot=reading.since_boot)

    def right(self) -> None:
        """The passphrase was right: the ladder begins anew."""
        self._keep(wrong=0)

    def finish(self) -> None:
        """Erase the lease once the ladder has ended; again after a crash."""
        if self.left or not self._folder.size(lease_file(self._practitioner)):
            return
        # Reported even if the machine stops right after the erasing.
        self._keep(lease_erased_at=self._clock.estimate())
        self._folder.erase(lease_file(self._practitioner))

    def told(self, lease_erased_at: int) -> None:
        """The server knows of a ladder that ended then."""
        if self.attempts.lease_erased_at == lease_erased_at:
            self._keep(lease_erased_at=0)

    def _keep(self, **changes: int | str) -> None:
        changed = msgspec.structs.replace(self.attempts, **changes)
        self._folder.store(attempts_file(self._practitioner), changed)


def in_words(seconds: int) -> str:
    """How long to wait, as it is told to the person who waits."""
    if seconds < _MINUTE:
        return "a second" if seconds == 1 else f"{seconds} seconds"
    minutes = -(-seconds // _MINUTE)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
