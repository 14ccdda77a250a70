"""Edits in, live values and conflicts out; and what the server makes of a proposal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from second_implementation.encoding import document
from vectors.cases import Case, Topic, refused, valid
from vectors.outcomes import Outcome
from vectors.topics.views import SERVER, TABLET, edit, edit_bytes
from vectors.topics.world import DEVICE, GENERATION, NOW, PRACTITIONER

PHONE = "involvements/a1.phone"
OTHER = "d-other.1"


def _merged(
    name: str, why: str, edits: list[Any], live: dict[str, Any], conflicts: list[str]
) -> Case:
    return valid(
        name,
        why,
        kind="merge",
        edits=[edit_bytes(each) for each in edits],
        live=live,
        conflicts=conflicts,
    )


def _cases() -> Iterator[Case]:
    one = edit(SERVER, 1, {PHONE: "0114 496 0001"})
    two = edit(TABLET, 1, {PHONE: "0114 496 0002"}, [[SERVER, 1]])
    beside = edit(OTHER, 1, {PHONE: "0114 496 0003"}, [[SERVER, 1]])
    same = edit(OTHER, 1, {PHONE: "0114 496 0002"}, [[SERVER, 1]])
    settled = edit(SERVER, 2, {PHONE: "0114 496 0004"}, [[TABLET, 1], [OTHER, 1]])

    first = [[SERVER, 1], "0114 496 0001"]
    second = [[TABLET, 1], "0114 496 0002"]
    third = [[OTHER, 1], "0114 496 0003"]
    yield _merged("alone", "one value", [one], {PHONE: [first]}, [])
    yield _merged("replaced", "who was shown it", [one, two], {PHONE: [second]}, [])
    yield _merged("turned", "in another order", [two, one], {PHONE: [second]}, [])
    yield _merged("repeated", "twice", [two, one, two], {PHONE: [second]}, [])
    yield _merged("gap", "the replaced never came", [two], {PHONE: [second]}, [])
    both = {PHONE: [second, third]}
    yield _merged("conflict", "nobody was shown the other", [one, two, beside], both, [PHONE])
    agreed = {PHONE: [second, [[OTHER, 1], "0114 496 0002"]]}
    yield _merged("agreed", "the same value twice is no conflict", [one, two, same], agreed, [])
    last = {PHONE: [[[SERVER, 2], "0114 496 0004"]]}
    yield _merged("settled", "replaces both", [settled, one, beside, two], last, [])
    removed = edit(TABLET, 1, {PHONE: None}, [[SERVER, 1]])
    after = {PHONE: [[[TABLET, 1], None], third]}
    yield _merged("removed", "removed is a value", [one, removed, beside], after, [PHONE])
    elsewhere = edit(TABLET, 1, {"gp.code": "P84001"}, [[SERVER, 1]])
    live = {PHONE: [first], "gp.code": [[[TABLET, 1], "P84001"]]}
    yield _merged("elsewhere", "a dot is replaced at its path alone", [one, elsewhere], live, [])
    let_in = edit(SERVER, 3, {PHONE: "0114 496 0005"}, admits=[TABLET, 5])
    over_it = edit(TABLET, 6, {PHONE: "0114 496 0006"}, [[TABLET, 5]])
    newer = {PHONE: [[[TABLET, 6], "0114 496 0006"]]}
    yield _merged(
        "admitted", "whoever replaced the refused edit replaces it", [over_it, let_in], newer, []
    )
    under_it = edit(TABLET, 5, {"gp.code": "P84001"})
    apart = {
        PHONE: [[[TABLET, 6], "0114 496 0006"], [[SERVER, 3], "0114 496 0005"]],
        "gp.code": [[[TABLET, 5], "P84001"]],
    }
    yield _merged(
        "admitted-beside",
        "not where an edit was accepted under that dot",
        [over_it, let_in, under_it],
        apart,
        [PHONE],
    )
    yield refused(
        "dot-reused",
        "the same dot with other content",
        Outcome.DOT_REUSED,
        kind="merge",
        edits=[edit_bytes(one), edit_bytes(edit(SERVER, 1, {PHONE: "0114 496 0009"}))],
    )
    yield from _proposals()


def _proposals() -> Iterator[Case]:
    numbers = {"1": [SERVER, 1], "3": [OTHER, 1]}

    def proposal(shown: list[int], own: list[int]) -> bytes:
        changes = [[PHONE, "0114 496 0002", shown, own]]
        return document("proposal", 9, 1, "child-1", changes, PRACTITIONER, NOW, "home-visit", 3)

    good = {
        "kind": "proposal",
        "device": DEVICE,
        "generation": GENERATION,
        "numbers": numbers,
    }
    replaced = [[TABLET, 4], [OTHER, 1], [SERVER, 1]]
    made = edit(TABLET, 9, {PHONE: "0114 496 0002"}, replaced, base=3)
    yield valid(
        "proposal",
        "numbers and own counters become dots",
        **good,
        proposal=proposal([1, 3], [4]),
        edit=edit_bytes(made),
    )
    yield refused(
        "number-unknown",
        "a number that the record never gave out",
        Outcome.UNKNOWN_VERSION,
        **good,
        proposal=proposal([2], []),
    )
    for own in (9, 10):
        yield refused(
            f"own-{own}",
            "its own counter, or a later one",
            Outcome.UNKNOWN_VERSION,
            **good,
            proposal=proposal([1, 3], [4, own]),
        )


TOPIC = Topic("merge", "written down from the definition of live values", _cases)
