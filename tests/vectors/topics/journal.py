"""A journal's items against the head they come to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from second_implementation.encoding import document, pack
from second_implementation.keys import signed, signing_public
from second_implementation.merkle import peaks, root
from vectors.cases import Case, Topic, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.boxes import box_id, look_up, sealed_entry, signed_header
from vectors.topics.leases import LEASE_ID
from vectors.topics.world import DEVICE, GENERATION, JOURNAL_SEED, NOW

EPOCH_SEEDS = (JOURNAL_SEED, secret("journal epoch 1"), secret("journal epoch 2"))


def entry(sequence: int, epoch: int, /, **part: Any) -> list[Any]:
    """An entry, sealed as entry ``sequence`` of the journal's box."""
    body = sealed_entry("journal", sequence, look_up())
    said = {
        "device": DEVICE,
        "generation": GENERATION,
        "sequence": sequence,
        "epoch": epoch,
        "box": box_id("journal"),
        "index": sequence,
        "spent": [LEASE_ID, sequence + 1],
        "body_hash": hashlib.sha256(body).digest(),
        **part,
    }
    return ["entry", document("journal-entry", *said.values()), body]


def seal(epoch: int, entries: Sequence[Sequence[Any]], /, **part: Any) -> list[Any]:
    """The seal of an epoch over all entries so far."""
    said = {
        "device": DEVICE,
        "generation": GENERATION,
        "epoch": epoch,
        "size": len(entries),
        "root": root([each[1] for each in entries]),
        "closed_at": NOW,
        "next_public_key": signing_public(EPOCH_SEEDS[epoch + 1]),
        **part,
    }
    return ["seal", signed(EPOCH_SEEDS[epoch], document("journal-seal", *said.values()))]


def _head(entries: Sequence[Any], sealed_size: int, epoch: int) -> bytes:
    leaves = [each[1] for each in entries]
    frontier = [len(leaves), peaks(leaves)]
    key = signing_public(EPOCH_SEEDS[epoch])
    return document("journal-head", DEVICE, GENERATION, frontier, sealed_size, epoch, key)


def _cases() -> Iterator[Case]:
    one, two, three = entry(0, 0), entry(1, 0), entry(2, 1)
    box = ["box", signed_header("journal")]
    closed = seal(0, [one, two])
    whole = [box, one, two, closed, three, seal(1, [one, two, three])]
    empty = _head([], 0, 0)

    def items(*given: Any) -> list[bytes]:
        return [pack(each) for each in given]

    yield valid(
        "journal",
        "two epochs",
        head=empty,
        items=items(*whole),
        after=_head([one, two, three], 3, 2),
        root=root([each[1] for each in (one, two, three)]),
    )
    yield valid(
        "open-epoch",
        "an entry that no seal covers yet",
        head=empty,
        items=items(*whole[:-1]),
        after=_head([one, two, three], 2, 1),
    )
    yield valid(
        "goes-on",
        "from where it stood",
        head=_head([one, two], 2, 1),
        items=items(box, three),
        after=_head([one, two, three], 2, 1),
    )
    forged = entry(1, 0)
    forged[2] = sealed_entry("journal", 9, look_up())
    first_epoch = [box, one, two]
    other_signer = ["seal", signed(EPOCH_SEEDS[1], closed[1][0])]
    gap, seal_wrong = Outcome.JOURNAL_GAP, Outcome.JOURNAL_SEAL
    for name, why, code, given in (
        ("gap", "an entry is missing", gap, [box, one, entry(2, 0)]),
        ("again", "an entry that has had its turn", gap, [box, one, two, one]),
        (
            "epoch-ahead",
            "names an epoch that is not open",
            Outcome.JOURNAL_EPOCH,
            [box, entry(0, 1)],
        ),
        (
            "epoch-closed",
            "names an epoch that was closed",
            Outcome.JOURNAL_EPOCH,
            [*first_epoch, closed, entry(2, 0)],
        ),
        (
            "another-device",
            "an entry of another device",
            Outcome.JOURNAL_MISADDRESSED,
            [box, entry(0, 0, device="d-other")],
        ),
        (
            "another-generation",
            "an entry of another generation",
            Outcome.JOURNAL_MISADDRESSED,
            [box, entry(0, 0, generation=2)],
        ),
        ("body", "another body", Outcome.JOURNAL_BODY, [box, one, forged]),
        (
            "seal-signer",
            "signed with another epoch's key",
            Outcome.SIGNATURE_WRONG,
            [*first_epoch, other_signer],
        ),
        ("seal-early", "a seal that counts an entry too many", seal_wrong, [box, one, closed]),
        ("seal-size", "another size", seal_wrong, [*first_epoch, seal(0, [one, two], size=1)]),
        ("seal-root", "another root", seal_wrong, [*first_epoch, seal(0, [two, one])]),
        ("seal-epoch", "another epoch", seal_wrong, [*first_epoch, seal(0, [one, two], epoch=1)]),
        (
            "seal-device",
            "another device's",
            seal_wrong,
            [*first_epoch, seal(0, [one, two], device="d-x")],
        ),
        ("seal-empty", "over nothing new", seal_wrong, [seal(0, [])]),
        (
            "seal-entry",
            "an entry where a seal must be",
            Outcome.WRONG_KIND,
            [*first_epoch, ["seal", signed(EPOCH_SEEDS[0], one[1])]],
        ),
        (
            "trailing",
            "a header with a byte too many",
            Outcome.MALFORMED,
            [["entry", one[1] + b"\x00", one[2]]],
        ),
    ):
        yield refused(name, why, code, head=empty, items=items(*given))


TOPIC = Topic(
    "journal", "documents by hand, roots by RFC 6962's own recursion over all leaves", _cases
)
