"""Leases: the signed permission to read local copies offline until a time (design §8).

``active → warning → expired → destroyed``. What each state allows is a table; deadlines are in
the lease, judged by the device's trusted time. So is the number of look-ups until it is renewed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, ClassVar

from msgspec import Meta

from fieldward_sync.encoding import Message, Part, decode, encode
from fieldward_sync.errors import AccessClosed, PeerBrokeProtocol
from fieldward_sync.keys import hpke_open, hpke_seal, label
from fieldward_sync.names import (
    AuthorityCode,
    Count,
    DeviceId,
    Hash,
    Key,
    PartitionId,
    PractitionerId,
    Seconds,
)
from fieldward_sync.signing import Signed

MAX_LEASE_BYTES = 1 << 20
LEASE_ID_BYTES = 16
MAX_PARTITIONS_OF_A_PRACTITIONER = 64
MAX_EPOCHS_OF_A_PARTITION = 64


class LeaseState(Enum):
    """Where a lease is in its life."""

    ACTIVE = "active"
    WARNING = "warning"
    EXPIRED = "expired"
    DESTROYED = "destroyed"


@dataclass(frozen=True)
class Allowed:
    """What a device may do in a state of its lease."""

    read: bool
    deliver: bool
    keep_keys: bool


ALLOWED = {
    LeaseState.ACTIVE: Allowed(read=True, deliver=True, keep_keys=True),
    LeaseState.WARNING: Allowed(read=True, deliver=True, keep_keys=True),
    LeaseState.EXPIRED: Allowed(read=False, deliver=True, keep_keys=True),
    LeaseState.DESTROYED: Allowed(read=False, deliver=True, keep_keys=False),
}


@dataclass(frozen=True)
class LeaseTerms:
    """What a lease gives, counted from its renewal. The deadlines' defaults are design §8's."""

    warning_seconds: int = 54 * 3600
    closes_seconds: int = 72 * 3600
    destroys_seconds: int = 14 * 24 * 3600
    look_ups: int = 500
    """A heavy day of home visits takes fewer than a hundred; a copy may hold 10,000 records."""
    idle_seconds: int = 15 * 60
    """Unused for this long, an unlocked device locks itself."""


class Spent(Part, frozen=True):
    """How many of a lease's look-ups are used: what each journal entry says on its outside."""

    lease: Annotated[bytes, Meta(max_length=LEASE_ID_BYTES)]
    """The lease's id; empty before the first look-up."""
    look_ups: Count


NOTHING_SPENT = Spent(b"", 0)


class Lease(Message, frozen=True):
    """One practitioner's permission on one device, signed by the server."""

    marker: ClassVar[bytes] = b"fieldward/lease/1"
    authority: AuthorityCode
    incarnation: Count
    lease_id: Annotated[bytes, Meta(min_length=LEASE_ID_BYTES, max_length=LEASE_ID_BYTES)]
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    issued: Seconds
    warns: Seconds
    closes: Seconds
    destroys: Seconds
    look_ups: Count
    """How many it allows (design §9)."""
    idle_seconds: Count
    """Unused for this long, the device locks itself; its own setting may be shorter."""
    secrets_hash: Hash
    """SHA-256 of the sealed secrets: HPKE authenticates nobody, this signature does."""

    def state(self, now: int) -> LeaseState:
        """The lease's state at the trusted time ``now``."""
        if now >= self.destroys:
            return LeaseState.DESTROYED
        if now >= self.closes:
            return LeaseState.EXPIRED
        return LeaseState.WARNING if now >= self.warns else LeaseState.ACTIVE

    @property
    def half_life(self) -> int:
        """From here on its holder is shown how long is left."""
        return (self.issued + self.closes) // 2

    def require_reading(self, now: int) -> None:
        """Raise ``AccessClosed("lease-over")`` unless records may be read now (invariant 3)."""
        if not ALLOWED[self.state(now)].read:
            raise AccessClosed(
                "lease-over",
                "The time of this copy is over; it stays shut.",
                next_step="Sync to open it again. What you typed is kept and is delivered.",
            )

    def look_ups_left(self, spent: Spent) -> int:
        """How many look-ups it still allows; what was spent under another lease is not its own."""
        used = spent.look_ups if spent.lease == self.lease_id else 0
        return max(0, self.look_ups - used)

    def spend(self, count: int, spent: Spent) -> Spent:
        """What is spent after ``count`` more; ``AccessClosed("look-ups-used-up")`` beyond it."""
        left = self.look_ups_left(spent)
        if count > left:
            raise AccessClosed(
                "look-ups-used-up",
                f"This copy's {self.look_ups} look-ups until it is renewed are used up.",
                next_step="Connect and sync: that renews it. What you typed is kept.",
            )
        return Spent(self.lease_id, self.look_ups - left + count)


