"""A day in the field: look up, open, edit, disagree, settle; with and without signal."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client_world import ADA, PASSPHRASE, PHONE, World
from fieldward_client import AccessClosed, CallerMistake, Device, RetryLater, SyncOutcome, Value


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    return world.ready()


def phone(device: Device) -> object:
    with device.session("clinic") as session:
        return session.open("r-ada")[PHONE]


# --- Looking up ---------------------------------------------------------------------------------


def test_a_child_is_found_by_a_half_remembered_name_without_signal(
    world: World, tablet: Device
) -> None:
    world.authority.offline = True
    with tablet.session("home-visit") as session:
        (hit,) = session.search(family="Okafr", born="2021-03")
        assert (hit.record_id, hit.family, hit.given) == ("r-ada", "Okafor", "Ada")
        assert (hit.born, hit.postcode_district) == ("2021-03-14", "RM10")
        assert (hit.partition, hit.as_at, hit.stale) == ("West", world.clock.true_time, False)
        assert hit.agreement == {"family": "sounds-alike", "born": "exact"}
        child = session.open(hit.record_id)
        assert dict(child.values) == ADA
        assert child.conflicts == {}
        for terms in ({"nhs_number": "943 476 5919"}, {"postcode": "rm10"}, {"given": "ada"}):
            assert [found.record_id for found in session.search(**terms)] == ["r-ada"]


def test_every_look_up_is_on_record_with_its_terms_and_results(  # U1, U2, A3
    world: World, tablet: Device
) -> None:
    with tablet.session("safeguarding", on_behalf_of="p-manager") as session:
        session.search(family="Okafor", given="Ada")
        session.search(family="Nobody")
        session.open("r-ben")
        with pytest.raises(CallerMistake, match="not-held"):
            session.open("r-elsewhere")
    world.clock.advance(seconds=30)
    with tablet.session("clinic") as session:
        session.open("r-ada")
    assert tablet.sync().look_ups_sent == 5
    logged = world.authority.look_ups("d-1")
    assert [(e.action, e.outcome, e.records) for e in logged] == [
        ("search", "shown", ("r-ada",)),
        ("search", "nothing", ()),
        ("open", "shown", ("r-ben",)),
        ("open", "nothing", ("r-elsewhere",)),
        ("open", "shown", ("r-ada",)),
    ]
    assert logged[0].terms == {"family": "Okafor", "given": "Ada"}
    assert set(logged[4].fields) == set(ADA)
    assert {(e.practitioner, e.on_behalf_of, e.reason) for e in logged[:4]} == {
        ("p-tablet", "p-manager", "safeguarding")
    }
    assert (logged[4].on_behalf_of, logged[4].at) == (None, world.clock.true_time)


def test_a_record_with_very_many_fields_is_logged_in_full(world: World) -> None:
    fields = {
        f"involvements/m{n}.{field}": value
        for n in range(100)
        for field, value in (("service", "portage"), ("since", "2024-01-01"), ("role", "dietitian"))
    }
    world.authority.set_fields("r-ada", fields)
    world.authority.publish_all()
    tablet = world.ready()
    with tablet.session("clinic") as session:
        shown = set(session.open("r-ada").fields)
    tablet.sync()
    logged = world.authority.look_ups("d-1")
    assert len(logged) == 2
    assert {path for entry in logged for path in entry.fields} == shown > set(fields)


def test_what_makes_no_look_up_is_a_callers_mistake(tablet: Device) -> None:  # U2
    with pytest.raises(CallerMistake, match="reason-unknown"):
        tablet.session("curiosity")
    with pytest.raises(CallerMistake, match="practitioner-id"):
        tablet.session("clinic", on_behalf_of="Ms. Smith")
    with tablet.session("clinic") as session:
        with pytest.raises(CallerMistake, match="search-empty"):
            session.search()
        with pytest.raises(CallerMistake, match="record-id"):
            session.open("Ada Okafor")
    with pytest.raises(CallerMistake, match="session-over"):
        session.search(family="Okafor")
    assert tablet.status().look_ups == 0


def test_what_says_who_a_child_is_stays_out_of_reprs(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        hits = session.search(family="Okafor")
        child = session.open("r-ada")
        child.edit(PHONE, "07700 900123")
    words = f"{hits!r} {child!r} {tablet.pending()!r} {tablet!r} {session!r}"
    assert "r-ada" in words
    assert not any(secret in words for secret in ("Okafor", "Ada", "2021", "RM10", "07700"))


def test_two_records_of_the_same_child_in_two_partitions_are_one_at_the_higher_revision(
    world: World,
) -> None:
    world.authority.partition("p-east", "r-ada", title="East")
    world.authority.set_fields("r-ada", {"name.family": "Newname"})
    world.authority.publish("p-east")
    tablet = world.ready("tablet", "p-west", "p-east")
    with tablet.session("clinic") as session:
        assert not session.search(family="Okafor")
        (hit,) = session.search(family="Newname")
        assert hit.partition == "East"


def test_a_copy_that_has_not_been_confirmed_for_a_day_is_marked_stale(
    world: World, tablet: Device
) -> None:
    world.clock.advance(hours=25)
    with tablet.session("clinic") as session:
        assert session.search(family="Okafor")[0].stale
    tablet.sync()
    with tablet.session("clinic") as session:
        assert not session.search(family="Okafor")[0].stale


# --- Editing ------------------------------------------------------------------------------------


def test_an_edit_stands_over_the_view_until_it_comes_back(world: World, tablet: Device) -> None:
    world.authority.offline = True
    with tablet.session("home-visit") as session:
        child = session.open("r-ada")
        child.edit(PHONE, "07700 900123")
        assert child[PHONE] == "07700 900123"
        assert child.pending == {PHONE}
    assert tablet.sync().outcome is SyncOutcome.OFFLINE
    (pending,) = tablet.pending()
    assert (pending.state, pending.record_id) == ("unsent", "r-ada")
    assert pending.changes == {PHONE: "07700 900123"}
    world.authority.offline = False
    report = tablet.sync()
    assert [(v.counter, v.outcome) for v in report.verdicts] == [(1, "merged")]
    assert tablet.pending() == ()
    with tablet.session("clinic") as session:
        assert session.open("r-ada").pending == {PHONE}, "merged, but not in the copy yet"
    world.authority.publish_all()
    assert tablet.sync().updated == ("West",)
    with tablet.session("clinic") as session:
        child = session.open("r-ada")
        assert (child[PHONE], child.pending) == ("07700 900123", frozenset())


def test_an_edit_can_be_searched_for_before_it_is_sent(tablet: Device) -> None:
    with tablet.session("record-correction") as session:
        session.open("r-ben").edit("name.family", "Zephyr")
        (hit,) = session.search(family="Zephyr")
        assert (hit.record_id, hit.pending) == ("r-ben", True)
        assert not session.search(family="Whitcombe")


def test_edits_outlive_the_process(world: World, tablet: Device) -> None:
    with tablet.session("home-visit") as session:
        child = session.open("r-ada")
        child.edit(PHONE, "07700 900111")
        child.edit(PHONE, "07700 900222")
    tablet.close()
    tablet = world.open()
    with tablet.session("home-visit") as session:
        child = session.open("r-ada")
        child.edit(PHONE, "07700 900333")
    assert [edit.counter for edit in tablet.pending()] == [1, 2, 3]
    assert [v.outcome for v in tablet.sync().verdicts] == ["merged"] * 3
    assert world.authority.value("r-ada", PHONE) == "07700 900333"


def test_fields_that_belong_together_are_accepted_together(world: World, tablet: Device) -> None:
    with tablet.session("new-birth") as session:
        child = session.open("r-ben")
        with pytest.raises(CallerMistake, match="invalid-edit"):
            child.edit("involvements/n1.role", "school-nurse")
        with pytest.raises(CallerMistake, match="invalid-value"):
            child.edit_together({"sex": "male", "born": "yesterday"})
        child.edit_together(
            {"involvements/n1.service": "school-nursing", "involvements/n1.since": "2025-09-01"}
        )
    assert tablet.sync().edits_sent == 1
    assert world.authority.value("r-ben", "involvements/n1.since") == "2025-09-01"
    assert world.authority.value("r-ben", "sex") == "male"


def test_an_edit_that_the_server_could_not_read_is_refused_here_already(
    world: World, tablet: Device
) -> None:
    """One was accepted, waited for ever without a verdict, and opened an incident."""
    with tablet.session("record-correction") as session:
        child = session.open("r-ada")
        with pytest.raises(CallerMistake, match="edit-empty"):
            child.edit_together({})
        with pytest.raises(CallerMistake, match="edit-too-large"):
            child.edit_together(involved(33))
        child.edit_together(involved(32))
    assert [v.outcome for v in tablet.sync().verdicts] == ["merged"]
    assert tablet.pending() == ()


def involved(people: int) -> dict[str, Value]:
    """Two fields of each of so many people who are involved with a child."""
    fields = {"service": "school-nursing", "since": "2025-09-01"}
    return {f"involvements/n{n}.{name}": fields[name] for n in range(people) for name in fields}


def test_what_only_the_server_sets_is_refused_here_already(tablet: Device) -> None:
    with tablet.session("record-correction") as session:
        child = session.open("r-ada")
        with pytest.raises(CallerMistake, match="server-only"):
            child.edit("nhs_number", "9434765870")
        with pytest.raises(CallerMistake, match="unknown-field"):
            child.edit("notes", "free text")
        with pytest.raises(CallerMistake, match="no-value"):
            child["gp.name"]
        assert child.get("gp.name") is None
    assert tablet.pending() == ()


def test_whoever_takes_an_entry_for_a_list_is_told_that_it_is_none(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        child: Any = session.open("r-ada")
        with pytest.raises(TypeError, match="'Child' is not iterable"):
            assert "gp.name" in child
        assert "name.given" in child.values


def test_a_refused_edit_is_kept_and_shown_with_its_reason(world: World, tablet: Device) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ben").edit("sex", "not-specified")
        session.open("r-ada").edit(PHONE, "07700 900123")
    world.authority.remove("p-west", "r-ben")
    world.authority.publish_all()
    report = tablet.sync()
    assert [(v.outcome, v.code) for v in report.verdicts] == [
        ("refused", "out-of-scope"),
        ("merged", ""),
    ]
    (refused,) = tablet.pending()
    assert (refused.state, refused.code) == ("refused", "out-of-scope")
    assert refused.changes == {"sex": "not-specified"}
    assert (tablet.status().pending_edits, tablet.status().refused_edits) == (0, 1)
    tablet.sync()
    assert [proposal.record_id for proposal, _ in world.authority.inbox] == ["r-ben"]


# --- Disagreeing --------------------------------------------------------------------------------


def in_conflict(world: World) -> tuple[Device, Device]:
    """Two devices that changed the same phone number without having seen each other's."""
    one, two = world.ready("one"), world.ready("two")
    for device, number in ((one, "07700 900111"), (two, "07700 900222")):
        with device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, number)
    assert [v.outcome for v in one.sync().verdicts] == ["merged"]
    assert [v.outcome for v in two.sync().verdicts] == ["conflict"]
    world.authority.publish_all()
    assert one.sync().outcome is two.sync().outcome is SyncOutcome.COMPLETE
    return one, two


