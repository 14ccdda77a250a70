"""Records that may be of the same child: found by what ordinary readers see of them (P32)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, child
from fieldward_server.services.records.duplicates import (
    MAX_QUERIES,
    Duplicates,
    find_duplicates,
    queries_for,
)
from fieldward_server.services.records.shields import raise_shield
from fieldward_sync.errors import CallerMistake
from fieldward_sync.views import View, ViewValue
from service_world import World

MOTHER = {"family": "Okafor", "given": "Ngozi", "relation": "mother"}


def duplicates(world: World, record_id: str) -> Duplicates:
    return find_duplicates(world.platform, authority=AUTHORITY, record_id=record_id, now=world.now)


def likely(world: World, record_id: str) -> list[str]:
    return [hit.record_id for hit in duplicates(world, record_id).likely]


def numbered(record_id: str, number: str, **fields: object) -> dict[str, object]:
    made = child(record_id, nhs_number=number, **fields)
    del made["nhs_number_withheld"]
    return made


@pytest.mark.parametrize(
    "second",
    [
        {},
        {"name": {"family": "Okafor", "given": "Adah"}},
        {"name": {"family": "Ada", "given": "Okafor"}},
        {"born": "2021-04-03"},
        {"address": {"kind": "no-known-address"}},
        {"name": {"family": "Eze", "given": "Ada"}, "carers": {"m": MOTHER}},
    ],
    ids=["the same", "a slip", "names exchanged", "day and month", "moved", "family name"],
)
def test_a_child_who_was_entered_twice_is_found_from_either_record(
    world: World, second: dict[str, Any]
) -> None:
    world.load(
        child("first", carers={"m": MOTHER}),
        child("second", **second),
        child("other", name={"family": "Mensah", "given": "Kofi"}, born="2019-11-20"),
    )
    for one, other in (("first", "second"), ("second", "first")):
        found = duplicates(world, one)
        assert [hit.record_id for hit in found.likely] == [other]
        assert found.likely[0].agreement
        assert not found.too_many


def test_nobody_is_their_own_duplicate(world: World) -> None:
    world.load(child("first"))
    assert likely(world, "first") == []


def test_twins_with_numbers_of_their_own_are_less_alike_than_one_child_entered_twice(
    world: World,
) -> None:
    world.load(
        numbered("ada", "9434765919", name={"family": "Okafor", "given": "Ada"}),
        numbered("ada-again", "9434765919", name={"family": "Okafor", "given": "Adah"}),
        numbered("ife", "9434765870", name={"family": "Okafor", "given": "Ife"}),
    )
    assert likely(world, "ada")[0] == "ada-again"


def test_what_is_hidden_gives_nobody_away(world: World) -> None:
    """H2: neither of the record asked about, nor of the others."""
    world.load(
        numbered("first", "9434765919"),
        numbered("second", "9434765919", name={"family": "Bah", "given": "Mo"}, born="2019-01-01"),
    )
    assert likely(world, "first") == ["second"]
    raise_shield(
        world.platform,
        authority=AUTHORITY,
        record_id="second",
        actor="test",
        reason="court-order",
        now=world.now,
    )
    assert likely(world, "first") == []
    assert likely(world, "second") == []


def test_a_record_that_is_not_there_has_no_duplicates_to_tell(world: World) -> None:
    with pytest.raises(CallerMistake, match="unknown-record"):
        duplicates(world, "nobody")


def test_a_record_is_searched_for_under_each_value_in_conflict_but_not_without_end() -> None:
    values = [
        *(ViewValue("born", n, f"2021-03-{n:02}") for n in range(1, 8)),
        *(ViewValue("name.family", n, f"Okafor{n}") for n in range(1, 8)),
        ViewValue("name.given", 1, "Ada"),
    ]
    asked = list(queries_for(View("c1", 9, False, tuple(values))))
    assert len({(query.born, query.family) for query in asked}) == len(asked) == 49
    assert MAX_QUERIES < 49
