"""The keys in force: which may follow which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from second_implementation.keys import sign
from vectors.cases import Case, Topic, changed, refused, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    ANSWER_SEED,
    AUTHORITY,
    OTHERS,
    ROOT_KEY,
    ROOT_SEED,
    trust_document,
)


def _cases() -> Iterator[Case]:
    held = trust_document(incarnation=2, version=5)

    def offer(payload: bytes, seed: bytes = ROOT_SEED) -> dict[str, Any]:
        return {
            "held": held,
            "payload": payload,
            "signature": sign(seed, payload),
            "root_key": ROOT_KEY,
            "authority": AUTHORITY,
        }

    newer = trust_document(incarnation=2, version=6)
    yield valid("newer", "a higher version", **offer(newer))
    yield valid("restored", "of a higher incarnation", **offer(trust_document(3, 6)))
    yield valid("same", "what is held, once more: nothing changes", **offer(held))
    for name, why, payload in (
        ("older", "a lower version", trust_document(2, 4)),
        ("same-version", "other keys under the version held", trust_document(3, 5)),
        ("earlier-incarnation", "a higher version of an earlier one", trust_document(1, 6)),
    ):
        yield refused(name, why, Outcome.TRUST_ROLLED_BACK, **offer(payload))
    yield refused(
        "another-authority",
        "another authority's, under the same root key",
        Outcome.TRUST_MISADDRESSED,
        **offer(trust_document(2, 6, authority=str(OTHERS["authority"]))),
    )
    for name, why, wrong in (
        ("by-the-answer-key", "signed by the key that it replaces", offer(newer, ANSWER_SEED)),
        ("forged", "changed after it was signed", {**offer(newer), "payload": changed(newer)}),
    ):
        yield refused(name, why, Outcome.SIGNATURE_WRONG, **wrong)


TOPIC = Topic("trust", "documents by hand; Ed25519 by cryptography on both sides", _cases)
