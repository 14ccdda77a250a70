"""The shield register: what a restored backup must not undo, in a file apart from the database.

Whatever hides a child or shows one, closes a door or opens it, is written here before it is
acknowledged: shields raised and released, consent withdrawn, devices enrolled, hand-overs prepared,
changes of access, wipes, their withdrawal and their receipts, grants, caps, rules of partitions and
the ways in which they are held, administrators removed, incarnations, the server's keys, and that a
record was handed to another authority. What opens is written once it is committed
(``services.registering``).
``restore`` makes it hold again before anything is served (design §8).

One line an entry, sealed under a key of its own that the master key derives and bound to the line
before it: what is changed, moved or taken out of the middle shows. A last line that a crash tore
was not acknowledged, and is cut. What is cut off cleanly at the end does not show: back the file
up as often as the database, and keep it apart.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldward_server import durable
from fieldward_server.master_keys import MasterKeys
from fieldward_server.register_entries import Entry
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol, RetryLater
from fieldward_sync.keys import label
from fieldward_sync.sealing import Entropy, seal

PURPOSE = "shield-register"
MARKER = b"fieldward/shield-register/1\n"
LONGEST_LINE = 1 << 20


class ShieldRegister:
    """The register of one host; its processes write it in turn."""

    def __init__(self, path: Path, master_keys: MasterKeys, *, entropy: Entropy) -> None:
        self.path = path
        self._keys = master_keys.derived(PURPOSE)
        self._entropy = entropy

    def append(self, *entries: Entry) -> None:
        """Add entries; they are durable when this returns.

        ``RetryLater("register-refused")`` if they cannot be written, and then they are not there;
        ``LocalDataDamaged("register-damaged")`` if the file is not a register.
        """
        with _translated(), self._locked() as handle:
            end, before = _cut_torn_end(handle, self.path)
            try:
                _write_all(handle, b"".join(self._lines(entries, before)), end)
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, end)
                raise

    def read(self) -> tuple[Entry, ...]:
        """All entries, in their order; none where there is no file.

        ``LocalDataDamaged("register-damaged")`` unless every line but a torn last one is as it was
        written, with this master key.
        """
        if not self.path.exists():
            return ()
        with _translated():
            content = self.path.read_bytes()
        if not content.startswith(MARKER) and not MARKER.startswith(content):
            raise _damaged(self.path, 1)
        lines = content.split(b"\n")[:-1]  # what follows the last end of line was torn
        entries = []
        for number, line in enumerate(lines[1:], start=2):
            try:
                opened = self._keys.open(_context(lines[number - 2]), b64decode(line))
                entries.append(unpack(Entry, opened))
            except (PeerBrokeProtocol, NotBase64) as e:
                raise _damaged(self.path, number) from e
        return tuple(entries)

    def rewrite(self, change: Callable[[Entry], Entry]) -> None:
        """Seal every entry anew, as ``change`` makes it, under the master key that is in force.

        The register is the one or the other, whatever happens. Raises as ``append`` and ``read``.
        """
        with _translated(), self._locked():
            entries = map(change, self.read())
            first = MARKER.removesuffix(b"\n")
            durable.replace(self.path, MARKER + b"".join(self._lines(entries, first)))

    def _lines(self, entries: Iterable[Entry], before: bytes) -> Iterator[bytes]:
        for entry in entries:
            sealed = seal(self._keys.in_force, _context(before), pack(entry), entropy=self._entropy)
            before = b64encode(sealed)
            yield before + b"\n"

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=durable.OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        made = not self.path.exists()
        handle = self._open_locked()
        try:
            if os.fstat(handle).st_size < len(MARKER):
                _write_all(handle, MARKER, 0)
            if made:
                durable.sync(self.path.parent)
            yield handle
        finally:
            os.close(handle)

    def _open_locked(self) -> int:
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            handle = os.open(self.path, flags, durable.OWNER_ONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(handle), self.path.stat()):
                    return handle
            except FileNotFoundError:
                pass
            os.close(handle)  # it was written anew while we waited for the one before


def _write_all(handle: int, content: bytes, start: int) -> None:
    """Write all of this; a disk that fills up takes a part first, without an error."""
    while content:
        written = os.pwrite(handle, content, start)
        content, start = content[written:], start + written


def _cut_torn_end(handle: int, path: Path) -> tuple[int, bytes]:
    """Where the next line begins, and the line before it."""
    size = os.fstat(handle).st_size
    start = max(0, size - LONGEST_LINE)
    tail = os.pread(handle, size - start, start)
    whole, end_of_line, torn = tail.rpartition(b"\n")
    if not end_of_line or (start == 0 and not tail.startswith(MARKER)):
        raise _damaged(path, 1)
    if torn:
        os.ftruncate(handle, size - len(torn))
    return size - len(torn), whole.rpartition(b"\n")[2]


def _context(line_before: bytes) -> bytes:
    return label(PURPOSE, hashlib.sha256(line_before).digest())


def _damaged(path: Path, line: int) -> LocalDataDamaged:
    return LocalDataDamaged(
        "register-damaged",
        f"The shield register {path} is not as it was written, from line {line} on.",
        next_step="Bring it back from its backup, or give the master key that it was written with.",
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise RetryLater(
            "register-refused",
            f"The shield register cannot be written: {e.strerror}.",
            next_step="Make room, or mend the disk it is on; nothing was changed.",
        ) from e
