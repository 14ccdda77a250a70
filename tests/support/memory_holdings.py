"""What an authority in memory holds: records, partitions, devices and people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial, reduce

from fieldward_sync import digest
from fieldward_sync.access import Access, Receipt
from fieldward_sync.distribution import FileEntry, Manifest
from fieldward_sync.encoding import MessageT, decode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import EntryItem, JournalHead, SealItem
from fieldward_sync.leases import EpochKey, PartitionKeys
from fieldward_sync.messages import EnrolRequest, JoinRequest, SyncRequest, Verdict
from fieldward_sync.outbox import BoxHeader
from fieldward_sync.projection import project
from fieldward_sync.records import Edit, Proposal, Record
from fieldward_sync.signing import Signed
from fieldward_sync.versions import Dot
from fieldward_sync.views import View
from fieldward_sync.ways import Way

MAX_SIGNED = 1 << 20


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass
class HeldRecord:
    """A record, and the numbers that its edits have in views."""

    record: Record
    numbers: dict[Dot, int] = field(default_factory=dict)

    def take(self, edit: Edit) -> int:
        """Merge an edit; its number."""
        self.record = self.record.with_edit(edit)
        return self.numbers.setdefault(edit.dot, len(self.numbers) + 1)

    def view(self) -> View:
        """What ordinary readers see of it."""
        return project(self.record, self.numbers, len(self.numbers))


@dataclass
class HeldPartition:
    """A partition: who is in it, its keys, and what is published of it."""

    partition: str
    title: str
    members: list[str]
    way: Way = Way.OFFLINE
    feed: int = 0
    epoch: int = 1
    keys: dict[int, bytes] = field(default_factory=dict)
    digest_key: bytes = field(default_factory=partial(os.urandom, 32))
    image: FileEntry | None = None
    image_views: dict[str, View] = field(default_factory=dict)
    manifest: Manifest | None = None

    def key(self) -> bytes:
        return self.keys.setdefault(self.epoch, os.urandom(32))

    def ring(self) -> PartitionKeys:
        """What opens its files."""
        epochs = tuple(EpochKey(epoch, key) for epoch, key in self.keys.items())
        return PartitionKeys(self.partition, self.digest_key, epochs)

    def digest(self, views: Mapping[str, View]) -> bytes:
        elements = (
            digest.element(self.digest_key, v.record_id, v.revision, v.to_bytes())
            for v in views.values()
        )
        return reduce(digest.added, elements, digest.EMPTY)


@dataclass
class HeldPerson:
    """A practitioner on a device."""

    practitioner: str
    keys: list[bytes]
    """Their signing keys, the last in force: what was sealed under another still opens. Who is
    awaited has none yet."""
    granted: set[str]
    joined: JoinRequest | None = None
    """What they came with last, if they did not enrol the device."""
    hand_over_id: bytes = b""
    """The invitation that hands the device over to them, if one does."""
    hand_over_key: bytes = b""
    """The HPKE key that grows from its code."""
    taken: set[str] = field(default_factory=set)
    lease_secret: bytes = field(default_factory=partial(os.urandom, 32))
    lease_id: bytes = b""
    lease_issued: int = 0


@dataclass
class HeldDevice:
    """An enrolled device with its practitioners."""

    device: str
    request: EnrolRequest
    answer: bytes
    journal: JournalHead
    people: dict[str, HeldPerson]
    generation: int = 1
    access: Access = Access.ACTIVE
    counters: set[int] = field(default_factory=set)
    boxes: dict[bytes, Signed] = field(default_factory=dict)
    entries: list[EntryItem] = field(default_factory=list)
    seals: list[SealItem] = field(default_factory=list)
    orders: list[Signed] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)
    verdicts: dict[int, tuple[Proposal, Verdict]] = field(default_factory=dict)
    requests: list[SyncRequest] = field(default_factory=list)

    @property
    def awaited(self) -> HeldPerson | None:
        """Who is to come and has not been heard."""
        return next((each for each in self.people.values() if not each.keys), None)

    def whose(self, header: Signed) -> tuple[HeldPerson, bytes]:
        """Who made a box, and the key that signed its header."""
        person = self.people[read_signed(BoxHeader, header).practitioner]
        for key in person.keys:
            with suppress(PeerBrokeProtocol):
                header.open(BoxHeader, key)
                return person, key
        raise Refused("box-unsigned")


def read_signed(kind: type[MessageT], signed: Signed) -> MessageT:
    """A message, whoever signed it."""
    return decode(kind, signed.payload, max_bytes=MAX_SIGNED)
