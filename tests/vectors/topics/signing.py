"""Signed documents."""

from __future__ import annotations

from collections.abc import Iterator

from second_implementation.keys import sign, signing_public
from vectors.cases import Case, Topic, changed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import ANSWER_KEY, ANSWER_SEED, order


def _cases() -> Iterator[Case]:
    payload = order()
    signature = sign(ANSWER_SEED, payload)
    good = {"payload": payload, "signature": signature, "public_key": ANSWER_KEY}
    yield valid("order", "signed with the answer key", document="Order", **good)
    wrong = Outcome.SIGNATURE_WRONG
    for name, why, part in (
        ("payload-changed", "another payload", {"payload": changed(payload)}),
        ("signature-changed", "another signature", {"signature": changed(signature)}),
        (
            "another-signer",
            "another key's signature",
            {"signature": sign(secret("another key"), payload)},
        ),
        ("another-key", "checked with another key", {"public_key": signing_public(secret("x"))}),
        ("no-key", "bytes that are no public key", {"public_key": b"\xff" * 32}),
        (
            "s-not-reduced",
            "S plus the group's order: a second signature out of the first",
            {"signature": _with_s_plus_order(signature)},
        ),
    ):
        yield refused(name, why, wrong, document="Order", **{**good, **part})
    yield refused(
        "another-kind",
        "rightly signed, but another kind of document",
        Outcome.WRONG_KIND,
        document="Receipt",
        **good,
    )
    cut = payload[:-1]
    yield refused(
        "malformed",
        "rightly signed, but no document",
        Outcome.MALFORMED,
        document="Order",
        payload=cut,
        signature=sign(ANSWER_SEED, cut),
        public_key=ANSWER_KEY,
    )


def _with_s_plus_order(signature: bytes) -> bytes:
    """RFC 8032, section 5.1.7: S must be below the order of the group."""
    order_of_group = 2**252 + 27742317777372353535851937790883648493
    raised = int.from_bytes(signature[32:], "little") + order_of_group
    return signature[:32] + raised.to_bytes(32, "little")


TOPIC = Topic("signing", "documents by hand; Ed25519 by cryptography on both sides", _cases)
