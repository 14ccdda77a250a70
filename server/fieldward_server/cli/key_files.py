"""Private keys that an authority keeps outside the server: one text file each, for its owner only.

One line: ``fieldward/<purpose>/1 <authority> <64 hex digits>``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldward_sync.errors import CallerMistake

ROOT = "root-key"
AUDIT = "audit-key"

_LINE = re.compile(r"fieldward/([a-z-]+)/1 (E\d{8}) ([0-9a-f]{64})\n")


@contextmanager
def new_key_file(
    folder: Path, *, purpose: str, authority: str
) -> Iterator[Callable[[bytes], Path]]:
    """Take the place for a key before there is one, so that no key is made and then lost.

    What it gives writes the key durably and says where. Raises ``CallerMistake("key-exists")``.
    """
    path = folder / f"{authority}-{purpose}"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as e:
        raise CallerMistake("key-exists", f"There is a {path} already.") from e

    def write(secret: bytes) -> Path:
        os.write(handle, f"fieldward/{purpose}/1 {authority} {secret.hex()}\n".encode())
        os.fsync(handle)
        return path

    try:
        yield write
    finally:
        empty = os.fstat(handle).st_size == 0
        os.close(handle)
        if empty:
            path.unlink()


def read_key(path: Path, *, purpose: str, authority: str) -> bytes:
    """The key in a file; ``CallerMistake("not-the-key")`` if it holds anything else."""
    found = _LINE.fullmatch(path.read_text(errors="replace"))
    if found is None or found[1] != purpose or found[2] != authority:
        raise CallerMistake("not-the-key", f"{path} does not hold the {purpose} of {authority}.")
    return bytes.fromhex(found[3])
