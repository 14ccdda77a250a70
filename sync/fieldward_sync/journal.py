"""The journal: a device's append-only log of its look-ups (design §9).

Entries are the leaves of one RFC 6962 tree per device and generation. Their bodies are sealed to
the authority's audit key; their headers are open, so that order and completeness can be checked by
who may not read them. Epochs are closed by exactly one seal each: root, size and the next epoch's
public key, signed by the epoch's own key, which is then erased.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from fieldward_sync.encoding import Message, Part, decode, encode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.leases import Spent
from fieldward_sync.merkle import Frontier, leaf_hash
from fieldward_sync.names import (
    QUERY_ID_BYTES,
    Code,
    Count,
    DeviceId,
    Hash,
    PractitionerId,
    PublicKey,
    RecordId,
    Seconds,
)
from fieldward_sync.outbox import MAX_ENTRY_BYTES, BoxId
from fieldward_sync.signing import Signed

EPOCH_ENTRIES = 256
EPOCH_SECONDS = 15 * 60
MAX_HEADER_BYTES = 512
MAX_TERMS = 16
MAX_RECORDS_OF_A_LOOK_UP = 256
MAX_FIELDS_OF_A_LOOK_UP = 256

REASONS = frozenset(
    {
        "home-visit",
        "clinic",
        "new-birth",
        "transfer-in",
        "safeguarding",
        "supervision",
        "record-correction",
        "duty-desk",
    }
)
"""Why somebody looks (U2): a short coded list, no free text."""

HAND_OVER_REASON = "hand-over"
"""Of a take-over: nobody is asked for one."""

Term = Annotated[str, Meta(max_length=200)]


class LookUp(Message, frozen=True):
    """What was looked for, by whom and why, and what was shown (U1, U2, A3)."""

    marker: ClassVar[bytes] = b"fieldward/look-up/1"
    action: Literal["search", "open", "take-over"]
    """The last is no look-up: a practitioner has opened a hand-over with its code (P6). Then
    ``fields`` are the partitions."""
    outcome: Literal["shown", "nothing", "too-many", "refused"]
    practitioner: PractitionerId
    on_behalf_of: PractitionerId | None
    reason: Code
    at: Seconds
    terms: Annotated[dict[Term, Term], Meta(max_length=MAX_TERMS)]
    records: Annotated[tuple[RecordId, ...], Meta(max_length=MAX_RECORDS_OF_A_LOOK_UP)]
    fields: Annotated[tuple[Term, ...], Meta(max_length=MAX_FIELDS_OF_A_LOOK_UP)]
    query: Annotated[bytes, Meta(max_length=QUERY_ID_BYTES)]
    """The ``QueryId`` of the search, or of the one that an opened record was found by; else empty.

    The lists that one query shows while it is typed share it."""

    def __post_init__(self) -> None:
        if len(self.query) not in (0, QUERY_ID_BYTES):
            raise ValueError("A query's id is whole or empty.")


class EntryHeader(Message, frozen=True):
    """An entry's place and the hash of its sealed body: the leaf of the journal's tree."""

    marker: ClassVar[bytes] = b"fieldward/journal-entry/1"
    device: DeviceId
    generation: Count
    sequence: Count
    epoch: Count
    box: BoxId
    index: Count
    """The entry's number within its box."""
    spent: Spent
    """Of the practitioner's lease, this look-up included: it is durable with it or not at all."""
    body_hash: Hash


class EpochSeal(Message, frozen=True):
    """The close of an epoch, signed by that epoch's key."""

    marker: ClassVar[bytes] = b"fieldward/journal-seal/1"
    device: DeviceId
    generation: Count
    epoch: Count
    size: Count
    root: Hash
    closed_at: Seconds
    next_public_key: PublicKey


class BoxItem(Part, tag="box", frozen=True):
    """The box that the entries after it belong to."""

    header: Signed


