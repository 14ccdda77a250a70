"""On-line enquiries: asking the authority's index for a child who is not on the device.

What is asked and answered is children's data, and nothing depends on TLS alone: both ways are
sealed (HPKE), bound to who asks. The server keeps each enquiry as a look-up before it answers:
sealed to the authority's audit key, and a leaf of one RFC 6962 tree per authority.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from fieldward_sync.encoding import Message, Part, decode, encode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import MAX_HEADER_BYTES, MAX_TERMS, LookUp
from fieldward_sync.keys import HpkePrivateKey, HpkeRecipient, hpke_open, hpke_seal, label
from fieldward_sync.merkle import Frontier, leaf_hash
from fieldward_sync.names import (
    QUERY_ID_BYTES,
    AuthorityCode,
    Code,
    Count,
    DeviceId,
    Hash,
    HpkePublicKey,
    PractitionerId,
    RecordId,
)
from fieldward_sync.outbox import MAX_ENTRY_BYTES
from fieldward_sync.records import Path, Text
from fieldward_sync.views import View

MAX_ENQUIRY_BYTES = 32 * 1024
MAX_ENQUIRED_BYTES = 128 * 1024
ANSWER_SIZES = (4 * 1024, 16 * 1024, 64 * 1024, MAX_ENQUIRED_BYTES)
"""To the next of these an answer is padded before it is sealed: a page of hits, and nearly every
record, takes the first, so that its size tells nobody on the way how many were found."""
SEALED_MORE_BYTES = 2 * 1024
"""What sealing adds at most: HPKE's encapsulated key and a tag."""

MAX_TERM_CHARACTERS = 100
MAX_HITS_OF_AN_ANSWER = 20
MAX_CONFLICTS_OF_A_HIT = 64

_PADDING_BEGINS = b"\x80"

TermName = Annotated[str, Meta(pattern=r"\A[a-z_]{1,32}\Z")]
AskedTerm = Annotated[str, Meta(max_length=MAX_TERM_CHARACTERS)]


@dataclass(frozen=True)
class Enquirer:
    """Who asks: what an enquiry and its answer are bound to."""

    authority: str
    incarnation: int
    device: str
    generation: int
    practitioner: str

    @property
    def words(self) -> tuple[str | int, ...]:
        """All of it in order, for ``info`` (design §7: everything goes in there)."""
        return self.authority, self.incarnation, self.device, self.generation, self.practitioner


# --- Asking ------------------------------------------------------------------------------------


class EnquiryRequest(Message, frozen=True):
    """An enquiry, sealed to the authority's edit key."""

    marker: ClassVar[bytes] = b"fieldward/enquiry-request/1"
    sealed: Annotated[bytes, Meta(max_length=MAX_ENQUIRY_BYTES + SEALED_MORE_BYTES)]


class Enquiry(Message, frozen=True):
    """What is asked, and why: a search by terms, or one record to be opened."""

    marker: ClassVar[bytes] = b"fieldward/enquiry/1"
    reason: Code
    on_behalf_of: PractitionerId | None
    query: Annotated[bytes, Meta(max_length=QUERY_ID_BYTES)]
    """The ``QueryId`` of the search; of an opening, that of the search it came from, or empty."""
    terms: Annotated[dict[TermName, AskedTerm], Meta(max_length=MAX_TERMS)]
    """Empty where a record is opened."""
    record_id: RecordId | None
    """The record to be opened; ``None``: this is a search."""
    answer_key: HpkePublicKey
    """Made for this enquiry alone: the answer is sealed to it."""

    def __post_init__(self) -> None:
        if bool(self.terms) == (self.record_id is not None):
            raise ValueError("An enquiry searches or opens, one of the two.")
        if len(self.query) not in (0, QUERY_ID_BYTES) or (self.terms and not self.query):
            raise ValueError("A query's id is whole, and every search has one.")


# --- Answering ---------------------------------------------------------------------------------


class EnquiryAnswer(Message, frozen=True):
    """What was found, sealed to the key that the enquiry brought."""

    marker: ClassVar[bytes] = b"fieldward/enquiry-answer/1"
    sealed: Annotated[bytes, Meta(max_length=MAX_ENQUIRED_BYTES + SEALED_MORE_BYTES)]


class EnquiryHit(Part, frozen=True):
    """A child who may be meant: what it takes to tell children apart, and nothing else."""

    record_id: RecordId
    family: Text
    given: Text
    born: Text
    postcode_district: Text
    """The part of the postcode before the blank; empty where none is shown."""
    shielded: bool
    conflicts: Annotated[tuple[Path, ...], Meta(max_length=MAX_CONFLICTS_OF_A_HIT)]
    score_percent: Annotated[int, Meta(ge=0, le=100)]
    agreement: Annotated[dict[TermName, Code], Meta(max_length=MAX_TERMS)]
    """For each term that the record shows something of, how far it agrees: why this is a hit."""


class Enquired(Message, frozen=True):
    """What an enquiry came to."""

    marker: ClassVar[bytes] = b"fieldward/enquired/1"
    outcome: Literal["shown", "nothing", "too-many"]
    add: Annotated[tuple[TermName, ...], Meta(max_length=MAX_TERMS)]
    """Where too many fit: the terms that would tell them apart."""
    hits: Annotated[tuple[EnquiryHit, ...], Meta(max_length=MAX_HITS_OF_AN_ANSWER)]
    """Of a search, best first."""
    view: View | None
    """Of the record that was opened."""


