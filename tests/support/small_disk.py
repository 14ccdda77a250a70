"""A disk of a fixed size, which other programs fill: what tests put in place of ``os``."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fieldward_client.disk import folder, reserve


class _Usage(NamedTuple):
    free: int


class SmallDisk:
    """Passes calls on to ``os``, and takes no more than fits."""

    def __init__(self, home: Path, *, free: int) -> None:
        self._home = home
        self.size = self.used + free
        self.refusal = errno.ENOSPC
        """How it says that there is no room."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @property
    def used(self) -> int:
        """What lies in the folder."""
        return sum(path.stat().st_size for path in self._home.rglob("*") if path.is_file())

    @property
    def free(self) -> int:
        """What still fits."""
        return max(0, self.size - self.used)

    def fill(self) -> None:
        """Have somebody else take all that is left."""
        self.size = self.used

    def disk_usage(self, _path: Path) -> _Usage:
        return _Usage(self.free)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        fits = data[: self.free]
        if data and not fits:
            raise OSError(self.refusal, os.strerror(self.refusal))
        return os.write(descriptor, fits)


@contextmanager
def put_small(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """Let the device's folder lie on this disk."""
    with monkeypatch.context() as patch:
        for module in (folder, reserve):
            patch.setattr(module, "os", disk)
            patch.setattr(module, "shutil", disk)
        yield disk
