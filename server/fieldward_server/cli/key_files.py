"""Private keys that an authority keeps outside the server: one text file each, for its owner only.

One line: ``fieldward/<purpose>/1 <authority> <64 hex digits>``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from fieldward_server import durable
from fieldward_sync.errors import CallerMistake

ROOT = "root-key"
AUDIT = "audit-key"

_LINE = re.compile(r"fieldward/([a-z-]+)/1 (E\d{8}) ([0-9a-f]{64})\n")


def write_keys(folder: Path, *, authority: str, keys: Mapping[str, bytes]) -> list[Path]:
    """Write keys by their purpose, durably, all of them or none; where they are.

    Raises ``CallerMistake("key-exists")``, or "key-file" where nothing can be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for purpose, secret in keys.items():
            path = folder / f"{authority}-{purpose}"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            written.append(path)
            with os.fdopen(handle, "w") as file:
                file.write(f"fieldward/{purpose}/1 {authority} {secret.hex()}\n")
                file.flush()
                os.fsync(handle)
        durable.sync(folder)
    except OSError as e:
        remove_keys(written)
        if isinstance(e, FileExistsError) and folder.is_dir():
            raise CallerMistake(
                "key-exists",
                f"There is a {e.filename} already.",
                next_step="Name another folder: no key is ever written over.",
            ) from e
        raise CallerMistake("key-file", f"{folder} cannot be written: {e.strerror}.") from e
    return written


def remove_keys(paths: Iterable[Path]) -> None:
    """Remove the files of keys that nothing was founded on."""
    for path in paths:
        path.unlink()


def read_key(path: Path, *, purpose: str, authority: str) -> bytes:
    """The key in a file; ``CallerMistake``: "not-the-key" if it holds anything else, "key-file" if
    it cannot be read."""
    found = _read(path, purpose)
    if found is None or found[0] != authority:
        raise CallerMistake("not-the-key", f"{path} does not hold the {purpose} of {authority}.")
    return found[1]


def read_root_key(path: Path) -> tuple[str, bytes]:
    """Whose root key is in a file, and the key; raises as ``read_key``."""
    found = _read(path, ROOT)
    if found is None:
        raise CallerMistake("not-the-key", f"{path} does not hold a root key.")
    return found


def _read(path: Path, purpose: str) -> tuple[str, bytes] | None:
    try:
        found = _LINE.fullmatch(path.read_text(errors="replace"))
    except OSError as e:
        raise CallerMistake("key-file", f"{path} cannot be read: {e.strerror}.") from e
    if found is None or found[1] != purpose:
        return None
    return found[2], bytes.fromhex(found[3])
