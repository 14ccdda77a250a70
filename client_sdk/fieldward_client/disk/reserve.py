"""Room on the disk that is kept for what has to be written down (P34).

Nothing is shown unlogged, so on a full disk nothing could be looked up. Some room is therefore
taken beforehand, by a file that says nothing, and given back when a write finds none: a little at a
time, because whatever else fills the disk would have the rest at once.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

RESERVE = "reserve"
RESERVE_BYTES = 1 << 20
"""Five times what the look-ups take that a lease allows unless it says otherwise."""
GIVEN_BYTES = 64 << 10
"""At a time: more than any one entry or edit takes."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_OWNER_ONLY = 0o600


class Reserve:
    """The room that is kept in a device's folder."""

    def __init__(self, home: Path) -> None:
        self._path = home / RESERVE

    def fill(self) -> None:
        """Take what is missing of it, where twice as much is left. No failure matters."""
        with suppress(OSError):
            missing = RESERVE_BYTES - self._size()
            if missing > 0 and shutil.disk_usage(self._path.parent).free >= 2 * RESERVE_BYTES:
                # Random, because a file system that compresses keeps no room for zeros.
                self._change(lambda file: os.write(file, os.urandom(missing)))

    def making_room(self, size: int, write: Callable[[], None]) -> None:
        """Write so many bytes; and again, with a little more room, as often as there is none and
        more than that is kept: what would have too little of it takes nothing.

        ``OSError`` as ``write`` raises it, once it is not to be helped.
        """
        while True:
            try:
                return write()
            except OSError as e:
                if e.errno not in _NO_ROOM or not self._give_back(size):
                    raise

    def _give_back(self, needed: int) -> bool:
        """Give back the parts that hold so many bytes; whether more than those are kept."""
        kept = self._size()
        if kept <= needed:
            return False
        given = (needed // GIVEN_BYTES + 1) * GIVEN_BYTES
        self._change(lambda file: os.ftruncate(file, max(0, kept - given)))
        return True

    def _change(self, change: Callable[[int], object]) -> None:
        file = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _OWNER_ONLY
        )
        try:
            change(file)
            os.fsync(file)  # room is taken, or free for others, from then on
        finally:
            os.close(file)

    def _size(self) -> int:
        with suppress(FileNotFoundError):
            return os.stat(self._path).st_size
        return 0
