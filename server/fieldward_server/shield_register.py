"""The shield register: what a restored backup must not undo, in a file apart from the database.

Whatever hides a child or closes a door is written here before it is acknowledged: shields raised
and released, consent withdrawn, devices enrolled, hand-overs prepared, changes of access, wipes,
their withdrawal and their receipts, grants, caps, rules of partitions and the ways in which they
are held, administrators removed, incarnations, the server's keys; and, once it is committed, that
a record was handed to another authority.
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
from fieldward_sync.encoding import Part, pack, unpack
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol, RetryLater
from fieldward_sync.keys import label
from fieldward_sync.names import (
    AdministratorId,
    AuthorityCode,
    Count,
    DeviceId,
    Hash,
    HpkePublicKey,
    PartitionId,
    PractitionerId,
    RecordId,
    Seconds,
)
from fieldward_sync.records import Path as FieldPath
from fieldward_sync.sealing import Entropy, seal
from fieldward_sync.signing import Signed
from fieldward_sync.versions import Dot

PURPOSE = "shield-register"
MARKER = b"fieldward/shield-register/1\n"
LONGEST_LINE = 1 << 20


class Shield(Part, tag="shield", frozen=True):
    """From here on a record is shielded, or is not."""

    authority: AuthorityCode
    record_id: RecordId
    raised: bool
    dots: tuple[Dot, ...]
    """The raises that hold from here on; of a release, those that it released."""


class Withdrawal(Part, tag="withdrawal", frozen=True):
    """From here on consent is withdrawn, at this path of a record."""

    authority: AuthorityCode
    record_id: RecordId
    path: FieldPath
    dots: tuple[Dot, ...]
    """The raises that hold from here on."""


class Person(Part, frozen=True):
    """A practitioner, as they were when they enrolled a device."""

    name: str
    role: str
    team: str
    vetted_until: Count
    trained_until: Count


class Enrolment(Part, tag="enrolment", frozen=True):
    """A device was enrolled: all that it takes to know it again."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    person: Person
    partitions: tuple[PartitionId, ...]
    record_cap: Count
    lease_secret: bytes
    """Wrapped, as the database holds it."""
    request: bytes
    """The ``EnrolRequest`` that was accepted."""
    came_back: bool
    """Nobody was invited: the generation before came back from an old copy of its folder. Then
    the request names no invitation and proves nothing."""
    counter: Count
    at: Seconds


class HandOverPrepared(Part, tag="hand-over", frozen=True):
    """A device is to be handed over to a practitioner, who comes with a code (P6)."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    person: Person
    partitions: tuple[PartitionId, ...]
    lease_secret: bytes
    """Wrapped, as the database holds it; so is the next."""
    proof_key: bytes
    invitation_id: Hash
    hpke_key: HpkePublicKey
    closes: Seconds
    """When the lease does."""
    at: Seconds


class Joined(Part, tag="joined", frozen=True):
    """A practitioner came to a device, or back to it with new keys."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    person: Person
    partitions: tuple[PartitionId, ...]
    lease_secret: bytes
    """Wrapped, as the database holds it."""
    request: bytes
    """The ``JoinRequest`` that was accepted."""
    at: Seconds


class AccessChange(Part, tag="access", frozen=True):
    """From here on a device has this access."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    access: str


class WipeOrder(Part, tag="wipe", frozen=True):
    """A device is to wipe itself."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    number: Count
    """Of the order: each has a higher one than those before it, also after a restore."""


class WipeWithdrawn(Part, tag="wipe-withdrawn", frozen=True):
    """It need not: the order was withdrawn before it was seen."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    number: Count
    """Up to this one all orders to wipe are withdrawn."""


class WipeReceipt(Part, tag="wipe-receipt", frozen=True):
    """It has done so, and said so."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    receipt: Signed


class GrantChange(Part, tag="grant", frozen=True):
    """From here on a practitioner on a device may hold a partition, or may not."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    partition: PartitionId
    given: bool


class RulesChange(Part, tag="rules", frozen=True):
    """From here on these rules, and no others, choose a partition's records."""

    authority: AuthorityCode
    partition: PartitionId
    rules: tuple[str, ...]


class WayChange(Part, tag="way", frozen=True):
    """From here on a partition is held in this way."""

    authority: AuthorityCode
    partition: PartitionId
    way: str


class CapChange(Part, tag="cap", frozen=True):
    """From here on a device may hold so many records."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    record_cap: Count


class Moved(Part, tag="moved", frozen=True):
    """From here on an authority is responsible for a record that was another's. Unlike all other
    entries it is written once it has been committed: it says what became of both."""

    authority: AuthorityCode
    """Who is responsible."""
    record_id: RecordId
    giver: AuthorityCode
    left: tuple[PartitionId, ...]
    """The giver's partitions that it was in."""
    transfer_id: str
    offered_at: Seconds
    at: Seconds


class AdministratorRemoved(Part, tag="administrator-removed", frozen=True):
    """From here on an administrator's key signs nothing."""

    authority: AuthorityCode
    administrator: AdministratorId


class Begun(Part, tag="incarnation", frozen=True):
    """An incarnation was begun, or was about to be: its number and its trust's never come again."""

    authority: AuthorityCode
    incarnation: Count
    trust_version: Count


class KeysRenewed(Part, tag="keys-renewed", frozen=True):
    """From here on the server's keys are these, which the root key vouches for."""

    authority: AuthorityCode
    trust_version: Count
    answer_key: bytes
    """Wrapped, as the database holds it; so is the next."""
    edit_seed: bytes
    trust: bytes
    """The packed ``Signed`` ``Trust``."""


Entry = (
    Shield
    | Withdrawal
    | Enrolment
    | HandOverPrepared
    | Joined
    | AccessChange
    | WipeOrder
    | WipeWithdrawn
    | WipeReceipt
    | GrantChange
    | CapChange
    | RulesChange
    | WayChange
    | Moved
    | AdministratorRemoved
    | Begun
    | KeysRenewed
)


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
