"""Lease grants: signed, sealed, and over at their time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from second_implementation.encoding import document
from second_implementation.keys import label, signed
from vectors.cases import Case, Topic, changed, hpke_sealed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    ANSWER_KEY,
    ANSWER_SEED,
    AUTHORITY,
    DAY,
    DEVICE,
    DIGEST_KEY,
    EPOCH,
    GENERATION,
    HOUR,
    INCARNATION,
    LEASE_SECRET,
    ME,
    NOW,
    OTHERS,
    PARTITION,
    PARTITION_KEY,
    PRACTITIONER,
    PRACTITIONER_HPKE_SEED,
)

LEASE_ID = secret("lease id", 16)
SECRETS = document(
    "lease-secrets", LEASE_SECRET, [[PARTITION, DIGEST_KEY, [[EPOCH, PARTITION_KEY]]]]
)
CLOSES, DESTROYS = NOW + 72 * HOUR, NOW + 14 * DAY
LOOK_UPS = 500
IDLE_SECONDS = 900


def info(generation: int = GENERATION) -> bytes:
    """What the secrets are bound to."""
    return label(
        "lease-secrets", AUTHORITY, INCARNATION, LEASE_ID, DEVICE, generation, PRACTITIONER
    )


WARM_SEED = secret("key of a session's memory")
WARM_KEYS = document("warm-keys", [[PARTITION, DIGEST_KEY, [[EPOCH, PARTITION_KEY]]]])


def warm_keys(lease_id: bytes = LEASE_ID) -> bytes:
    """Keys for a session's memory, beside a lease."""
    bound_to = (AUTHORITY, INCARNATION, lease_id, DEVICE, GENERATION, PRACTITIONER)
    return hpke_sealed(WARM_SEED, label("warm-keys", *bound_to), WARM_KEYS)


def lease(sealed: bytes, *, warns: int = NOW + 54 * HOUR, closes: int = CLOSES) -> bytes:
    """The lease that goes with sealed secrets."""
    return document(
        "lease",
        AUTHORITY,
        INCARNATION,
        LEASE_ID,
        DEVICE,
        GENERATION,
        PRACTITIONER,
        NOW,
        warns,
        closes,
        DESTROYS,
        LOOK_UPS,
        IDLE_SECONDS,
        hashlib.sha256(sealed).digest(),
    )


def grant() -> tuple[list[bytes], bytes]:
    """A signed lease and its sealed secrets."""
    sealed = hpke_sealed(PRACTITIONER_HPKE_SEED, info(), SECRETS)
    return signed(ANSWER_SEED, lease(sealed)), sealed


def _cases() -> Iterator[Case]:
    signed_lease, sealed = grant()

    def at(now: int, state: str) -> dict[str, Any]:
        return {**good, "now": now, "state": state}

    good = {
        "grant": document("lease-grant", signed_lease, sealed),
        "answer_key": ANSWER_KEY,
        "own": ME,
        "seed": PRACTITIONER_HPKE_SEED,
        "info": info(),
        "partition": PARTITION,
        "epoch": EPOCH,
        "now": NOW,
        "state": "active",
        "spent_under": LEASE_ID,
        "spent": 0,
    }
    opened = {
        "lease_secret": LEASE_SECRET,
        "key": PARTITION_KEY,
        "digest_key": DIGEST_KEY,
        "left": LOOK_UPS - 1,
    }
    yield valid("new", "just granted", **good, **opened)
    yield valid("warning", "the holder is to sync", **at(NOW + 54 * HOUR, "warning"), **opened)
    yield valid("last-second", "a second before", **at(CLOSES - 1, "warning"), **opened)
    yield refused("closed", "at its end", Outcome.LEASE_OVER, **at(CLOSES, "expired"))
    yield refused("destroyed", "past the last", Outcome.LEASE_OVER, **at(DESTROYS, "destroyed"))

    last, none = {**good, "spent": LOOK_UPS - 1}, {**good, "spent": LOOK_UPS}
    renewed = {**none, "spent_under": secret("lease before", 16)}
    yield valid("last-look-up", "the last of its look-ups", **last, **{**opened, "left": 0})
    yield valid("renewed", "what was spent under the lease before", **renewed, **opened)
    yield refused("used-up", "a look-up too many", Outcome.LOOK_UPS_USED_UP, **none)

    for name, why, part in (
        ("another-partition", "a partition that is not granted", {"partition": "hv-2"}),
        ("another-epoch", "a key epoch whose key it has not", {"epoch": EPOCH + 1}),
    ):
        yield refused(name, why, Outcome.NOT_GRANTED, **{**good, **part})
    other_sealed = changed(sealed)
    forged = [signed_lease[0], changed(signed_lease[1], 0)]
    for name, why, code, fields in (
        ("mixed", "secrets of another lease", Outcome.LEASE_MIXED, (signed_lease, other_sealed)),
        ("forged", "a signature that does not hold", Outcome.SIGNATURE_WRONG, (forged, sealed)),
        (
            "resealed",
            "secrets that were changed, under a lease that says so",
            Outcome.SEAL_BROKEN,
            (signed(ANSWER_SEED, lease(other_sealed)), other_sealed),
        ),
    ):
        yield refused(name, why, code, **{**good, "grant": document("lease-grant", *fields)})
    for word, other in OTHERS.items():
        yield refused(
            f"of-another-{word}",
            f"rightly signed, for another {word}",
            Outcome.LEASE_MISADDRESSED,
            **{**good, "own": {**ME, word: other}},
        )
    for name, why, times in (
        ("warns-before-it-is-issued", "a second before it is issued", {"warns": NOW - 1}),
        ("closes-before-it-warns", "before it warns", {"closes": NOW + 54 * HOUR - 1}),
        ("destroys-before-it-closes", "after the last deadline", {"closes": DESTROYS + 1}),
    ):
        disordered = [signed(ANSWER_SEED, lease(sealed, **times)), sealed]
        yield refused(
            name,
            f"its times in no order: {why}",
            Outcome.LEASE_MALFORMED,
            **{**good, "grant": document("lease-grant", *disordered)},
        )
    yield refused(
        "another-generation",
        "sealed for another generation",
        Outcome.SEAL_BROKEN,
        **{**good, "info": info(GENERATION + 1)},
    )


TOPIC = Topic("leases", "documents, info and HPKE by hand", _cases)