def test_a_conflict_shows_on_both_and_one_person_settles_it(world: World) -> None:  # P21
    one, two = in_conflict(world)
    for device in (one, two):
        assert device.status().conflicts == 1
        with device.session("clinic") as session:
            assert session.search(family="Okafor")[0].conflicts == (PHONE,)
            child = session.open("r-ada")
            assert set(child.conflicts[PHONE]) == {"07700 900111", "07700 900222"}
            assert PHONE not in child.values
    with one.session("supervision") as session:
        child = session.open("r-ada")
        child.settle(PHONE, "07700 900222")
        assert child[PHONE] == "07700 900222"
    assert one.status().conflicts == 0
    assert [v.outcome for v in one.sync().verdicts] == ["merged"]
    world.authority.publish_all()
    two.sync()
    assert phone(two) == "07700 900222"
    assert two.status().conflicts == 0


def test_nothing_is_chosen_for_anybody(world: World) -> None:
    """P24: neither reading nor editing picks one of the values."""
    one, _ = in_conflict(world)
    with one.session("clinic") as session:
        child = session.open("r-ada")
        with pytest.raises(CallerMistake, match="in-conflict"):
            child[PHONE]
        with pytest.raises(CallerMistake, match="in-conflict"):
            child.get(PHONE)
        with pytest.raises(CallerMistake, match="in-conflict"):
            child.edit(PHONE, "07700 900333")
        with pytest.raises(CallerMistake, match="not-in-conflict"):
            child.settle("sex", "male")
    assert one.pending() == ()


