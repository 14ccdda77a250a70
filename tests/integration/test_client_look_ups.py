"""How many look-ups a lease allows: counted in the journal, refused beyond, renewed by a sync."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from client_world import PHONE, World
from fieldward_client import AccessClosed, CallerMistake, Device, SyncOutcome
from fieldward_client.logs import journal
from fieldward_sync.access import Access
from fieldward_sync.matching.ranking import MAX_HITS

ALLOWED = 4


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.authority.terms = replace(made.authority.terms, look_ups=ALLOWED)
    return made


@pytest.fixture
def tablet(world: World) -> Device:
    return world.ready()


def left(device: Device) -> int:
    lease = device.status().lease
    assert lease is not None
    assert lease.look_ups == ALLOWED
    return lease.look_ups_left


def use_up(device: Device) -> None:
    with device.session("clinic") as session:
        for _ in range(left(device)):
            session.open("r-ada")


def refused(device: Device) -> None:
    with device.session("clinic") as session:
        for look_up in (
            lambda: session.search(family="Okafor"),
            lambda: session.type_ahead().list("oka"),
            lambda: session.open("r-ada"),
            lambda: session.open("r-none"),
        ):
            with pytest.raises(AccessClosed) as closed:
                look_up()
            assert closed.value.code == "look-ups-used-up"
            assert "sync" in closed.value.next_step


def test_a_search_and_an_opening_cost_one_each_whatever_they_find(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        session.search(family="Okafor")
        assert left(tablet) == 3
        session.open("r-ada")  # found by the search, and counted all the same
        assert left(tablet) == 2
        session.search(family="Nobody")
        assert left(tablet) == 1
        with pytest.raises(CallerMistake, match="not-held"):
            session.open("r-none")
        assert left(tablet) == 0


def test_what_is_typed_costs_one_however_many_lists_it_shows(world: World, tablet: Device) -> None:
    with tablet.session("clinic") as session:
        typing = session.type_ahead()
        for typed in ("ok", "oka", "okaf", "xx", "whi"):
            typing.list(typed)
        assert left(tablet) == 3
        session.type_ahead().list("ok")
    assert left(tablet) == 2
    tablet.sync()
    assert len(world.authority.look_ups("d-1")) == 6, "each list is on record all the same"


def test_one_query_typed_over_and_over_does_not_list_all_that_is_held(world: World) -> None:
    children = [f"r-{letter}{number}" for letter in "abcdefgh" for number in range(MAX_HITS)]
    for record_id in children:
        given = f"Given{chr(97 + int(record_id[3:]))}"
        family = f"{record_id[2].upper()}lderson"
        world.authority.set_fields(
            record_id, {"name.family": family, "name.given": given, "born": "2015-01-01"}
        )
    world.authority.partition("p-crowd", *children, title="Crowd")
    shown = set[str]()
    with world.ready("tablet", "p-crowd").session("clinic") as session:
        typing = session.type_ahead()
        for letter in "abcd":
            shown |= {hit.record_id for hit in typing.list(f"{letter}lderson")}
        with pytest.raises(AccessClosed, match="look-ups-used-up"):
            typing.list("elderson")
    assert len(shown) == ALLOWED * MAX_HITS


def test_beyond_them_nothing_is_shown_and_the_refusal_is_on_record(  # U1
    world: World, tablet: Device
) -> None:
    use_up(tablet)
    refused(tablet)
    assert left(tablet) == 0
    tablet.sync()
    logged = world.authority.look_ups("d-1")[ALLOWED:]
    assert [(each.action, each.outcome, each.terms, each.records) for each in logged] == [
        ("search", "refused", {"family": "Okafor"}, ()),
        ("search", "refused", {"beginning": "oka"}, ()),
        ("open", "refused", {}, ("r-ada",)),
        ("open", "refused", {}, ("r-none",)),
    ]


def test_a_list_that_is_being_typed_goes_on_when_the_rest_is_used_up(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        typing = session.type_ahead()
        typing.list("ok")
        use_up(tablet)
        assert [hit.record_id for hit in typing.list("oka")] == ["r-ada"]
    refused(tablet)


def test_refused_look_ups_cost_nothing(world: World, tablet: Device) -> None:
    world.known(tablet).access = Access.PAUSED
    tablet.sync()
    with tablet.session("clinic") as session:
        for _ in range(2 * ALLOWED):
            with pytest.raises(AccessClosed, match="access-paused"):
                session.open("r-ada")
    assert left(tablet) == ALLOWED


@pytest.mark.parametrize("end", ["closed", "killed"])
def test_no_restart_gives_look_ups_back(world: World, tablet: Device, end: str) -> None:
    with tablet.session("clinic") as session:
        session.search(family="Okafor")
        session.open("r-ada")
    if end == "closed":
        tablet.close()
        again = world.open()
    else:
        shutil.copytree(world.home(), world.home("as-it-was"))
        again = world.open("as-it-was")
    assert left(again) == ALLOWED - 2
    use_up(again)
    refused(again)
    again.close()
    with world.open("tablet" if end == "closed" else "as-it-was", None) as locked:
        assert left(locked) == 0


def test_a_sync_renews_them_and_the_journal_is_with_the_server_first(
    world: World, tablet: Device
) -> None:
    use_up(tablet)
    refused(tablet)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert len(world.authority.look_ups("d-1")) == ALLOWED + 4
    assert left(tablet) == ALLOWED
    with tablet.session("clinic") as session:
        session.open("r-ada")
    assert left(tablet) == ALLOWED - 1


def test_a_sync_that_renews_nothing_gives_none_back(world: World, tablet: Device) -> None:
    use_up(tablet)
    world.authority.lease_refused = "vetting-over"
    assert tablet.sync().outcome is SyncOutcome.PARTIAL
    assert left(tablet) == 0
    refused(tablet)


def test_letting_go_of_what_is_delivered_gives_none_back(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("KEPT_BYTES", "MOST_BYTES"):
        monkeypatch.setattr(journal, bound, 100)
    use_up(tablet)
    world.authority.lease_refused = "vetting-over"
    tablet.sync()
    tablet.close()
    with world.open() as again:
        assert again.status().look_ups == again.status().look_ups_delivered == ALLOWED
        assert left(again) == 0
        refused(again)


def test_a_refusal_without_a_lease_does_not_begin_the_count_anew(
    world: World, tablet: Device
) -> None:
    use_up(tablet)
    tablet.close()
    stored = next(world.home().glob("practitioners/*/lease"))
    kept = stored.read_bytes()
    stored.write_bytes(kept[:-1])
    with (
        world.open() as damaged,
        damaged.session("clinic") as session,
        pytest.raises(AccessClosed, match="no-lease"),
    ):
        session.open("r-ada")
    stored.write_bytes(kept)
    with world.open() as again:
        assert left(again) == 0


def test_an_edit_of_what_is_open_costs_none(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        child = session.open("r-ada")
        use_up(tablet)
        child.edit(PHONE, "07700 900111")
    assert tablet.status().pending_edits == 1


def test_each_device_has_look_ups_of_its_own(world: World, tablet: Device) -> None:
    use_up(tablet)
    assert left(world.ready("other")) == ALLOWED
