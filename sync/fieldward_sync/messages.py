"""The messages of the device API: enrolment and the one round trip of ``POST /v1/sync``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from fieldward_sync.access import MAX_REFUSED_ORDERS, RefusedOrder
from fieldward_sync.encoding import Message, Part, pack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.journal import JournalItem
from fieldward_sync.leases import LEASE_ID_BYTES, MAX_LEASE_BYTES, LeaseGrant
from fieldward_sync.names import (
    HASH_BYTES,
    Actor,
    AuthorityCode,
    Code,
    Count,
    DeviceId,
    Hash,
    HpkePublicKey,
    PartitionId,
    PractitionerId,
    PublicKey,
    RecordId,
    Seconds,
)
from fieldward_sync.outbox import MAX_ENTRY_BYTES
from fieldward_sync.records import Path
from fieldward_sync.signing import Signed

MAX_REQUEST_BYTES = 64 * 1024
MAX_ANSWER_BYTES = 1 << 20
MAX_ITEMS = 2048
MAX_HELD_PARTITIONS = 128
"""Those of a distribution, and those that a lease still has keys of."""

NOTICE_ID_BYTES = 16
MAX_NOTICES = 32
"""In one answer, the oldest first; what was read makes room for others."""

MAX_PRACTITIONERS = 32
"""On one device."""

MAX_COMMAND_BYTES = 4 << 20
"""The longest body of an administrator's command."""

ROUTINE = "routine"
"""The reason of a command that needs no other; never enough to see what records hold (A8)."""

DEVICE_KEY = "device"
"""The role, in a key id, of a device's identity key; any other role is a practitioner's."""


def key_id(authority: str, device: str, generation: int, role: str) -> str:
    """The key id of requests: authority, device, generation, and ``device`` or a practitioner."""
    return f"{authority}/{device}/{generation}/{role}"


def administrator_key_id(authority: str, public_key: bytes) -> str:
    """The key id of an administrator's commands: the authority, and the key itself in hex."""
    return f"{authority}/administrator/{public_key.hex()}"


def answer_key_id(authority: str) -> str:
    """The key id of signed answers."""
    return f"{authority}/answer"


Assurance = Literal["file", "platform"]
"""Where a device keeps its secret: in an owner-only file, or in the platform's key store."""


class Trust(Message, frozen=True):
    """The authority's keys in force, signed by its root key."""

    marker: ClassVar[bytes] = b"fieldward/trust/1"
    authority: AuthorityCode
    incarnation: Count
    version: Count
    issued: Seconds
    answer_key: PublicKey
    """Verifies answers, leases, orders and distributions."""
    edit_key: HpkePublicKey
    """Edits are sealed to it."""
    audit_key: HpkePublicKey
    """Look-ups are sealed to it; the web workers do not hold its other half."""

    def require_successor_of(self, held: Trust) -> None:
        """Raise ``PeerBrokeProtocol("trust-rolled-back")`` unless this is what is held, or may take
        its place."""
        if self != held and (self.version <= held.version or self.incarnation < held.incarnation):
            raise PeerBrokeProtocol("trust-rolled-back", "The server offers keys from before.")


class EnrolRequest(Message, frozen=True):
    """A device introduces itself with the keys it has made. The code's secret stays at home."""

    marker: ClassVar[bytes] = b"fieldward/enrol/1"
    invitation_id: Hash
    device_key: PublicKey
    practitioner_key: PublicKey
    journal_key: PublicKey
    """The public key of the journal's first epoch."""
    assurance: Assurance
    """Where the device secret lives."""
    name: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9 ._-]{1,64}\Z")]
    proof: Hash

    def statement(self) -> bytes:
        """What the proof covers: everything else."""
        return pack(
            (
                self.invitation_id,
                self.device_key,
                self.practitioner_key,
                self.journal_key,
                self.assurance,
                self.name,
            )
        )


class EnrolAnswer(Message, frozen=True):
    """Who the device is from now on, and whom it trusts."""

    marker: ClassVar[bytes] = b"fieldward/enrolled/1"
    authority: AuthorityCode
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    root_key: PublicKey
    trust: Signed


