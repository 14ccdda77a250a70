"""Shields are looked at again: a list of those that stand, and a day for each (H9)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, child, stranger
from fieldward_server.services.events import list_events
from fieldward_server.services.records.merges import merge
from fieldward_server.services.records.shield_reviews import (
    StandingShield,
    list_shields,
    review_shield,
)
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.services.records.transfers import accept, offer
from fieldward_sync.errors import CallerMistake
from service_world import START, World

WHY: dict[str, Any] = {"authority": AUTHORITY, "actor": "jo", "reason": "court-order"}
LEEDS = "E08000035"
DAY_SECONDS = 24 * 3600


def shield(world: World, record: str, **changed: str) -> None:
    raise_shield(world.platform, record_id=record, now=world.now, **{**WHY, **changed})


def release(world: World, record: str) -> None:
    release_shield(world.platform, record_id=record, now=world.now, **WHY)


def review(world: World, record: str, *, again_by: int) -> None:
    review_shield(world.platform, record=record, again_by=again_by, now=world.now, **WHY)


def standing(world: World) -> list[str]:
    return [it.record_id for it in list_shields(world.platform, world.authority)]


def only(world: World) -> StandingShield:
    (found,) = list_shields(world.platform, AUTHORITY)
    return found


def test_it_says_since_when_each_stands_who_raised_it_and_why(world: World) -> None:
    world.load(stranger("a"), stranger("b", shield="raised"), stranger("c"))
    world.now += 60
    shield(world, "a")
    loaded, ordered = list_shields(world.platform, AUTHORITY)[::-1]
    assert (loaded.record_id, loaded.since, loaded.again_by) == ("b", START, 0)
    assert [(it.origin, it.administrator) for it in loaded.raises] == [("load", "test")]
    assert (ordered.record_id, ordered.since) == ("a", START + 60)
    assert [(it.administrator, it.basis) for it in ordered.raises] == [("jo", "court-order")]


def test_one_that_was_raised_twice_stands_since_the_first_and_shows_both(world: World) -> None:
    world.load(stranger("a"), stranger("b"))
    world.partition("everybody", "all")
    world.seal()
    device = world.device("everybody")
    device.sync()
    shield(world, "a")
    world.now += 60
    device.edit("a", "shield", "raised", shown=())
    found = only(world)
    assert found.since == START
    assert [(it.administrator, it.practitioner) for it in found.raises] == [
        ("jo", None),
        (None, "p-1"),
    ]


def test_a_raise_that_met_a_release_stands_alone(world: World) -> None:
    """Invariant 5: whoever raised it had not heard of the release."""
    world.load(stranger("a"))
    world.partition("everybody", "all")
    world.seal()
    device = world.device("everybody")
    device.sync()
    shield(world, "a")
    release(world, "a")
    world.now += 60
    device.edit("a", "shield", "raised", shown=())
    assert [(it.practitioner, it.received_at) for it in only(world).raises] == [("p-1", world.now)]


def test_pages_follow_each_other_to_the_end(world: World) -> None:
    world.load(*(stranger(f"r{n}", shield="raised") for n in range(5)), stranger("r9"))
    listed: list[str] = []
    while page := list_shields(
        world.platform, AUTHORITY, after=listed[-1] if listed else "", limit=2
    ):
        assert len(page) <= 2
        listed += [it.record_id for it in page]
    assert listed == [f"r{n}" for n in range(5)]


def test_a_review_is_on_record_and_the_next_one_takes_its_place(world: World) -> None:
    world.load(stranger("a", shield="raised"))
    assert only(world).reviewed_at == 0
    for days in (30, 90):
        world.now += DAY_SECONDS
        review(world, "a", again_by=world.now + days * DAY_SECONDS)
        found = only(world)
        assert (found.reviewed_at, found.reviewed_by) == (world.now, "jo")
        assert found.again_by == world.now + days * DAY_SECONDS
    reviews = [e for e in list_events(world.platform, AUTHORITY) if e.action == "shield-reviewed"]
    assert [(e.actor, e.subject, e.reason) for e in reviews] == [("jo", "a", "court-order")] * 2


def test_its_day_ends_no_shield(world: World) -> None:
    """H5: a shield that somebody forgot holds."""
    world.load(stranger("a", shield="raised"))
    review(world, "a", again_by=world.now + 1)
    world.now += 400 * DAY_SECONDS
    assert standing(world) == ["a"]
    assert world.view("a").shielded


def test_one_that_is_released_is_listed_no_more_and_raised_again_has_had_no_review(
    world: World,
) -> None:
    world.load(stranger("a", shield="raised"))
    review(world, "a", again_by=world.now + DAY_SECONDS)
    world.now += 60
    release(world, "a")
    assert standing(world) == []
    world.now += 60
    shield(world, "a")
    assert (only(world).since, only(world).reviewed_at, only(world).again_by) == (world.now, 0, 0)


@pytest.mark.parametrize(
    ("record", "seconds", "code"),
    [
        ("b", DAY_SECONDS, "not-shielded"),
        ("nobody", DAY_SECONDS, "unknown-record"),
        ("a", 0, "review-in-the-past"),
        ("a", -DAY_SECONDS, "review-in-the-past"),
    ],
)
def test_a_review_of_what_is_not_there_or_by_a_day_that_has_passed_is_refused(
    world: World, record: str, seconds: int, code: str
) -> None:
    world.load(stranger("a", shield="raised"), stranger("b"))
    with pytest.raises(CallerMistake) as refused:
        review(world, record, again_by=world.now + seconds)
    assert refused.value.code == code
    assert only(world).reviewed_at == 0


def test_a_record_that_goes_on_in_another_is_listed_as_that_one(world: World) -> None:
    world.load(child("old", shield="raised"), stranger("new"))
    merge(world.platform, record="old", into="new", now=world.now, **WHY)
    assert standing(world) == ["new"]
    with pytest.raises(CallerMistake, match="not-shielded"):
        review(world, "old", again_by=world.now + DAY_SECONDS)


def test_a_record_that_has_moved_is_listed_where_it_is(world: World) -> None:
    """Whoever takes it over has not looked at it yet, whatever the giver said."""
    leeds = world.neighbour(LEEDS)
    world.load(stranger("a", shield="raised"))
    review(world, "a", again_by=world.now + DAY_SECONDS)
    world.now = leeds.now = world.now + 60
    offer(world.platform, record="a", taker=LEEDS, now=world.now, **WHY)
    accept(
        world.platform,
        record="a",
        giver=AUTHORITY,
        now=world.now,
        **{**WHY, "authority": LEEDS},
    )
    assert standing(world) == []
    (there,) = list_shields(world.platform, LEEDS)
    assert (there.record_id, there.since, there.reviewed_at) == ("a", START, 0)
    with pytest.raises(CallerMistake, match="gone to another authority"):
        review(world, "a", again_by=world.now + DAY_SECONDS)