class EpochKey(Part, frozen=True):
    """A partition's key of one key epoch."""

    epoch: Count
    key: Key


class PartitionKeys(Part, frozen=True):
    """What opens a partition's files and checks its digest."""

    partition: PartitionId
    digest_key: Key
    epochs: Annotated[tuple[EpochKey, ...], Meta(max_length=MAX_EPOCHS_OF_A_PARTITION)]


def partition_key(ring: Iterable[PartitionKeys], partition: str, epoch: int) -> bytes:
    """The key of a partition's key epoch; ``AccessClosed("not-granted")`` if it is not held."""
    for keys in ring:
        for held in keys.epochs:
            if (keys.partition, held.epoch) == (partition, epoch):
                return held.key
    raise _not_granted(partition)


def digest_key(ring: Iterable[PartitionKeys], partition: str) -> bytes:
    """The key of a partition's digest; ``AccessClosed("not-granted")`` if it is not held."""
    for keys in ring:
        if keys.partition == partition:
            return keys.digest_key
    raise _not_granted(partition)


def _not_granted(partition: str) -> AccessClosed:
    return AccessClosed("not-granted", f"No key is held for partition {partition}.")


class LeaseSecrets(Message, frozen=True):
    """What a lease hands over, sealed to the practitioner: the lease secret and the key ring."""

    marker: ClassVar[bytes] = b"fieldward/lease-secrets/1"
    lease_secret: Key
    ring: Annotated[tuple[PartitionKeys, ...], Meta(max_length=MAX_PARTITIONS_OF_A_PRACTITIONER)]

    def key(self, partition: str, epoch: int) -> bytes:
        """The key of a partition's key epoch; ``AccessClosed("not-granted")`` if it is not held."""
        return partition_key(self.ring, partition, epoch)

    def digest_key(self, partition: str) -> bytes:
        """The key of a partition's digest."""
        return digest_key(self.ring, partition)


class WarmKeys(Message, frozen=True):
    """The keys of partitions that are held warm, sealed to a key that is in a session's memory
    alone: they come beside a lease, end with it, and are never stored."""

    marker: ClassVar[bytes] = b"fieldward/warm-keys/1"
    ring: Annotated[tuple[PartitionKeys, ...], Meta(max_length=MAX_PARTITIONS_OF_A_PRACTITIONER)]


class LeaseGrant(Message, frozen=True):
    """A signed lease with its sealed secrets: one value, stored and replaced as one."""

    marker: ClassVar[bytes] = b"fieldward/lease-grant/1"
    lease: Signed
    sealed_secrets: Annotated[bytes, Meta(max_length=MAX_LEASE_BYTES)]

    def open_lease(self, answer_key: bytes) -> Lease:
        """The lease, once signature and secrets match; ``PeerBrokeProtocol`` else."""
        lease = self.lease.open(Lease, answer_key)
        if hashlib.sha256(self.sealed_secrets).digest() != lease.secrets_hash:
            raise PeerBrokeProtocol("lease-mixed", "These secrets belong to another lease.")
        return lease


def seal_secrets(secrets: LeaseSecrets, public_key: bytes, *, info: bytes) -> tuple[bytes, bytes]:
    """The sealed secrets and their hash, for the lease that will carry it."""
    sealed = hpke_seal(public_key, info=info, plaintext=encode(secrets))
    return sealed, hashlib.sha256(sealed).digest()


def seal_warm_keys(keys: WarmKeys, public_key: bytes, lease: Lease) -> bytes:
    """Keys for the memory of the session whose key this is."""
    return hpke_seal(public_key, info=warm_info(lease), plaintext=encode(keys))


def open_warm_keys(sealed: bytes, seed: bytes, lease: Lease) -> WarmKeys:
    """The keys that came beside a lease; ``PeerBrokeProtocol`` if they are of another lease, or for
    another session."""
    opened = hpke_open(seed, info=warm_info(lease), sealed=sealed)
    return decode(WarmKeys, opened, max_bytes=MAX_LEASE_BYTES)


def open_secrets(sealed: bytes, seed: bytes, *, info: bytes) -> bytes:
    """The bytes of the ``LeaseSecrets`` in ``sealed``."""
    return hpke_open(seed, info=info, sealed=sealed)


def secrets_info(
    *,
    authority: str,
    incarnation: int,
    lease_id: bytes,
    device: str,
    generation: int,
    practitioner: str,
) -> bytes:
    """What sealed secrets are bound to (design §7: everything goes into ``info``)."""
    return label(
        "lease-secrets", authority, incarnation, lease_id, device, generation, practitioner
    )


def warm_info(lease: Lease) -> bytes:
    """What the keys are bound to that come beside a lease, for memory alone."""
    return label(
        "warm-keys",
        lease.authority,
        lease.incarnation,
        lease.lease_id,
        lease.device,
        lease.generation,
        lease.practitioner,
    )
