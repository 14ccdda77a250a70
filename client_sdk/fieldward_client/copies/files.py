"""The sealed files on the device, stored exactly as they came and named by their hash."""

from __future__ import annotations

from collections.abc import Callable, Container

from fieldward_client.disk.folder import Folder
from fieldward_client.wire.transport import Transport
from fieldward_sync.distribution import FileCheck, FileEntry
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol, RetryLater

FILES = "files"
PARTIAL = ".part"


class SealedFiles:
    """What is on the disk of the files that manifests list."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def has(self, entry: FileEntry) -> bool:
        """Whether the file is here, whole; its content is checked when it is opened."""
        return self._folder.size(_path(entry.name)) == entry.sealed_bytes

    def read(self, entry: FileEntry) -> bytes:
        """A file's sealed bytes; ``LocalDataDamaged("file-missing")`` if it is not here."""
        sealed = self._folder.read(_path(entry.name))
        if sealed is None:
            raise LocalDataDamaged(
                "file-missing",
                "A file of this partition is missing.",
                next_step="Connect and sync: it is fetched again.",
            )
        return sealed

    def fetch(
        self,
        entry: FileEntry,
        transport: Transport,
        *,
        begin: Callable[[], FileCheck],
        arrived: Callable[[int, int], None],
    ) -> bytes:
        """Bring a file, going on where an earlier attempt broke off, and replace any that is here;
        its body, opened while it came. ``arrived`` is told how many bytes have come, and of how
        many that are here now.

        ``RetryLater`` keeps what has come; ``PeerBrokeProtocol`` drops it, because it is not what
        the manifest lists.
        """
        partial = _path(entry.name) + PARTIAL
        # Whatever a power loss leaves of a part, its hash tells at the end whether it is the file.
        file = self._folder.appended(partial, renamed_later=True)
        try:
            opener = begin()
            opener.feed(file.read())
            # What came whole before a crash is not asked for: there is no range behind its end.
            whole = len(file) >= entry.sealed_bytes
            path = f"/v1/files/{entry.name}"
            for offset, piece in () if whole else transport.fetch(path, offset=len(file)):
                if offset != len(file):
                    file.cut(offset)
                    opener = begin()
                    opener.feed(file.read())
                file.write(piece)
                opener.feed(piece)
                if len(file) > entry.sealed_bytes:
                    break
                arrived(len(piece), len(file))
            if len(file) < entry.sealed_bytes:
                raise RetryLater("file-cut", "A file broke off while it was being fetched.")
            file.sync()
        finally:
            file.close()
        try:
            body = opener.finish()
        except PeerBrokeProtocol:
            self._folder.remove(partial)
            raise
        self._folder.rename(partial, _path(entry.name))
        return body

    def discard(self, entry: FileEntry) -> None:
        """Drop a file that turned out to be damaged, so that the next sync fetches it."""
        self._folder.remove(_path(entry.name))

    def keep_only(self, names: Container[str]) -> None:
        """Erase every file that no manifest lists any more, unfinished ones included."""
        self._folder.remove(*self.besides(names))

    def besides(self, names: Container[str]) -> tuple[str, ...]:
        """The paths of all other files, unfinished ones included."""
        stored = self._folder.names(FILES)
        return tuple(path for path in stored if path.rpartition("/")[2] not in names)

    def keep_none(self) -> None:
        """Erase all files."""
        self.keep_only(())


def _path(name: str) -> str:
    return f"{FILES}/{name}"
