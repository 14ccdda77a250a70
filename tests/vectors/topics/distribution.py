"""Distributions: which may follow which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from second_implementation.encoding import document
from second_implementation.keys import sign
from vectors.cases import Case, Topic, changed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    ANSWER_KEY,
    ANSWER_SEED,
    AUTHORITY,
    DAY,
    DEVICE,
    EPOCH,
    GENERATION,
    ME,
    NOW,
    OTHERS,
    PARTITION,
    PRACTITIONER,
)

EXPIRES = NOW + DAY


def manifest(feed: int = 9) -> list[Any]:
    """A manifest with one image that nobody made."""
    context = [AUTHORITY, 1, PARTITION, EPOCH, "image", 0, feed]
    entry = [context, secret("file").hex(), 4096, 16384]
    return [PARTITION, "Team 1", feed, 2, secret("digest"), secret("digest"), NOW, [entry]]


def distribution(
    incarnation: int = 1,
    number: int = 5,
    manifests: Any = None,
    lost: Any = (),
    on_line: Any = (),
    warm: Any = (),
) -> bytes:
    """A distribution's bytes."""
    return document(
        "distribution",
        AUTHORITY,
        incarnation,
        DEVICE,
        GENERATION,
        PRACTITIONER,
        number,
        NOW,
        EXPIRES,
        [manifest()] if manifests is None else manifests,
        lost,
        on_line,
        warm,
    )


def _cases() -> Iterator[Case]:
    held = distribution()

    def offer(payload: bytes, trusted: bytes | None = held, now: int = NOW) -> dict[str, Any]:
        return {
            "trusted": trusted,
            "payload": payload,
            "signature": sign(ANSWER_SEED, payload),
            "answer_key": ANSWER_KEY,
            "own": ME,
            "now": now,
        }

    lost = distribution(number=6, manifests=[], lost=[PARTITION])
    tethered = distribution(number=6, manifests=[], on_line=[[PARTITION, "Team 1"]])
    restored = distribution(incarnation=2, number=1)
    yield valid("first", "before it there was none", **offer(held, trusted=None))
    yield valid("same", "the same once more", **offer(held))
    yield valid("next", "a higher number", **offer(distribution(number=6)))
    yield valid("lost", "a partition is taken away, by name", **offer(lost))
    yield valid(
        "tethered",
        "a partition is on line only from now on",
        **offer(tethered),
    )
    in_new_incarnation = {**ME, "incarnation": 2}
    yield valid(
        "restored",
        "a higher incarnation, a lower number",
        **{**offer(restored), "own": in_new_incarnation},
    )
    yield valid("last-second", "a second before it expires", **offer(held, now=EXPIRES - 1))
    for name, why, code, offered in (
        ("expired", "at its end", Outcome.DISTRIBUTION_EXPIRED, offer(held, now=EXPIRES)),
        (
            "rolled-back",
            "a lower number",
            Outcome.DISTRIBUTION_ROLLED_BACK,
            offer(distribution(number=4)),
        ),
        (
            "earlier-incarnation",
            "a higher number of an earlier incarnation",
            Outcome.DISTRIBUTION_ROLLED_BACK,
            offer(distribution(number=99), trusted=restored),
        ),
        (
            "mixed",
            "the same number with other content",
            Outcome.DISTRIBUTION_MIXED,
            offer(distribution(manifests=[manifest(10)])),
        ),
        (
            "mixed-tethered",
            "the same number with another partition on line only",
            Outcome.DISTRIBUTION_MIXED,
            offer(distribution(on_line=[["hv-2", "Team 2"]])),
        ),
        (
            "mixed-warm",
            "the same number with a partition held in another way",
            Outcome.DISTRIBUTION_MIXED,
            offer(distribution(warm=[PARTITION])),
        ),
    ):
        yield refused(name, why, code, **offered)
    yield refused(
        "loss-unnamed",
        "a partition is missing, and named neither as lost nor as on line only",
        Outcome.LOSS_UNNAMED,
        **offer(distribution(number=6, manifests=[], lost=["hv-2"])),
    )
    for word, other in OTHERS.items():
        yield refused(
            f"another-{word}",
            f"rightly signed, for another {word}",
            Outcome.DISTRIBUTION_MISADDRESSED,
            **{**offer(held, trusted=None), "own": {**ME, word: other}},
        )
    forged = {**offer(held), "payload": changed(held)}
    yield refused("forged", "changed after it was signed", Outcome.SIGNATURE_WRONG, **forged)
    empty = manifest()
    empty[7] = []
    yield refused(
        "no-files",
        "a manifest without files",
        Outcome.MALFORMED,
        **offer(distribution(number=6, manifests=[empty])),
    )


TOPIC = Topic("distribution", "documents by hand", _cases)
