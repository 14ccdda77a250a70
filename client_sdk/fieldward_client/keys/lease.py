"""A practitioner's lease as the device holds it: checked, opened, and what it unwraps."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated, ClassVar

from msgspec import Meta

from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import Identity
from fieldward_sync.distribution import MAX_FILES_OF_A_PARTITION, MAX_MANIFESTS
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.keys import KEY_BYTES, derive, label, store_key_wrap
from fieldward_sync.leases import (
    MAX_LEASE_BYTES,
    Lease,
    LeaseGrant,
    LeaseSecrets,
    PartitionKeys,
    open_secrets,
    secrets_info,
)
from fieldward_sync.sealing import Entropy, open_sealed, seal
from fieldward_sync.signing import Signed


class StoredLease(Message, frozen=True):
    """A grant with the keys that vouched for it, so that it outlives their replacement."""

    marker: ClassVar[bytes] = b"fieldward/stored-lease/1"
    trust: Signed
    grant: LeaseGrant
    covered: bool = False
    """The secrets are sealed once more, under the vault: a code that others know of opens them."""


class WrappedStoreKey(Message, frozen=True):
    """The store key, wrapped: useless without the passphrase, useless without the lease."""

    marker: ClassVar[bytes] = b"fieldward/store-key/1"
    sealed: Annotated[bytes, Meta(max_length=256)]


def lease_file(practitioner: str) -> str:
    """Where a practitioner's lease lies."""
    return f"practitioners/{practitioner}/lease"


def store_key_file(practitioner: str) -> str:
    """Where a practitioner's wrapped store key lies."""
    return f"practitioners/{practitioner}/store-key"


class EarlierKeys(Message, frozen=True):
    """Keys of earlier leases, sealed under the store key: a renewed lease brings the keys of the
    server's present files, and the files here may still be those of an earlier state."""

    marker: ClassVar[bytes] = b"fieldward/earlier-keys/1"
    sealed: Annotated[bytes, Meta(max_length=MAX_LEASE_BYTES)]


class EarlierRing(Message, frozen=True):
    """What is sealed in it."""

    marker: ClassVar[bytes] = b"fieldward/earlier-ring/1"
    ring: Annotated[
        tuple[PartitionKeys, ...], Meta(max_length=MAX_MANIFESTS * MAX_FILES_OF_A_PARTITION)
    ]


def earlier_keys_file(practitioner: str) -> str:
    """Where the keys of earlier leases lie."""
    return f"practitioners/{practitioner}/earlier-keys"


def check_grant(stored: StoredLease, identity: Identity, practitioner: str) -> Lease:
    """The lease in a grant that is meant for this practitioner on this device.

    Raises ``PeerBrokeProtocol`` if it is not signed by who we trust, mixed, or somebody else's.
    """
    trust = identity.open_trust(stored.trust)
    if stored.covered:  # what covers the secrets is checked when they are opened
        lease = stored.grant.lease.open(Lease, trust.answer_key)
    else:
        lease = stored.grant.open_lease(trust.answer_key)
    named = (lease.authority, lease.incarnation, lease.device, lease.generation)
    ours = (identity.authority, trust.incarnation, identity.device, identity.generation)
    if named != ours or lease.practitioner != practitioner:
        raise PeerBrokeProtocol("lease-misaddressed", "This lease is somebody else's.")
    if not lease.issued <= lease.warns <= lease.closes <= lease.destroys:
        raise PeerBrokeProtocol("lease-malformed", "The lease's times are in no order.")
    return lease


def stored_lease(
    folder: Folder, identity: Identity, practitioner: str
) -> tuple[StoredLease, Lease] | None:
    """The lease in the folder, readable while locked; ``None`` if there is none."""
    stored = folder.load(lease_file(practitioner), StoredLease)
    if stored is None:
        return None
    try:
        return stored, check_grant(stored, identity, practitioner)
    except PeerBrokeProtocol as e:
        raise LocalDataDamaged("lease-damaged", "The stored lease is damaged.") from e


def cover(stored: StoredLease, lease: Lease, vault_key: bytes, *, entropy: Entropy) -> StoredLease:
    """A lease that opens with the passphrase alone from now on, whoever knows what opened it."""
    sealed = seal(
        derive(vault_key, "covered-lease"),
        _covered_context(lease),
        stored.grant.sealed_secrets,
        entropy=entropy,
    )
    return StoredLease(stored.trust, LeaseGrant(stored.grant.lease, sealed), covered=True)


