"""What may be of the same child as a shielded record is shielded too (H5, ContactPoint's flaw)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, child, stranger
from fieldward_server.services.records.reading import record_history
from fieldward_server.services.records.shields import (
    confirm_likeness,
    list_likenesses,
    raise_shield,
    release_likeness,
    release_shield,
)
from fieldward_sync.errors import CallerMistake
from service_world import World

WHY: dict[str, Any] = {"authority": AUTHORITY, "actor": "jo", "reason": "checked"}
SWAPPED = {"name": {"family": "Ada", "given": "Okafor"}}
MOTHER = {"m": {"family": "Eze", "given": "Ngozi", "relation": "mother"}}
ALIKE = {
    "the same": {},
    "a slip in the name": {"name": {"family": "Okafor", "given": "Adah"}},
    "a slip in the date": {"born": "2021-03-05"},
    "day and month exchanged": {"born": "2021-04-03"},
    "names exchanged": SWAPPED,
    "another family name, the same carer": {
        "name": {"family": "Eze", "given": "Ada"},
        "carers": MOTHER,
    },
    "another family name, day and month exchanged": {
        "name": {"family": "Eze", "given": "Ada"},
        "carers": MOTHER,
        "born": "2021-04-03",
    },
}


def shield(world: World, record: str) -> None:
    raise_shield(world.platform, record_id=record, now=world.now, **WHY)


def release(world: World, record: str) -> None:
    release_shield(world.platform, record_id=record, now=world.now, **WHY)


def different(world: World, record: str, like: str) -> None:
    release_likeness(world.platform, record=record, like=like, now=world.now, **WHY)


def shielded(world: World, *records: str) -> set[str]:
    return {record for record in records if world.view(record).shielded}


def waiting(world: World) -> list[tuple[str, str]]:
    return [(it.record_id, it.like_id) for it in list_likenesses(world.platform, AUTHORITY)]


@pytest.mark.usefixtures("written_ahead")
@pytest.mark.parametrize("second", ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("order", ["shielded first", "shielded last", "one file", "raised later"])
def test_a_duplicate_of_a_shielded_record_is_shielded_whichever_comes_first(
    world: World, order: str, second: dict[str, Any]
) -> None:
    world.partition("everybody", "all", "sector:M14 5")
    first = child("first", shield="raised", carers=MOTHER)
    if order == "shielded first":
        world.load(first)
        world.load(child("second", **second))
    elif order == "shielded last":
        world.load(child("second", **second))
        world.load(first)
    elif order == "one file":
        world.load(child("second", **second), first)
    else:
        world.load(child("first", carers=MOTHER), child("second", **second))
        shield(world, "first")
    assert shielded(world, "first", "second") == {"first", "second"}
    assert not world.view("second").at("address")
    assert waiting(world) == [("second", "first")]
    assert not world.misfiled()
    history = record_history(world.platform, authority=AUTHORITY, record_id="second")
    assert [c.value for c in history.edits[-1].changes] == ["raised"]
    assert history.edits[-1].origin == "server"


def test_children_who_are_unlike_are_left_alone(world: World) -> None:
    world.load(child("first", shield="raised"), *(stranger(f"c{n}") for n in range(50)))
    world.load(
        child("sibling", born="2018-07-21", name={"family": "Okafor", "given": "Chidi"}),
        child("namesake", born="2011-11-30"),
        child("same-day", name={"family": "Mensah", "given": "Kofi"}, sex="male"),
    )
    assert shielded(world, "sibling", "namesake", "same-day") == set()
    assert waiting(world) == []


def test_nothing_that_a_shield_hides_counts(world: World) -> None:
    """H2: else whoever loads a record would learn whose number a shielded child has."""
    number = {"nhs_number": "9434765919", "nhs_number_withheld": None}
    same = {k: v for k, v in stranger("b", **number).items() if v is not None}
    world.load({k: v for k, v in child("a", **number, shield="raised").items() if v is not None})
    world.load(same)
    assert shielded(world, "a", "b") == {"a"}


def test_an_edit_that_makes_a_record_like_a_shielded_one_shields_it_before_it_is_sealed(
    world: World,
) -> None:
    world.load(child("first", shield="raised"), child("second", born="2019-11-11"))
    world.partition("everybody", "all")
    world.seal()
    before = world.stored_partition("everybody")
    device = world.device("everybody")
    device.sync()
    assert device.contents("everybody")["second"].at("address")
    assert device.edit("second", "born", "2021-03-04").outcome == "merged"
    assert shielded(world, "second") == {"second"}
    assert world.stored_partition("everybody").key_epoch == before.key_epoch + 1  # it was shown
    world.seal()
    device.sync()
    assert not device.contents("everybody")["second"].at("address")


@pytest.mark.usefixtures("written_ahead")
def test_a_record_that_is_shielded_as_it_is_made_was_never_shown_and_costs_no_key_epoch(
    world: World,
) -> None:
    world.load(child("first", shield="raised"))
    world.partition("everybody", "all")
    world.seal()
    before = world.stored_partition("everybody")
    world.load(child("second"))
    after = world.stored_partition("everybody")
    assert (after.key_epoch, after.redaction_feed) == (before.key_epoch, before.redaction_feed)
    assert after.records == 2


@pytest.mark.usefixtures("written_ahead")
def test_what_is_like_one_that_was_shielded_for_likeness_is_shielded_too(world: World) -> None:
    world.load(
        child("first", born="2021-03-14"), child("second"), child("third", born="2021-04-03")
    )
    shield(world, "first")
    assert shielded(world, "first", "second", "third") == {"first", "second", "third"}
    assert waiting(world) == [("second", "first"), ("third", "second")]


def test_a_person_says_that_it_is_another_child_and_it_is_never_held_for_that_again(
    world: World,
) -> None:
    world.load(child("first", shield="raised"))
    world.load(child("second"))
    different(world, "second", "first")
    assert (shielded(world, "second"), waiting(world)) == (set(), [])
    world.load(child("second", sex="male"), child("second"))
    shield(world, "first")
    assert shielded(world, "second") == set()
    with pytest.raises(CallerMistake, match="already-decided"):
        different(world, "second", "first")
    with pytest.raises(CallerMistake, match="unknown-likeness"):
        different(world, "first", "second")


@pytest.mark.parametrize("who", ["a file", "the office", "a device", "a device that was shown it"])
def test_a_release_names_the_raise_and_any_other_holds(world: World, who: str) -> None:
    """H5: whoever shields a child who is held already says something that nobody has said."""
    world.load(child("first", shield="raised"))
    world.load(child("second"))
    if who == "a file":
        world.load(child("second", shield="raised"))
    elif who == "the office":
        shield(world, "second")
    else:
        world.partition("everybody", "all")
        world.seal()
        device = world.device("everybody")
        device.sync()
        device.edit("second", "shield", "raised", shown=() if who == "a device" else None)
    different(world, "second", "first")
    assert shielded(world, "second") == {"second"}
    release(world, "second")
    assert shielded(world, "second") == set()


def test_what_somebody_has_shielded_is_not_shielded_again(world: World) -> None:
    for _ in range(2):
        world.load(child("first", shield="raised"))
        shield(world, "first")
    assert world.revision("first") == 1


def test_what_is_confirmed_stays_and_holds_the_other_as_well(world: World) -> None:
    world.load(child("first", shield="raised"))
    world.load(child("second"))
    confirm_likeness(world.platform, record="second", like="first", now=world.now, **WHY)
    assert (shielded(world, "second"), waiting(world)) == ({"second"}, [])
    release(world, "first")  # the same child is still shielded in the other record
    assert shielded(world, "first") == {"first"}
    assert waiting(world) == [("first", "second")]


def test_what_was_confirmed_and_is_released_beside_the_other_waits_again(world: World) -> None:
    world.load(child("first", shield="raised"))
    world.load(child("second"))
    confirm_likeness(world.platform, record="second", like="first", now=world.now, **WHY)
    release(world, "second")
    assert shielded(world, "second") == {"second"}
    assert waiting(world) == [("second", "first")]


def test_whoever_releases_the_first_is_not_stopped_by_what_was_held_for_it(world: World) -> None:
    world.load(child("first", shield="raised"))
    world.load(child("second"))
    release(world, "first")
    assert shielded(world, "first", "second") == {"second"}
    (pending,) = list_likenesses(world.platform, AUTHORITY)
    assert not pending.like_is_shielded
    release(world, "second")
    assert (shielded(world, "first", "second"), waiting(world)) == (set(), [])


def test_a_release_beside_a_shielded_duplicate_nobody_has_judged_is_held_again(
    world: World,
) -> None:
    world.load(child("first", shield="raised"), child("second", shield="raised"))
    assert waiting(world) == []
    release(world, "second")
    assert shielded(world, "second") == {"second"}
    assert waiting(world) == [("second", "first")]
    different(world, "second", "first")
    assert shielded(world, "first", "second") == {"first"}


def test_what_waits_is_listed_page_by_page(world: World) -> None:
    world.load(child("a", shield="raised"))
    world.load(child("b"), child("c"))
    (first,) = list_likenesses(world.platform, AUTHORITY, limit=1)
    (second,) = list_likenesses(world.platform, AUTHORITY, limit=1, after=first.record_id)
    assert (first.record_id, second.record_id) == ("b", "c")
    assert list_likenesses(world.platform, AUTHORITY, after="c") == ()
