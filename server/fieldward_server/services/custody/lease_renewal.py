"""Leases: when one is due, why one is refused, and how one is made (protocol §5, design §8)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fieldward_server.services.authorities import open_answer_key
from fieldward_server.services.custody.practitioners import barred_by
from fieldward_server.services.custody.standing import CONTACT_SECONDS, Standing
from fieldward_server.services.distribution.distributions import held_warm
from fieldward_server.services.distribution.partition_keys import key_ring, ring_hash
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, holders
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.grants import Granted
from fieldward_server.storage.holders import Holder
from fieldward_sync.access import RIGHTS, UNDER_WIPE, WipeState
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.leases import (
    LEASE_ID_BYTES,
    Lease,
    LeaseGrant,
    LeaseSecrets,
    LeaseTerms,
    WarmKeys,
    seal_secrets,
    seal_warm_keys,
    secrets_info,
)
from fieldward_sync.messages import SyncRequest
from fieldward_sync.signing import sign
from fieldward_sync.ways import KEPT, Way

LEASE_SECRET = "lease-secret"
RENEWED_AFTER = 8
"""A lease is renewed once this part of its term has passed, or of its look-ups is used."""


@dataclass(frozen=True)
class Renewal:
    """What a renewal gives."""

    lease: LeaseGrant
    warm_keys: bytes | None


def is_due(standing: Standing, request: SyncRequest, terms: LeaseTerms, *, now: int) -> bool:
    """Whether a renewal was asked for, and there is something to renew."""
    holder = standing.holder
    if holder is None or request.next_hpke_key is None or request.more:
        return False
    look_ups_used = terms.look_ups - request.held.look_ups_left
    return (
        is_another(holder, standing.held, lease=request.held.lease)
        or (bool(standing.warm) and request.warm_key is not None and not request.held.warm)
        or not _is_new(holder, terms, now=now)
        or look_ups_used * RENEWED_AFTER >= terms.look_ups
    )


def _is_new(holder: Holder, terms: LeaseTerms, *, now: int) -> bool:
    """Whether little of the last lease's term has passed. It may have ended before the latest of
    all leases, which is what is known; and a clock that ran ahead may have given it."""
    term = min(holder.lease_closes - holder.lease_issued, terms.closes_seconds)
    due = holder.lease_issued + term // RENEWED_AFTER
    return holder.lease_issued - CONTACT_SECONDS <= now < due


def stored_keys_gone(standing: Standing, request: SyncRequest) -> tuple[str, ...]:
    """The partitions whose keys were on the device's disk until a stricter way took them off it:
    the lease that it says it has took the place of the one that brought them."""
    holder = standing.holder
    if holder is None or not holder.lease_id or request.held.lease != holder.lease_id:
        return ()
    gone = tuple(
        granted.partition_id
        for granted in standing.granted
        if granted.keys_until and not KEPT[Way(granted.way)].keys_on_disk
    )
    return gone if gone and ring_hash(standing.held) == holder.ring_hash else ()


def is_another(holder: Holder, held: Iterable[Granted], *, lease: bytes) -> bool:
    """Whether the lease on a device is not the last one granted, or has other keys than those of
    what is held now."""
    return not lease or lease != holder.lease_id or ring_hash(held) != holder.ring_hash


def refusal(
    platform: Platform,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> str:
    """The code that tells why the lease is not renewed; empty if it may be."""
    device, head = standing.device, standing.journal
    if not RIGHTS[standing.access].renew:
        return standing.access.value
    if WipeState(device.wipe) in UNDER_WIPE:
        return "wiped"
    if not head.sealed_size == head.size == request.journal_size:
        return "journal-incomplete"
    if platform.demands_more(request.assurance):
        return "assurance-too-low"
    return barred_by(standing.practitioner, now=now)


def renew(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    holder: Holder,
    hpke_key: bytes,
    warm_key: bytes | None,
    *,
    now: int,
) -> Renewal:
    """A new lease, which is from now on the last one granted; beside it, sealed to ``warm_key``,
    what is held warm.

    ``CallerMistake("key-malformed")``, and nothing is changed, if nothing can be sealed to these
    keys.
    """
    return grant_lease(
        platform,
        transaction,
        standing.authority,
        holder,
        standing.held,
        hpke_key,
        warm_key,
        closes=now + platform.lease_terms.closes_seconds,
        now=now,
    )


def grant_lease(
    platform: Platform,
    transaction: Transaction,
    authority: Authority,
    holder: Holder,
    held: Collection[Granted],
    hpke_key: bytes,
    warm_key: bytes | None,
    *,
    closes: int,
    now: int,
) -> Renewal:
    """As ``renew``, for a lease that closes at this time."""
    terms = platform.lease_terms
    lease_id = platform.entropy(LEASE_ID_BYTES)
    sealed, secrets_hash = seal_secrets(
        _secrets(platform, transaction, holder, held),
        hpke_key,
        info=secrets_info(
            authority=authority.authority,
            incarnation=authority.incarnation,
            lease_id=lease_id,
            device=holder.device,
            generation=holder.generation,
            practitioner=holder.practitioner,
        ),
    )
    lease = Lease(
        authority=authority.authority,
        incarnation=authority.incarnation,
        lease_id=lease_id,
        device=holder.device,
        generation=holder.generation,
        practitioner=holder.practitioner,
        issued=now,
        warns=min(now + terms.warning_seconds, closes),
        closes=closes,
        destroys=max(closes, now + terms.destroys_seconds),
        look_ups=terms.look_ups,
        idle_seconds=terms.idle_seconds,
        secrets_hash=secrets_hash,
    )
    warm = None
    if held_warm(held) and warm_key is not None:
        ring = key_ring(platform, transaction, holder.authority, held_warm(held))
        warm = seal_warm_keys(WarmKeys(ring), warm_key, lease)
    holders.set_lease(
        transaction,
        holder,
        lease_id=lease_id,
        issued=lease.issued,
        closes=lease.closes,
        destroys=lease.destroys,
        ring_hash=ring_hash(held),
    )
    return Renewal(LeaseGrant(sign(lease, open_answer_key(platform, authority)), sealed), warm)


def new_lease_secret(
    platform: Platform, authority: str, device: str, generation: int, practitioner: str
) -> bytes:
    """A holder's lease secret, wrapped: the same at each renewal, gone at revocation."""
    secret = platform.entropy(KEY_BYTES)
    return platform.wrap(secret, LEASE_SECRET, authority, device, generation, practitioner)


def _secrets(
    platform: Platform, transaction: Transaction, holder: Holder, held: Collection[Granted]
) -> LeaseSecrets:
    return LeaseSecrets(
        lease_secret=platform.unwrap(
            holder.lease_secret or b"",
            LEASE_SECRET,
            holder.authority,
            holder.device,
            holder.generation,
            holder.practitioner,
        ),
        ring=key_ring(
            platform,
            transaction,
            holder.authority,
            [each for each in held if each not in held_warm(held)],
        ),
    )
