"""Derivations by label, the store key's wrap, and the unlock key."""

from __future__ import annotations

from collections.abc import Iterator

from second_implementation import keys
from second_implementation.sealing import seal
from vectors.cases import Case, Topic, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    AUTHORITY,
    DEVICE,
    GENERATION,
    LEASE_SECRET,
    PRACTITIONER,
    STORE_KEY,
)

PASSPHRASE = "correct horse bättery staple"


def _cases() -> Iterator[Case]:
    code_secret = secret("code", 11)
    unlock = keys.unlock_key(PASSPHRASE, secret("device secret"), secret("salt", 16))
    for purpose, key, context in (
        ("invitation-id", code_secret, ()),
        ("invitation-proof", code_secret, ()),
        ("store-key-wrap", unlock + LEASE_SECRET, (DEVICE, GENERATION)),
    ):
        yield valid(
            purpose,
            "HKDF-SHA-256 under a label",
            kind="derive",
            secret=key,
            purpose=purpose,
            context=context,
            label=keys.label(purpose, *context),
            derived=keys.derive(key, purpose, *context),
        )
    argon = {
        "kind": "unlock",
        "passphrase": PASSPHRASE,
        "device_secret": secret("device secret"),
        "salt": secret("salt", 16),
    }
    yield valid(
        "unlock",
        "Argon2id at the floor of its cost",
        **argon,
        cost=[65536, 3, 4],
        associated_data=keys.label("unlock"),
        derived=unlock,
    )
    for name, cost in (
        ("memory", [65535, 3, 4]),
        ("passes", [65536, 2, 4]),
        ("lanes", [65536, 3, 3]),
    ):
        yield refused(f"unlock-{name}", "below the floor", Outcome.COST_LOWERED, **argon, cost=cost)
    wrap = keys.derive(unlock + LEASE_SECRET, "store-key-wrap", DEVICE, GENERATION)
    binding = keys.label("store-key", AUTHORITY, DEVICE, GENERATION, PRACTITIONER)
    sealed = seal(wrap, binding, secret("wrapping salt", 24), STORE_KEY)
    yield valid(
        "store-key",
        "the store key as it lies sealed",
        kind="sealed",
        key=wrap,
        context=binding,
        sealed=sealed,
        opened=STORE_KEY,
    )
    yield refused(
        "store-key-of-another",
        "the same under another generation's context",
        Outcome.SEAL_BROKEN,
        kind="sealed",
        key=wrap,
        context=keys.label("store-key", AUTHORITY, DEVICE, GENERATION + 1, PRACTITIONER),
        sealed=sealed,
    )


TOPIC = Topic(
    "derivations",
    "HKDF with hmac by hand, seals by hand over AES-GCM; Argon2id by cryptography on both sides",
    _cases,
)
