"""Leases: states by deadline, and secrets that belong to one lease (invariant 3)."""

from __future__ import annotations

import hashlib
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_sync.encoding import decode, encode
from fieldward_sync.errors import AccessClosed, PeerBrokeProtocol
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.leases import (
    ALLOWED,
    NOTHING_SPENT,
    EpochKey,
    Lease,
    LeaseGrant,
    LeaseSecrets,
    LeaseState,
    PartitionKeys,
    Spent,
    open_secrets,
    seal_secrets,
    secrets_info,
)
from fieldward_sync.signing import public_key, sign

KEY = Ed25519PrivateKey.generate()
SECRETS = LeaseSecrets(
    lease_secret=b"s" * 32,
    ring=(PartitionKeys("hv-1", b"d" * 32, (EpochKey(1, b"1" * 32), EpochKey(2, b"2" * 32))),),
)


def lease(secrets_hash: bytes = b"h" * 32) -> Lease:
    return Lease(
        authority="E08000039",
        incarnation=1,
        lease_id=b"l" * 16,
        device="d-1",
        generation=1,
        practitioner="p-1",
        issued=1_000,
        warns=2_000,
        closes=3_000,
        destroys=4_000,
        look_ups=3,
        idle_seconds=900,
        secrets_hash=secrets_hash,
    )


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (1_000, LeaseState.ACTIVE),
        (1_999, LeaseState.ACTIVE),
        (2_000, LeaseState.WARNING),
        (2_999, LeaseState.WARNING),
        (3_000, LeaseState.EXPIRED),
        (3_999, LeaseState.EXPIRED),
        (4_000, LeaseState.DESTROYED),
    ],
)
def test_the_state_of_a_lease_follows_its_deadlines(now: int, state: LeaseState) -> None:
    assert lease().state(now) is state


def test_nothing_is_read_from_the_moment_a_lease_closes() -> None:
    lease().require_reading(2_999)
    with pytest.raises(AccessClosed) as closed:
        lease().require_reading(3_000)
    assert closed.value.code == "lease-over"


LEASE_ID = b"l" * 16


def test_a_lease_allows_just_its_look_ups() -> None:
    spent = NOTHING_SPENT
    for left in (2, 1, 0):
        spent = lease().spend(1, spent)
        assert (spent.lease, lease().look_ups_left(spent)) == (LEASE_ID, left)
    with pytest.raises(AccessClosed) as closed:
        lease().spend(1, spent)
    assert closed.value.code == "look-ups-used-up"


def test_what_costs_more_than_is_left_is_refused_whole() -> None:
    assert lease().spend(2, Spent(LEASE_ID, 1)) == Spent(LEASE_ID, 3)
    with pytest.raises(AccessClosed, match="look-ups-used-up"):
        lease().spend(2, Spent(LEASE_ID, 2))


def test_what_was_spent_of_another_lease_does_not_count() -> None:
    assert lease().look_ups_left(Spent(b"o" * 16, 3)) == 3
    assert lease().spend(1, Spent(b"o" * 16, 3)) == Spent(LEASE_ID, 1)


def test_delivering_is_allowed_in_every_state() -> None:
    assert all(allowed.deliver for allowed in ALLOWED.values())


def info(**changes: object) -> bytes:
    told: dict[str, object] = {
        "authority": "E08000039",
        "incarnation": 1,
        "lease_id": b"l" * 16,
        "device": "d-1",
        "generation": 1,
        "practitioner": "p-1",
    }
    return secrets_info(**{**told, **changes})  # type: ignore[arg-type]  # a table of one call


def test_secrets_open_for_the_key_they_were_sealed_to() -> None:
    seed = os.urandom(32)
    sealed, secrets_hash = seal_secrets(SECRETS, hpke_public_key(seed), info=info())
    assert secrets_hash == hashlib.sha256(sealed).digest()
    opened = decode(LeaseSecrets, open_secrets(sealed, seed, info=info()), max_bytes=4096)
    assert opened == SECRETS
    assert opened.key("hv-1", 2) == b"2" * 32


@pytest.mark.parametrize(
    "changed",
    [
        {"authority": "E08000003"},
        {"incarnation": 2},
        {"lease_id": b"m" * 16},
        {"device": "d-2"},
        {"generation": 2},
        {"practitioner": "p-2"},
    ],
    ids=str,
)
def test_secrets_of_another_lease_do_not_open(changed: dict[str, object]) -> None:
    seed = os.urandom(32)
    sealed, _ = seal_secrets(SECRETS, hpke_public_key(seed), info=info())
    with pytest.raises(PeerBrokeProtocol) as refusal:
        open_secrets(sealed, seed, info=info(**changed))
    assert refusal.value.code == "seal-broken"


def test_a_lease_with_the_secrets_of_another_is_refused() -> None:
    sealed = b"sealed"
    good = LeaseGrant(sign(lease(hashlib.sha256(sealed).digest()), KEY), sealed)
    assert good.open_lease(public_key(KEY)).lease_id == b"l" * 16
    with pytest.raises(PeerBrokeProtocol) as refusal:
        LeaseGrant(good.lease, b"others").open_lease(public_key(KEY))
    assert refusal.value.code == "lease-mixed"


def test_a_lease_signed_by_anybody_else_is_refused() -> None:
    grant = LeaseGrant(sign(lease(), Ed25519PrivateKey.generate()), b"")
    with pytest.raises(PeerBrokeProtocol) as refusal:
        grant.open_lease(public_key(KEY))
    assert refusal.value.code == "signature-wrong"


def test_a_key_that_is_not_held_is_named_by_its_partition() -> None:
    with pytest.raises(AccessClosed) as closed:
        SECRETS.key("hv-2", 1)
    assert closed.value.code == "not-granted"
    assert "hv-2" in closed.value.message


def test_a_grant_survives_being_stored() -> None:
    grant = LeaseGrant(sign(lease(), KEY), b"sealed")
    assert decode(LeaseGrant, encode(grant), max_bytes=4096) == grant