def test_what_arrived_while_an_edit_was_typed_is_not_replaced(world: World, tablet: Device) -> None:
    with tablet.session("home-visit") as session:
        child = session.open("r-ada")
        world.authority.set_fields("r-ada", {PHONE: "07700 900999"})
        world.authority.publish_all()
        tablet.sync()
        child.edit(PHONE, "07700 900123")
    assert tablet.status().conflicts == 1
    assert [v.outcome for v in tablet.sync().verdicts] == ["conflict"]


# --- Opening and locking ------------------------------------------------------------------------


def test_a_locked_device_delivers_and_shows_nothing(world: World, tablet: Device) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    tablet.close()
    with world.open(passphrase=None) as locked:
        with pytest.raises(AccessClosed, match="locked"):
            locked.session("clinic")
        (pending,) = locked.pending()
        assert (pending.record_id, pending.changes, pending.state) == (None, None, "unsent")
        status = locked.status()
        assert (status.locked, status.conflicts, status.pending_edits) == (True, None, 1)
        assert status.lease is not None
        assert [partition.title for partition in status.partitions] == ["West"]
        report = locked.sync()
        assert (report.outcome, report.edits_sent, report.look_ups_sent) == (
            SyncOutcome.DELIVERED,
            1,
            1,
        )
        assert world.authority.devices["d-1"].requests[-1].next_hpke_key is None
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_one_process_at_a_time(world: World, tablet: Device) -> None:
    with pytest.raises(RetryLater, match=r"in this program or in another.*folder-in-use"):
        world.open()
    with pytest.raises(RetryLater, match=r"in this program or in another.*folder-in-use"):
        Device.enrol(world.home(), "http://x", "code", passphrase=PASSPHRASE)
    tablet.close()
    tablet.close()
    with pytest.raises(CallerMistake, match="device-closed"):
        tablet.status()
    world.open().close()