class JoinRequest(Message, frozen=True):
    """A practitioner comes to a device that is enrolled already, or comes back to it with new keys
    because the passphrase of the old ones is forgotten. It is signed with the device's key."""

    marker: ClassVar[bytes] = b"fieldward/join/1"
    invitation_id: Hash
    practitioner_key: PublicKey
    proof: Hash

    def statement(self, *, device: str, generation: int) -> bytes:
        """What the proof covers: everything else, and on which device."""
        return pack((self.invitation_id, self.practitioner_key, device, generation))


class JoinAnswer(Message, frozen=True):
    """Whom the code named."""

    marker: ClassVar[bytes] = b"fieldward/joined/1"
    practitioner: PractitionerId


class HeldHandOver(Part, frozen=True):
    """The hand-over that waits on a device for its code: which lease, and which distribution."""

    lease: Annotated[bytes, Meta(min_length=LEASE_ID_BYTES, max_length=LEASE_ID_BYTES)]
    incarnation: Count
    number: Count


class HandOver(Part, frozen=True):
    """What a practitioner who is to come to a device needs there without signal (P6): it waits, and
    her code opens it."""

    invitation_id: Hash
    """Of her code."""
    grant: LeaseGrant
    """Sealed to the key that is derived from her code."""
    distribution: Signed


class BoxPart(Part, frozen=True):
    """Edits of one box: its header, and consecutive entries from ``first`` on."""

    header: Signed
    first: Count
    entries: Annotated[
        tuple[Annotated[bytes, Meta(max_length=MAX_ENTRY_BYTES)], ...],
        Meta(min_length=1, max_length=MAX_ITEMS),
    ]


class HeldPartition(Part, frozen=True):
    """What is left of a partition on the device, for the practitioner who signs: so the device
    confirms that what a redaction hid is *hidden*, and that it is *gone* (H7)."""

    partition: PartitionId
    feed: Count
    """The state that is shown; 0 where none is."""
    oldest: Count
    """No file or key of an earlier state is on the disk; 0 where that is not sure."""


class Held(Part, frozen=True):
    """What the device has: the last distribution it made its own, and the lease it can open."""

    incarnation: Count
    number: Count
    lease: Annotated[bytes, Meta(max_length=LEASE_ID_BYTES)]
    """The lease's id; empty where there is none."""
    look_ups_left: Count
    """What it still allows; 0 where there is none."""
    partitions: Annotated[tuple[HeldPartition, ...], Meta(max_length=MAX_HELD_PARTITIONS)] | None
    """Every partition that a file or key is left of, by id: of one that is not named, nothing is.
    ``None`` where that cannot be told."""
    warm: bool = False
    """Whether the keys that came beside this lease, for memory alone, are there."""


NoticeId = Annotated[bytes, Meta(min_length=NOTICE_ID_BYTES, max_length=NOTICE_ID_BYTES)]
"""What a notice is called: random."""


class Notice(Part, frozen=True):
    """What became of an edit after its verdict, for the person who made it. It says nothing that
    they did not write themselves."""

    id: NoticeId
    kind: Literal["settled", "admitted", "declined"]
    """A conflict was settled with another value; a refused edit was let in, or will not be."""
    record_id: RecordId
    path: Path | None
    """Of the conflict; ``None`` for the whole edit."""
    actor: Actor
    """The device, and its generation, that the edit was made on."""
    counter: Count
    """The edit's number there."""
    reason: Code
    at: Seconds


class ErasedLease(Part, frozen=True):
    """Too many wrong passphrases have cost a practitioner their lease (V7)."""

    practitioner: PractitionerId
    at: Seconds


