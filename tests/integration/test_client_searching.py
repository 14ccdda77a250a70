"""Searching on a device: what it answers, and that each list is on record before it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client_world import World
from fieldward_client import Answer, CallerMistake, Device, LocalDataDamaged
from fieldward_client.logs.journal import Journal
from fieldward_sync.journal import LookUp
from fieldward_sync.matching.ranking import MAX_HITS
from fieldward_sync.names import QUERY_ID_BYTES


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    return world.ready()


def on_record(world: World, tablet: Device) -> list[LookUp]:
    """The look-ups that the authority has, once the device has delivered them."""
    tablet.sync()
    return list(world.authority.look_ups("d-1"))


def crowd(world: World, count: int) -> None:
    """So many of one family name in the partition West."""
    names = [f"r-{number}" for number in range(count)]
    for number, record_id in enumerate(names):
        world.authority.set_fields(
            record_id,
            {
                "name.family": "Smith",
                "name.given": f"Given{chr(97 + number % 26)}{chr(97 + number // 26)}",
                "born": f"2015-{number % 12 + 1:02}-{number % 28 + 1:02}",
                "sex": "female",
            },
        )
    world.authority.partition("p-crowd", *names, title="Crowd")


def test_nobody_here_is_another_answer_than_nobody_at_all(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        hits = session.search(family="Nowak")
    assert (len(hits), hits.answer) == (0, Answer.NOT_ON_THIS_DEVICE)


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"surname": "Okafor"}, "unknown-term"),
        ({"age": 5}, "not-text"),
        ({"family": "Okafor\udce9"}, "not-text"),  # what a terminal makes of an é in Latin-1
    ],
)
def test_a_term_that_a_search_does_not_take_is_the_callers_mistake(
    terms: dict[str, Any], code: str, tablet: Device
) -> None:
    with tablet.session("clinic") as session:
        for find in (session.search, session.enquire):
            with pytest.raises(CallerMistake, match=code):
                find(**terms)


def test_a_hit_says_why_it_is_one(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        hits = session.search(family="Okafer", given="Ada", born="14/3/2021", postcode="RM10 8XY")
    assert hits.answer is Answer.SHOWN
    assert dict(hits[0].agreement) == {
        "family": "sounds-alike",
        "given": "exact",
        "born": "exact",
        "postcode": "one-slip",
    }


def test_what_an_app_may_log_by_mistake_names_nobody(tablet: Device) -> None:
    """A list, an entry, an edit that waits: a traceback or a log line shows them by ``repr``."""
    with tablet.session("clinic") as session:
        hits = session.search(family="Okafor", given="Ada")
        ada = session.open(hits[0].record_id)
        ada.edit("name.given", "Adaeze")
        (pending,) = tablet.pending()
        shown = " ".join(map(repr, (hits, hits[0], ada, pending, session, tablet)))
    assert pending.changes == {"name.given": "Adaeze"}
    for value in ("Ada", "Okafor", "2021-03-14", "RM10"):
        assert value not in shown


def test_where_too_many_fit_nothing_is_listed_and_it_says_what_to_add(world: World) -> None:
    crowd(world, MAX_HITS + 1)
    tablet = world.ready("tablet", "p-crowd")
    with tablet.session("clinic") as session:
        hits = session.search(family="Smith")
        assert (len(hits), hits.answer) == (0, Answer.TOO_MANY)
        assert hits.add[:2] == ("given", "born")
        assert session.search(family="Smith", born="2015-01-01")[0].record_id == "r-0"
    looked = on_record(world, tablet)[0]
    assert (looked.outcome, looked.records) == ("too-many", ())


def test_lists_shown_while_typing_are_each_on_record_under_one_query(
    world: World, tablet: Device
) -> None:
    with tablet.session("clinic") as session:
        typing = session.type_ahead()
        shown = [[hit.record_id for hit in typing.list(typed)] for typed in ("ok", "oka a", "okx")]
        assert shown == [["r-ada"], ["r-ada"], []]
        session.open("r-ada")
        again = session.type_ahead()
        again.list("whi")
    *lists, opened, other = on_record(world, tablet)
    assert [entry.terms for entry in lists] == [
        {"beginning": typed} for typed in ("ok", "oka a", "okx")
    ]
    assert [list(entry.records) for entry in lists] == shown
    (query,) = {entry.query for entry in lists}
    assert len(query) == QUERY_ID_BYTES
    assert opened.query == query
    assert other.query != query


def test_one_letter_is_too_little_to_list_anybody_by(world: World, tablet: Device) -> None:
    with tablet.session("clinic") as session, pytest.raises(CallerMistake, match="too-short"):
        session.type_ahead().list("o")
    assert on_record(world, tablet) == []


def test_each_search_is_a_query_of_its_own_and_an_opened_record_names_it(
    world: World, tablet: Device
) -> None:
    with tablet.session("clinic") as session:
        session.search(family="Okafor")
        session.search(family="Okafor", given="Ada")
        session.open("r-ada")
        session.open("r-ben")
    first, second, found, by_id = on_record(world, tablet)
    assert len({first.query, second.query}) == 2
    assert found.query == second.query
    assert by_id.query == b""


def test_a_list_that_cannot_be_put_on_record_is_not_shown(
    tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 2, for each list of a type-ahead."""

    def fail(*_: object, **__: object) -> None:
        raise LocalDataDamaged("disk-full", "The disk is full.")

    with tablet.session("clinic") as session:
        typing = session.type_ahead()
        assert len(typing.list("ok")) == 1
        monkeypatch.setattr(Journal, "write", fail)
        with pytest.raises(LocalDataDamaged):
            typing.list("oka")
        with pytest.raises(LocalDataDamaged):
            session.search(family="Okafor")


def test_an_age_is_counted_on_the_day_that_the_trusted_clock_says(
    world: World, tablet: Device
) -> None:
    """P33."""
    with tablet.session("clinic") as session:
        assert session.search(family="Okafor", age="5")[0].agreement["age"] == "exact"
        world.clock.advance(days=58)  # it is the 14th of March
    tablet.sync()
    with tablet.session("clinic") as session:
        assert session.search(family="Okafor", age="6")[0].agreement["age"] == "exact"


def test_what_one_has_typed_oneself_is_found_at_once(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        session.open("r-ada").edit("name.family", "Adeyemi")
        (hit,) = session.search(family="Adeyemi", given="Ada")
        assert (hit.record_id, hit.pending) == ("r-ada", True)
        assert [each.record_id for each in session.type_ahead().list("adey")] == ["r-ada"]