def test_a_process_that_was_forked_off_leaves_the_device_to_its_parent(
    world: World, tablet: Device
) -> None:
    """Both would write under the same numbers and seal with the same nonces: a search in each
    damaged the journal, and the device was to be enrolled again."""
    refused = 7
    with tablet.session("clinic") as session:
        session.search(family="Okafor")
        child = session.open("r-ada")
        uses: list[Callable[[], object]] = [
            lambda: session.search(family="Okafor"),
            lambda: child.edit(PHONE, "07700 900123"),
            tablet.sync,
            tablet.status,
            tablet.close,
        ]
        if (forked := os.fork()) == 0:
            os._exit(refused if all(other_process(use) for use in uses) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == refused
        session.search(family="Okafor")
    with pytest.raises(RetryLater, match="folder-in-use"):
        world.open()
    assert tablet.sync().look_ups_sent == 3


def other_process(use: Callable[[], object]) -> bool:
    try:
        use()
    except CallerMistake as mistake:
        return mistake.code == "other-process"
    return False


def test_a_wrong_passphrase_opens_nothing_and_frees_the_folder(
    world: World, tablet: Device
) -> None:
    tablet.close()
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        world.open(passphrase=PASSPHRASE + "!")
    world.open().close()


def test_a_folder_without_a_device_is_told_so(world: World, tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match="not-enrolled"):
        world.open("nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CallerMistake, match="not-enrolled"):
        world.open("empty")


def test_the_status_counts_from_the_queues_themselves(world: World, tablet: Device) -> None:
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    status = tablet.status()
    assert (status.pending_edits, status.look_ups, status.look_ups_delivered) == (1, 1, 0)
    tried = world.clock.true_time
    world.clock.advance(hours=1)
    world.authority.offline = True
    tablet.sync()
    status = tablet.status()
    assert (status.last_tried, status.last_complete) == (tried + 3_600, tried)
    (west,) = status.partitions
    assert (west.partition, west.records, west.feed, west.made) == ("p-west", 2, 1, tried)
