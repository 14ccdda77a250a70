"""What the shield register keeps: one value for each kind of entry."""

from __future__ import annotations

from fieldward_sync.encoding import Part
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
from fieldward_sync.signing import Signed
from fieldward_sync.versions import Dot


class WrittenAt(Part, tag="written-at", frozen=True):
    """What follows of an authority, up to the next of these, was written when its database had come
    so far: several hosts write of one database, each in a register of its own."""

    authority: AuthorityCode
    incarnation: Count
    state: Count
    """What is written later has a higher number, unless what was before was not committed."""


class Shield(Part, tag="shield", frozen=True):
    """From here on a record is shielded, or is not."""

    authority: AuthorityCode
    record_id: RecordId
    raised: bool
    dots: tuple[Dot, ...]
    """The raises that hold from here on; of a release, all that there were: none holds any more."""


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
    employer: str
    manager: str
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
    """Wrapped, as the database holds it; empty where the device was revoked before they came."""
    request: bytes
    """The ``JoinRequest`` that was accepted."""
    at: Seconds


class AccessChange(Part, tag="access", frozen=True):
    """From here on a device has this access."""

    authority: AuthorityCode
    device: DeviceId
    generation: Count
    access: str


class SuspensionChange(Part, tag="suspension", frozen=True):
    """From here on a practitioner is suspended, or is not."""

    authority: AuthorityCode
    practitioner: PractitionerId
    suspended: bool


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
    """From here on an authority is responsible for a record that was another's: it says what became
    of both."""

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
    WrittenAt
    | Shield
    | Withdrawal
    | Enrolment
    | HandOverPrepared
    | Joined
    | AccessChange
    | SuspensionChange
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
