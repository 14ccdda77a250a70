"""Files that are on the disk when the call returns."""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700


def write_new(file: Path, content: bytes) -> None:
    """Write a file that is not there yet, for its owner alone; all of it or, on an error, none."""
    file.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(handle)
    except OSError:
        file.unlink()
        raise
    sync(file.parent)


def replace(file: Path, content: bytes) -> None:
    """Write a file in the place of the one that is there: its owner finds the one or the other."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    write_new(unfinished, content)
    unfinished.replace(file)
    sync(file.parent)


def sync(path: Path) -> None:
    """Make durable what was written to a file, or which names a folder holds."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
