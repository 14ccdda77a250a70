"""A disk that fails once, at a chosen call: what crash tests put in place of ``os``.

Four ways to fail. *kill*: the process dies in the middle of the call; what it wrote so far is
there. *power*: likewise, and whatever was not synced is gone: contents, new names, renames,
removals. *error*: the call fails, and the process lives on. *interrupt*: so it does after somebody
has broken off before the call (Ctrl-C, or a signal's handler that raises).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from fieldward_client import LocalDataDamaged

Failure = Literal["kill", "power", "error", "interrupt"]
FAILURES: tuple[Failure, ...] = ("kill", "power", "error", "interrupt")
OUTLIVED = (LocalDataDamaged, KeyboardInterrupt)
"""What a process goes on after."""


class Crashed(BaseException):
    """The process is dead: nothing may catch this."""


class FaultyDisk:
    """Passes calls on to ``os``, counts those that change the disk, and fails one of them."""

    def __init__(self, failure: Failure | None = None, *, at: int = 0) -> None:
        self.calls: list[str] = []
        """What was called, of the calls that can fail."""
        self._failure = failure
        self._at = at
        self._dead = False
        self._contents: dict[int, bytes] = {}
        """Of files with unsynced content, by inode: what a power loss leaves of them."""
        self._names: list[tuple[str, Callable[[], None]]] = []
        """Unsynced changes of folders: which folder, and how to take the change back."""
        self._touched: set[str] = set()
        """The folders with files that were written to."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @property
    def failed(self) -> bool:
        """Whether the call that was to fail has been made."""
        return bool(self._failure) and len(self.calls) >= self._at > 0

    # --- The calls that can fail ------------------------------------------------------------

    def open(self, path: str | Path, flags: int, mode: int = 0o777) -> int:
        if not flags & os.O_CREAT:
            return os.open(path, flags, mode)
        self._step("create")
        if not os.path.exists(path):
            self._names.append((os.path.dirname(path), lambda: os.unlink(path)))
        elif flags & os.O_TRUNC:
            self._remember(os.stat(path).st_ino, path)
        return os.open(path, flags, mode)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        self._remember(os.fstat(descriptor).st_ino, f"/proc/self/fd/{descriptor}")
        self._step("write", before_failing=lambda: os.write(descriptor, data[: len(data) // 2]))
        return os.write(descriptor, data)

    def ftruncate(self, descriptor: int, length: int) -> None:
        self._remember(os.fstat(descriptor).st_ino, f"/proc/self/fd/{descriptor}")
        self._step("truncate")
        os.ftruncate(descriptor, length)

    def fsync(self, descriptor: int) -> None:
        """Only remembered: a power loss is something we do ourselves."""
        self._step("fsync")
        self._contents.pop(os.fstat(descriptor).st_ino, None)
        folder = os.readlink(f"/proc/self/fd/{descriptor}")
        self._names = [(where, undo) for where, undo in self._names if where != folder]

    def replace(self, source: Path, target: Path) -> None:
        self._step("rename")
        before = self._durable(target) if target.exists() else None

        def undo() -> None:
            os.replace(target, source)
            if before is not None:
                target.write_bytes(before)

        os.replace(source, target)
        self._names.append((str(target.parent), undo))

    def unlink(self, path: Path) -> None:
        if not path.exists():
            os.unlink(path)
        self._step("unlink")
        before = self._durable(path)
        os.unlink(path)
        self._names.append((str(path.parent), lambda: _write(path, before)))

    def mkdir(self, path: Path, mode: int = 0o777) -> None:
        self._step("mkdir")
        os.mkdir(path, mode)
        self._names.append((str(path.parent), lambda: os.rmdir(path)))

    # --- What happens then ------------------------------------------------------------------

    def lose_power(self) -> None:
        """Leave on the disk what was synced, and nothing else."""
        for _, undo in reversed(self._names):
            undo()
        for folder in map(Path, self._touched):
            for path in folder.iterdir() if folder.is_dir() else ():
                content = self._contents.get(path.stat().st_ino)
                if path.is_file() and content is not None:
                    path.write_bytes(content)

    def _step(self, call: str, before_failing: Callable[[], object] = lambda: None) -> None:
        if self._dead:
            raise Crashed(call)
        self.calls.append(call)
        if self._failure is None or len(self.calls) != self._at:
            return
        if self._failure == "interrupt":
            raise KeyboardInterrupt
        before_failing()
        if self._failure == "error":
            raise OSError(errno.EIO, "the disk failed")
        self._dead = True
        raise Crashed(call)

    def _remember(self, inode: int, path: str | Path) -> None:
        """Before a file's content changes for the first time since it was synced."""
        self._touched.add(os.path.dirname(os.path.realpath(path)))
        if inode not in self._contents:
            self._contents[inode] = Path(path).read_bytes()

    def _durable(self, path: Path) -> bytes:
        return self._contents.get(path.stat().st_ino, path.read_bytes())


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
