"""The sealed files: a folder where each file is called by the hash of its bytes.

The database stays the only source of truth: a file that is lost is made again under the next
manifest. What has been written is durable before its name is given out.
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import tempfile
from collections.abc import Collection
from pathlib import Path

from fieldward_server import durable
from fieldward_sync.distribution import file_name

_NAME = re.compile(r"[0-9a-f]{64}")
_PROBE_BYTES = 4096
_LOST = (errno.EIO, errno.EACCES)
"""A sector that is gone, or a file that somebody else put there: the next one is in its own place,
and ours. What a disk that is away says of a file is no reason to remove it."""


class SealedFiles:
    """A folder of sealed files, spread over 256 folders by the beginnings of their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path | None:
        """Where the file of this name lies; ``None`` if there is none, or it cannot be a name."""
        if not _NAME.fullmatch(name):
            return None
        path = self._place(name)
        return path if _bytes_of(path) is not None else None

    def has(self, name: str, size: int) -> bool:
        """Whether the file of this name is there and has so many bytes."""
        return _bytes_of(self._place(name)) == size

    def write(self, sealed: bytes) -> str:
        """Keep these bytes and give their name; the same bytes again change nothing."""
        name = file_name(sealed)
        if self.path(name) is None:
            self._write_durably(self._place(name), sealed)
        return name

    def remove(self, name: str) -> None:
        """Forget a file; one that is not there is no mistake."""
        self._place(name).unlink(missing_ok=True)

    def remove_damaged(self, name: str) -> bool:
        """Remove the file of this name if it will never be read or its bytes have another; whether
        it was so."""
        path = self._place(name)
        try:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == name:
                    return False
        except FileNotFoundError:
            return False
        except OSError as e:
            if e.errno not in _LOST:
                raise
        path.unlink(missing_ok=True)
        return True

    def remove_strays(self, known: Collection[str], *, before: int) -> int:
        """Remove what was written before this time, in seconds, and has none of the known names: a
        process was killed over it. How many went."""
        strays = [
            path
            for path in self._folder.glob("[0-9a-f][0-9a-f]/*")
            if path.name not in known and _written_at(path) < before
        ]
        for path in strays:
            path.unlink(missing_ok=True)
        return len(strays)

    def can_write(self) -> bool:
        """Whether the folder takes a file now; none stays."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._folder) as file:
                file.write(bytes(_PROBE_BYTES))
        except OSError:
            return False
        return True

    def _place(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _write_durably(self, path: Path, body: bytes) -> None:
        """Under another name first, so that the right name never stands for half a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        for folder in (path.parent, self._folder):
            durable.sync(folder)


def _bytes_of(path: Path) -> int | None:
    """How long a file is; ``None`` for none, and for one that cannot be looked at nor given out."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def _written_at(path: Path) -> float:
    """When, in seconds; never, of what has gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