def uncovered(stored: StoredLease, lease: Lease, vault_key: bytes) -> LeaseGrant:
    """The grant in a stored lease; ``PeerBrokeProtocol("seal-broken")`` under another vault."""
    if not stored.covered:
        return stored.grant
    opened = open_sealed(
        derive(vault_key, "covered-lease"), _covered_context(lease), stored.grant.sealed_secrets
    )
    return LeaseGrant(stored.grant.lease, opened)


def open_grant(grant: LeaseGrant, lease: Lease, seed: bytes) -> LeaseSecrets:
    """The secrets in a grant; ``PeerBrokeProtocol("seal-broken")`` if another key opens them."""
    info = secrets_info(
        authority=lease.authority,
        incarnation=lease.incarnation,
        lease_id=lease.lease_id,
        device=lease.device,
        generation=lease.generation,
        practitioner=lease.practitioner,
    )
    opened = open_secrets(grant.sealed_secrets, seed, info=info)
    return decode(LeaseSecrets, opened, max_bytes=MAX_LEASE_BYTES)


def open_store_key(
    folder: Folder, lease: Lease, vault_key: bytes, lease_secret: bytes, *, entropy: Entropy
) -> bytes:
    """The practitioner's store key; it is made when the first lease has come.

    Raises ``PeerBrokeProtocol("lease-secret-changed")`` if the lease secret is not the one that
    the key was wrapped under: it is the same at each renewal.
    """
    wrap = store_key_wrap(vault_key, lease_secret, device=lease.device, generation=lease.generation)
    context = label(
        "store-key", lease.authority, lease.device, lease.generation, lease.practitioner
    )
    name = store_key_file(lease.practitioner)
    wrapped = folder.load(name, WrappedStoreKey)
    if wrapped is None:
        store_key = entropy(KEY_BYTES)
        folder.store(name, WrappedStoreKey(seal(wrap, context, store_key, entropy=entropy)))
        return store_key
    try:
        return open_sealed(wrap, context, wrapped.sealed)
    except PeerBrokeProtocol as e:
        raise PeerBrokeProtocol(
            "lease-secret-changed", "The lease does not open what earlier leases opened."
        ) from e


def keep_earlier_keys(
    folder: Folder,
    lease: Lease,
    store_key: bytes,
    *,
    before: LeaseSecrets,
    after: LeaseSecrets,
    needed: Container[tuple[str, int]],
    entropy: Entropy,
) -> None:
    """Before a lease replaces another, keep the keys that the files here need, if it will not bring
    them itself; only of partitions that it still has keys of: of others, none are left once it is
    stored. ``needed`` are partitions and epochs."""
    granted = {keys.partition for keys in after.ring}
    brought = {(keys.partition, each.epoch) for keys in after.ring for each in keys.epochs}
    kept = [
        (keys, each)
        for keys in before.ring
        for each in keys.epochs
        if keys.partition in granted and (keys.partition, each.epoch) in needed
    ]
    loses = any(keys.partition not in granted for keys in before.ring)
    keeps_of_lost = loses and bool(folder.size(earlier_keys_file(lease.practitioner)))
    if all((keys.partition, each.epoch) in brought for keys, each in kept) and not keeps_of_lost:
        return
    ring = tuple(PartitionKeys(k.partition, k.digest_key, (each,)) for k, each in kept)
    context = _earlier_keys_context(lease)
    sealed = seal(store_key, context, encode(EarlierRing(ring)), entropy=entropy)
    folder.store(earlier_keys_file(lease.practitioner), EarlierKeys(sealed))


def with_earlier_keys(
    folder: Folder, lease: Lease, store_key: bytes, secrets: LeaseSecrets
) -> LeaseSecrets:
    """A lease's secrets together with the keys kept of earlier ones, as far as still granted."""
    stored = folder.load(earlier_keys_file(lease.practitioner), EarlierKeys)
    if stored is None:
        return secrets
    opened = open_sealed(store_key, _earlier_keys_context(lease), stored.sealed)
    earlier = decode(EarlierRing, opened, max_bytes=MAX_LEASE_BYTES).ring
    granted = {keys.partition for keys in secrets.ring}
    still = tuple(keys for keys in earlier if keys.partition in granted)
    return LeaseSecrets(secrets.lease_secret, (*secrets.ring, *still))


def _covered_context(lease: Lease) -> bytes:
    return label(
        "covered-lease",
        lease.authority,
        lease.device,
        lease.generation,
        lease.practitioner,
        lease.lease_id,
    )


def _earlier_keys_context(lease: Lease) -> bytes:
    return label(
        "earlier-keys", lease.authority, lease.device, lease.generation, lease.practitioner
    )