class SyncRequest(Message, frozen=True):
    """What the device has and what it has to deliver. One that was signed with the device's key
    alone can deliver and fetch orders, nothing else."""

    marker: ClassVar[bytes] = b"fieldward/sync/1"
    held: Held
    trust_version: Count
    journal: Annotated[tuple[JournalItem, ...], Meta(max_length=MAX_ITEMS)]
    journal_size: Count
    """Entries in the device's journal, delivered or not."""
    edits: Annotated[tuple[BoxPart, ...], Meta(max_length=MAX_ITEMS)]
    receipts: Annotated[tuple[Signed, ...], Meta(max_length=16)]
    orders_seen: Count
    """The highest order number the device has stored."""
    pending_edits: Count
    """Edits without a verdict, those in this request included."""
    more: bool
    """Whether another request follows at once: then nothing need come down yet."""
    next_hpke_key: HpkePublicKey | None
    """Asks for the lease to be renewed, its secrets sealed to this key."""
    notices_read: Annotated[tuple[NoticeId, ...], Meta(max_length=MAX_NOTICES)] = ()
    """Those that the practitioner has been shown."""
    assurance: Assurance = "file"
    """Where the device secret lives now."""
    erased_leases: Annotated[tuple[ErasedLease, ...], Meta(max_length=MAX_PRACTITIONERS)] = ()
    """Those of which the server has not been seen to know."""
    next_journal_key: PublicKey | None = None
    """Asks to go on as the device's next generation, after an answer that said ``parted``: the
    public key of the first epoch of its journal."""
    lost_edits: Count | None = 0
    """Edits that were accepted on the device and are gone from its disk, as far as the server has
    not said that it has them; ``None``: some may be, nobody knows how many (U4)."""
    refused_orders: Annotated[tuple[RefusedOrder, ...], Meta(max_length=MAX_REFUSED_ORDERS)] = ()
    """Those of which no answer has come to a request that told of them."""
    warm_key: HpkePublicKey | None = None
    """With ``next_hpke_key``, and in memory alone: what is held warm is sealed to it."""
    hand_over: HeldHandOver | None = None
    """What waits here for its code; ``None`` for nothing."""


class FeedPosition(Part, frozen=True):
    """A partition's feed number."""

    partition: PartitionId
    number: Count


class Verdict(Part, frozen=True):
    """What became of one edit, without revealing a hidden value."""

    counter: Count
    number: Count
    """The record's own number for it, as views will show it; 0 where it was refused."""
    outcome: Literal["merged", "conflict", "refused"]
    code: Code
    """Why it was refused; empty otherwise."""
    feeds: Annotated[tuple[FeedPosition, ...], Meta(max_length=64)]
    """Where it will arrive: the device keeps the edit over its view until it holds these."""


class SyncAnswer(Message, frozen=True):
    """What the server took, what it says, and what the device may hold."""

    marker: ClassVar[bytes] = b"fieldward/synced/1"
    access: Literal["active", "paused", "draining", "revoked"]
    journal_next: Count
    """The sequence number of the journal entry due next."""
    journal_epoch: Count
    """The epoch due next."""
    edits_held: Count
    """Up to this counter the server has every edit of this device."""
    verdicts: Annotated[tuple[Verdict, ...], Meta(max_length=MAX_ITEMS)]
    orders: Annotated[tuple[Signed, ...], Meta(max_length=16)]
    trust: Signed | None
    lease: LeaseGrant | None
    lease_refused: Code
    """Why a renewal that was asked for did not come; empty otherwise."""
    distribution: Signed | None
    """Absent where nothing changed, and in a new incarnation until its files are made."""
    backup: Count
    """The number of the last backup that was begun when the server took this in, or said that it
    has it: only a later one is sure to hold it."""
    kept_until: Count
    """What was acknowledged with a ``backup`` below this is in the last two backups: it will not be
    asked for again. All else is to be kept."""
    notices: Annotated[tuple[Notice, ...], Meta(max_length=MAX_NOTICES)] = ()
    """All that the practitioner has not read: they take the place of those in the answer before."""
    parted: bool = False
    """What this generation delivered contradicts what it had delivered before: its folder is an old
    copy. Its journal ends here; what comes of it is kept beside what there is."""
    next_generation: Count = 0
    """The generation whose journal begins with the request's ``next_journal_key``; 0 for none."""
    warm_keys: Annotated[bytes, Meta(max_length=MAX_LEASE_BYTES)] | None = None
    """Beside a lease, where something is held warm: ``WarmKeys``, sealed to ``warm_key``."""
    hand_over_id: Annotated[bytes, Meta(max_length=HASH_BYTES)] = b""
    """The invitation of the hand-over that may wait on this device; empty for none. Any other that
    waits is erased."""
    hand_over: HandOver | None = None
    """It, where the device does not hold it as it is now."""
    suspended: Annotated[tuple[PractitionerId, ...], Meta(max_length=MAX_PRACTITIONERS)] = ()
    """The practitioners on this device who are to read nothing, by id (A4); others read on."""
