"""The device's folder: where everything durable goes. Nothing writes but this and its reserve.

A name is a path below the folder, with slashes. What has been replaced or appended is on the disk
when the call returns; a file that is being replaced is the old one or the new one, never between.
Files are for their owner alone. What may be written here is sealed, signed or says nothing of
anybody: the folder never sees a record.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from fieldward_client.disk.reserve import Reserve
from fieldward_sync.encoding import Message, MessageT, decode, encode
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol, RetryLater

MAX_DOCUMENT_BYTES = 4 << 20
_OWNER_ONLY = 0o600
_OWNER_ONLY_FOLDER = 0o700
UNFINISHED = ".new"
_READ_BYTES = 1 << 20
_NONE = -1
"""No descriptor."""


class Folder:
    """A device's folder. One process holds it at a time."""

    def __init__(self, home: Path, *, within: Folder | None = None) -> None:
        self._home = home
        self._root: Path = within._root if within else home
        self._reserve: Reserve = within._reserve if within else Reserve(home)
        self._lock = FileLock(home / "lock", mode=_OWNER_ONLY, thread_local=False)

    def below(self, name: str) -> Folder:
        """A folder of this one's, for whoever holds this one."""
        return Folder(self._home / name, within=self)

    @property
    def room_left(self) -> int | None:
        """How many bytes the disk has left, without what is kept; ``None`` if it does not say."""
        with suppress(OSError):
            return shutil.disk_usage(self._home).free
        return None

    def keep_room(self) -> None:
        """Have some room kept for what is appended and replaced here, if the disk has any."""
        self._reserve.fill()

    def create(self) -> None:
        """Make the folder, for its owner alone."""
        with _disk():
            _make_folder(self._home)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others out; ``RetryLater("folder-in-use")`` if it is held, here or elsewhere."""
        if not self._home.is_dir():
            yield
            return
        try:
            self._lock.acquire(blocking=False)
        except Timeout as e:
            raise RetryLater(
                "folder-in-use",
                "This device is open already, in this program or in another.",
                next_step="Close it there, then try again; nothing is lost.",
            ) from e
        except OSError as e:
            raise _refused(e.strerror or type(e).__name__) from e
        try:
            yield
        finally:
            self._lock.release()

    def names(self, folder: str) -> tuple[str, ...]:
        """The names below a folder, in order; none if there is no such folder."""
        try:
            with _disk():
                entries = sorted(os.listdir(self._path(folder)))
        except FileNotFoundError:
            return ()
        return tuple(f"{folder}/{entry}" for entry in entries)

    def everything(self) -> tuple[str, ...]:
        """The names of all files, in order."""
        with _disk():
            found = [
                str(Path(where, name).relative_to(self._home))
                for where, _, names in os.walk(self._home)
                for name in names
            ]
        return tuple(sorted(found))

    def erase_unfinished(self) -> None:
        """Erase what a crash has left of replacing and erasing: it may hold keys."""
        self.erase(*(name for name in self.everything() if name.endswith(UNFINISHED)))

    def read(self, name: str) -> bytes | None:
        """A file's bytes; ``None`` if there is none."""
        try:
            with _disk():
                descriptor = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            with _disk():
                return b"".join(iter(lambda: os.read(descriptor, _READ_BYTES), b""))
        finally:
            os.close(descriptor)

    def load(self, name: str, kind: type[MessageT]) -> MessageT | None:
        """The message in a file, ``None`` without one; ``LocalDataDamaged`` for anything else."""
        data = self.read(name)
        if data is None:
            return None
        try:
            return decode(kind, data, max_bytes=MAX_DOCUMENT_BYTES)
        except PeerBrokeProtocol as e:
            raise LocalDataDamaged("file-damaged", f"The file {name} is damaged.") from e

    def size(self, name: str) -> int:
        """How many bytes a file has; 0 if there is none."""
        try:
            with _disk():
                return os.stat(self._path(name)).st_size
        except FileNotFoundError:
            return 0

    def store(self, name: str, message: Message) -> None:
        """Replace a file by a message."""
        self.replace(name, encode(message))

    def store_each(self, messages: Mapping[str, Message]) -> None:
        """Replace several files by messages. A crash may leave some as they were, each of them
        whole; their names are made durable together, which costs one sync less for each."""
        self._replace({name: encode(message) for name, message in messages.items()})

    def replace(self, name: str, data: bytes) -> None:
        """Replace a file, whole and durably; ``LocalDataDamaged("disk-refused")`` if it cannot."""
        self._replace({name: data})

    def _replace(self, contents: Mapping[str, bytes]) -> None:
        paths = {self._path(name): data for name, data in contents.items()}

        def write() -> None:
            for path, data in paths.items():
                self._make_below(path.parent)
                _write_durably(_unfinished(path), data)
            for path in paths:
                os.replace(_unfinished(path), path)
            for folder in {path.parent for path in paths}:
                _sync_folder(folder)

        with _disk():
            self._reserve.making_room(sum(map(len, paths.values())), write)

    def rename(self, old: str, new: str) -> None:
        """Give a file that is durable already its name, durably."""
        with _disk():
            os.replace(self._path(old), self._path(new))
            _sync_folder(self._path(new).parent)

    def appended(self, name: str, *, renamed_later: bool = False) -> AppendedFile:
        """A file to append to; made if there is none, durably unless ``rename`` gives it a durable
        name once it is whole."""
        path = self._path(name)
        with _disk():
            self._make_below(path.parent)
            made = not path.exists()
            file = AppendedFile(path, self._reserve)
            if made and not renamed_later:
                _sync_folder(path.parent)
            return file

    def remove(self, *names: str) -> None:
        """Remove files, durably. All are tried before a failure is raised."""
        failures: list[OSError] = []
        folders = set()
        for name in names:
            path = self._path(name)
            for each in (path, _unfinished(path)):
                try:
                    os.unlink(each)
                    folders.add(path.parent)
                except FileNotFoundError:
                    continue
                except OSError as e:
                    failures.append(e)
        with _disk():
            for folder in folders:
                _sync_folder(folder)
            if failures:
                raise failures[0]

    def remove_folder(self, name: str) -> None:
        """Remove a folder of this one's that has nothing in it, durably."""
        path = self._path(name)
        with _disk(), suppress(FileNotFoundError):
            os.rmdir(path)
            _sync_folder(path.parent)

    def erase(self, *names: str) -> None:
        """Remove files that hold keys, and overwrite what they held.

        Each loses its name first, so that nothing ever reads it half overwritten. Overwriting helps
        on plain disks; flash may keep the old bytes. That is why every key here is also wrapped
        under something that lies elsewhere.
        """
        for name in names:
            with suppress(OSError):  # what matters is that they are removed, just below
                self._blank(name)
        self.remove(*names)

    def _blank(self, name: str) -> None:
        path = self._path(name)
        nameless = _unfinished(path)
        with suppress(FileNotFoundError):
            os.replace(path, nameless)
            _sync_folder(path.parent)
        descriptor = os.open(nameless, os.O_WRONLY | os.O_CLOEXEC)
        try:
            _write(descriptor, bytes(os.fstat(descriptor).st_size))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _make_below(self, path: Path) -> None:
        """Make a folder in the device's. That one is made by ``create`` alone: where it is gone, on
        a card that was taken out, another in its place would be half a device."""
        if not self._root.is_dir():
            raise missing()
        _make_folder(path)

    def _path(self, name: str) -> Path:
        return self._home / name