class EntryItem(Part, tag="entry", frozen=True):
    """An entry: its header's exact bytes, and its sealed body."""

    header: Annotated[bytes, Meta(max_length=MAX_HEADER_BYTES)]
    body: Annotated[bytes, Meta(max_length=MAX_ENTRY_BYTES)]

    def read_header(self) -> EntryHeader:
        """The header, strictly parsed."""
        return decode(EntryHeader, self.header, max_bytes=MAX_HEADER_BYTES)


class SealItem(Part, tag="seal", frozen=True):
    """The close of an epoch."""

    seal: Signed


JournalItem = BoxItem | EntryItem | SealItem


class JournalHead(Message, frozen=True):
    """How far a journal has come: enough to check, or to make, what follows."""

    marker: ClassVar[bytes] = b"fieldward/journal-head/1"
    device: DeviceId
    generation: Count
    frontier: Frontier
    sealed_size: Count
    """Entries covered by the last seal."""
    epoch: Count
    epoch_key: PublicKey

    @classmethod
    def first(cls, device: str, generation: int, epoch_key: bytes) -> JournalHead:
        """The head of an empty journal; the first epoch's key is registered at enrolment."""
        return cls(device, generation, Frontier.empty(), 0, 0, epoch_key)

    @property
    def size(self) -> int:
        """Entries so far: also the next entry's sequence number."""
        return self.frontier.size

    def entry(self, *, box: bytes, index: int, spent: Spent, body: bytes) -> EntryItem:
        """The next entry of this journal, for a body sealed as ``index`` of ``box``."""
        header = EntryHeader(
            device=self.device,
            generation=self.generation,
            sequence=self.size,
            epoch=self.epoch,
            box=box,
            index=index,
            spent=spent,
            body_hash=hashlib.sha256(body).digest(),
        )
        return EntryItem(encode(header), body)

    def closing(self, *, closed_at: int, next_public_key: bytes) -> EpochSeal:
        """The seal that closes the open epoch, to be signed with its key."""
        return EpochSeal(
            device=self.device,
            generation=self.generation,
            epoch=self.epoch,
            size=self.size,
            root=self.frontier.root(),
            closed_at=closed_at,
            next_public_key=next_public_key,
        )

    def take_entry(self, item: EntryItem) -> JournalHead:
        """The head after this entry; ``PeerBrokeProtocol`` if it is not the next one."""
        header = item.read_header()
        if (header.device, header.generation) != (self.device, self.generation):
            raise PeerBrokeProtocol("journal-misaddressed", "The entry is of another journal.")
        if header.sequence != self.size:
            raise PeerBrokeProtocol(
                "journal-gap", f"Entry {header.sequence} came where {self.size} was due."
            )
        if header.epoch != self.epoch:
            raise PeerBrokeProtocol(
                "journal-epoch", f"The entry says epoch {header.epoch}; open is {self.epoch}."
            )
        if hashlib.sha256(item.body).digest() != header.body_hash:
            raise PeerBrokeProtocol("journal-body", "The entry's body is not what its header says.")
        return JournalHead(
            self.device,
            self.generation,
            self.frontier.append(leaf_hash(item.header)),
            self.sealed_size,
            self.epoch,
            self.epoch_key,
        )

    def take_seal(self, item: SealItem) -> JournalHead:
        """The head after this seal; ``PeerBrokeProtocol`` unless it closes exactly this epoch,
        which has entries, signed with the key that this epoch was announced with."""
        seal = item.seal.open(EpochSeal, self.epoch_key)
        if self.size == self.sealed_size:
            raise PeerBrokeProtocol("journal-seal", "The seal closes an epoch without an entry.")
        due = self.closing(closed_at=seal.closed_at, next_public_key=seal.next_public_key)
        if seal != due:
            raise PeerBrokeProtocol("journal-seal", "The seal does not close this epoch.")
        return JournalHead(
            self.device,
            self.generation,
            self.frontier,
            self.size,
            self.epoch + 1,
            seal.next_public_key,
        )
