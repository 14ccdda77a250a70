"""Orders, and the receipts that answer them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from second_implementation.encoding import document
from second_implementation.keys import sign
from vectors.cases import Case, Topic, changed, refused, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    ANSWER_KEY,
    ANSWER_SEED,
    AUTHORITY,
    DEVICE,
    GENERATION,
    IDENTITY_KEY,
    IDENTITY_SEED,
    NOW,
    order,
)


def receipt(kind: str = "wipe") -> bytes:
    """A receipt's bytes."""
    return document("receipt", AUTHORITY, DEVICE, GENERATION, 7, kind, NOW + 9, 41)


def _cases() -> Iterator[Case]:
    me: dict[str, Any] = {
        "authority": AUTHORITY,
        "device": DEVICE,
        "generation": GENERATION,
        "orders_seen": 6,
        "obeyed": [[6, "pause"]],
    }
    for kind in ("pause", "resume", "wipe"):
        payload = order(kind=kind)
        yield valid(
            kind,
            "an order and the receipt for it",
            payload=payload,
            signature=sign(ANSWER_SEED, payload),
            answer_key=ANSWER_KEY,
            **me,
            receipt=receipt(kind),
            receipt_signature=sign(IDENTITY_SEED, receipt(kind)),
            identity_key=IDENTITY_KEY,
        )
    for name, why, kind, obeyed in (
        ("again", "one that was obeyed before: it gets a new receipt", "pause", [[7, "pause"]]),
        (
            "late",
            "a pause that comes after a wipe: nothing is left to pause",
            "pause",
            [[9, "wipe"]],
        ),
    ):
        payload = order(kind=kind)
        yield valid(
            name,
            why,
            payload=payload,
            signature=sign(ANSWER_SEED, payload),
            answer_key=ANSWER_KEY,
            **{**me, "orders_seen": 9, "obeyed": obeyed},
            receipt=receipt(kind),
            receipt_signature=sign(IDENTITY_SEED, receipt(kind)),
            identity_key=IDENTITY_KEY,
        )
    for name, why, code, obeyed in (
        ("stale", "withdrawn, or held back: a later one was obeyed", Outcome.ORDER_STALE, []),
        (
            "stale-wipe",
            "a second wipe, from before the one that was obeyed",
            Outcome.ORDER_STALE,
            [[9, "wipe"]],
        ),
        ("other-kind", "another under its number", Outcome.ORDER_CHANGED, [[7, "pause"]]),
    ):
        yield refused(
            name,
            why,
            code,
            payload=order(),
            signature=sign(ANSWER_SEED, order()),
            answer_key=ANSWER_KEY,
            **{**me, "orders_seen": 9, "obeyed": obeyed},
        )
    for name, why, code, payload, seed in (
        (
            "another-device",
            "meant for another device",
            Outcome.ORDER_MISADDRESSED,
            order(device="d-other"),
            ANSWER_SEED,
        ),
        ("signer", "not the answer key's", Outcome.SIGNATURE_WRONG, order(), IDENTITY_SEED),
        ("receipt", "a receipt for an order", Outcome.WRONG_KIND, receipt(), ANSWER_SEED),
    ):
        yield refused(
            name,
            why,
            code,
            payload=payload,
            signature=sign(seed, payload),
            answer_key=ANSWER_KEY,
            **me,
        )
    for name, why, part in (
        ("another-generation", "of an earlier generation", {"generation": 2}),
        ("another-authority", "of another authority", {"authority": "E06000001"}),
    ):
        yield refused(
            name,
            why,
            Outcome.ORDER_MISADDRESSED,
            payload=order(),
            signature=sign(ANSWER_SEED, order()),
            answer_key=ANSWER_KEY,
            **{**me, **part},
        )
    yield refused(
        "changed",
        "changed after it was signed",
        Outcome.SIGNATURE_WRONG,
        payload=changed(order()),
        signature=sign(ANSWER_SEED, order()),
        answer_key=ANSWER_KEY,
        **me,
    )


TOPIC = Topic("orders", "documents by hand", _cases)