class AppendedFile:
    """A file that grows at its end."""

    def __init__(self, path: Path, reserve: Reserve) -> None:
        self._path = path
        self._reserve = reserve
        self._descriptor = _open_to_append(path)
        self._length = os.fstat(self._descriptor).st_size
        self._broken = False

    def __len__(self) -> int:
        return self._length

    def read(self) -> bytes:
        """The whole content."""
        with _disk():
            return os.pread(self._descriptor, self._length, 0)

    def append(self, data: bytes) -> None:
        """Append, durably and as one: after a failure the file is as it was before.

        Raises ``LocalDataDamaged("disk-refused")``. If not even the old state could be restored,
        every later append is refused too, until the file is opened again.
        """
        with _disk():
            self._reserve.making_room(len(data), lambda: self._append(data))
        self._length += len(data)

    def _append(self, data: bytes) -> None:
        if self._broken:
            raise _refused("An earlier failure has left this file in doubt")
        try:
            _write(self._descriptor, data)
            os.fsync(self._descriptor)
            if not os.fstat(self._descriptor).st_nlink:  # nobody would find what is in it
                raise missing()
        except BaseException:  # whoever is interrupted may go on afterwards, or close
            self._undo()
            raise

    def write(self, data: bytes) -> None:
        """Append, not yet durably, and never to room that is kept."""
        with _disk():
            _write(self._descriptor, data)
        self._length += len(data)

    def sync(self) -> None:
        """Make durable what was written."""
        with _disk():
            os.fsync(self._descriptor)

    def cut(self, length: int) -> None:
        """Keep the first ``length`` bytes, durably."""
        with _disk():
            os.ftruncate(self._descriptor, length)
            os.fsync(self._descriptor)
        self._length = length

    def follow(self) -> None:
        """Go on with the file that has the name now, durably; where that cannot be made sure, every
        later append is refused."""
        self._broken = True
        with _disk():
            before, self._descriptor = self._descriptor, _open_to_append(self._path)
            os.close(before)
            self._length = os.fstat(self._descriptor).st_size
            _sync_folder(self._path.parent)
        self._broken = False

    def close(self) -> None:
        """Let go of the file; nothing is appended any more. May be repeated."""
        self._broken = True
        descriptor, self._descriptor = self._descriptor, _NONE
        if descriptor != _NONE:
            os.close(descriptor)

    def _undo(self) -> None:
        self._broken = True
        with suppress(OSError):
            os.ftruncate(self._descriptor, self._length)
            os.fsync(self._descriptor)
            self._broken = False


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + UNFINISHED)


def _open_to_append(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _OWNER_ONLY)


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
    try:
        _write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_folder(path: Path) -> None:
    if not path.is_dir():
        _make_folder(path.parent)
        os.mkdir(path, _OWNER_ONLY_FOLDER)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk() -> Iterator[None]:
    """Foreign errors end here; that a file is not there is for the caller to know."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as e:
        raise _refused(e.strerror or type(e).__name__) from e


def missing() -> LocalDataDamaged:
    """What is left to say where the device's folder was."""
    return LocalDataDamaged(
        "folder-missing",
        "The folder of this device is not where it was.",
        next_step="Put back the card or drive that it is on, or the folder in its place; then open "
        "the device again.",
    )


def _refused(why: str) -> LocalDataDamaged:
    return LocalDataDamaged(
        "disk-refused",
        f"The disk did not take what must be kept: {why}. Nothing was changed.",
        next_step="Make room on the disk or have it repaired, then try again. "
        "What was accepted before is kept.",
    )