def seal_enquiry(enquiry: Enquiry, edit_key: bytes, *, enquirer: Enquirer) -> EnquiryRequest:
    """An enquiry as it travels."""
    info = label("enquiry", *enquirer.words)
    return EnquiryRequest(hpke_seal(edit_key, info=info, plaintext=encode(enquiry)))


def open_enquiry(
    request: EnquiryRequest, edit_key: bytes | HpkePrivateKey, *, enquirer: Enquirer
) -> Enquiry:
    """What was asked, opened with the edit key or its seed; ``PeerBrokeProtocol`` if it was not
    asked by this enquirer."""
    opened = hpke_open(edit_key, info=label("enquiry", *enquirer.words), sealed=request.sealed)
    return decode(Enquiry, opened, max_bytes=MAX_ENQUIRY_BYTES)


def seal_answer(enquired: Enquired, enquiry: Enquiry, *, enquirer: Enquirer) -> EnquiryAnswer:
    """An answer as it travels; ``CallerMistake("key-malformed")`` if nothing can be sealed to the
    key that the enquiry brought."""
    info = label("enquiry-answer", *enquirer.words, enquiry.query)
    padded = _padded(encode(enquired))
    return EnquiryAnswer(hpke_seal(enquiry.answer_key, info=info, plaintext=padded))


def open_answer(
    answer: EnquiryAnswer, answer_seed: bytes, *, query: bytes, enquirer: Enquirer
) -> Enquired:
    """What was found; ``PeerBrokeProtocol`` if it answers another query, or somebody else."""
    info = label("enquiry-answer", *enquirer.words, query)
    opened = _unpadded(hpke_open(answer_seed, info=info, sealed=answer.sealed))
    return decode(Enquired, opened, max_bytes=MAX_ENQUIRED_BYTES)


def _padded(opened: bytes) -> bytes:
    """An answer with what brings it to its size (ISO/IEC 7816-4): ``80`` and zeros."""
    size = next(size for size in ANSWER_SIZES if len(opened) < size)
    return (opened + _PADDING_BEGINS).ljust(size, b"\x00")


def _unpadded(padded: bytes) -> bytes:
    opened = padded.rstrip(b"\x00").removesuffix(_PADDING_BEGINS)
    if len(padded) not in ANSWER_SIZES or _padded(opened) != padded:
        raise PeerBrokeProtocol("malformed", "The answer is not padded as answers are.")
    return opened


# --- On record ---------------------------------------------------------------------------------


class EnquiryHeader(Message, frozen=True):
    """An enquiry's place in the authority's log and the hash of its sealed look-up: the leaf."""

    marker: ClassVar[bytes] = b"fieldward/enquiry-entry/1"
    authority: AuthorityCode
    sequence: Count
    incarnation: Count
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    body_hash: Hash

    @property
    def enquirer(self) -> Enquirer:
        """Whose enquiry it was."""
        return Enquirer(
            self.authority, self.incarnation, self.device, self.generation, self.practitioner
        )


class EnquiryLogHead(Message, frozen=True):
    """How far an authority's log of enquiries has come."""

    marker: ClassVar[bytes] = b"fieldward/enquiry-log-head/1"
    authority: AuthorityCode
    frontier: Frontier

    @classmethod
    def first(cls, authority: str) -> EnquiryLogHead:
        """The head of an empty log."""
        return cls(authority, Frontier.empty())

    @property
    def size(self) -> int:
        """Entries so far: also the next entry's sequence number."""
        return self.frontier.size

    def header(self, body: bytes, *, enquirer: Enquirer) -> bytes:
        """The bytes of the next entry's header, for a sealed look-up."""
        return encode(
            EnquiryHeader(
                authority=self.authority,
                sequence=self.size,
                incarnation=enquirer.incarnation,
                device=enquirer.device,
                generation=enquirer.generation,
                practitioner=enquirer.practitioner,
                body_hash=hashlib.sha256(body).digest(),
            )
        )

    def take(self, header: bytes, body: bytes) -> EnquiryLogHead:
        """The head after this entry; ``PeerBrokeProtocol`` if it is not the next one."""
        read = read_header(header)
        if (read.authority, read.sequence) != (self.authority, self.size):
            raise PeerBrokeProtocol(
                "journal-gap", f"Entry {read.sequence} stands where {self.size} is due."
            )
        if hashlib.sha256(body).digest() != read.body_hash:
            raise PeerBrokeProtocol("journal-body", "The entry's body is not what its header says.")
        return EnquiryLogHead(self.authority, self.frontier.append(leaf_hash(header)))


def read_header(header: bytes) -> EnquiryHeader:
    """An entry's header, strictly parsed."""
    return decode(EnquiryHeader, header, max_bytes=MAX_HEADER_BYTES)


def seal_look_up(look_up: LookUp, audit_key: bytes | HpkeRecipient, *, enquirer: Enquirer) -> bytes:
    """A look-up as the log keeps it: for who holds the audit key, and nobody on the server. The key
    is given by its bytes or read."""
    info = label("enquiry-entry", *enquirer.words)
    return hpke_seal(audit_key, info=info, plaintext=encode(look_up))


def open_look_up(body: bytes, audit_seed: bytes, *, enquirer: Enquirer) -> LookUp:
    """The look-up that was sealed; ``PeerBrokeProtocol`` if it is another enquirer's."""
    opened = hpke_open(audit_seed, info=label("enquiry-entry", *enquirer.words), sealed=body)
    return decode(LookUp, opened, max_bytes=MAX_ENTRY_BYTES)
