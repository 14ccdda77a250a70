"""Two records of one child become one, and nothing is lost or revealed by it (H5)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, PHONE, stranger
from field_device import FieldDevice
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.records.merges import merge, preview_merge
from fieldward_server.services.records.reading import record_history, value_history
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_sync.errors import CallerMistake
from fieldward_sync.projection import NOBODYS_NUMBER
from fieldward_sync.records import ProposedChange, Value
from service_world import World

WHY: dict[str, Any] = {"authority": AUTHORITY, "actor": "jo", "reason": "same-child"}
CONSENT = "involvements/a1.consent_withdrawn"
GIVEN, MINE = "name.given", "07700 900077"


def nurse(team: str, phone: str, **more: object) -> dict[str, object]:
    return {
        "service": "health-visiting",
        "team": team,
        "since": "2021-04-01",
        "phone": phone,
        **more,
    }


@pytest.fixture
def ann(world: World) -> FieldDevice:
    """Holds both entries of a child: ``old`` by one team, ``new`` by another."""
    world.load(
        stranger("old", involvements={"a1": nurse("HV-1", "07700 900001")}, sex="female"),
        stranger("new", involvements={"a1": nurse("HV-2", "07700 900002")}, sex="male"),
    )
    world.partition("one", "team:HV-1")
    world.partition("two", "team:HV-2")
    world.seal()
    device = world.device("one", "two")
    device.sync()
    return device


def merged(world: World, record: str = "old", into: str = "new") -> None:
    merge(world.platform, record=record, into=into, now=world.now, **WHY)


@pytest.mark.parametrize("later", ["old", "new"])
def test_members_that_files_number_alike_stay_two_when_one_comes_after_the_merge(
    world: World, ann: FieldDevice, later: str
) -> None:
    """D4: additions made apart never conflict, and files number their members from one."""
    first, second = {"a1": nurse("HV-1", "07700 900001")}, {"a1": nurse("HV-2", "07700 900002")}
    known = {"a2": nurse("HV-3", "07700 900003")}
    new = {"a2": nurse("HV-4", "07700 900004")}
    entries = {"old": first, "new": second}
    earlier = {"old": "new", "new": "old"}[later]
    world.load(stranger(earlier, involvements={**entries[earlier], **known}))
    merged(world)
    for phone in ("07700 900004", "07700 900005"):
        new["a2"]["phone"] = phone
        world.load(stranger(later, involvements={**entries[later], **new}))
        assert phones(world) == {"07700 900001", "07700 900002", "07700 900003", phone}
        assert not [path for path in world.view("new").conflicts if "involvements/" in path]


def stages(world: World, record: str, partition: str) -> list[str]:
    """How what was hidden of a child stands on devices, under any name, in a partition."""
    found = find_reached(world.platform, authority=AUTHORITY, record=record, now=world.now)
    return [it.stage for it in found if (it.record, it.partition) == ("old", partition)]


def values(world: World, path: str, record: str = "new") -> set[object]:
    return {value.value for value in world.view(record).at(path)}


def phones(world: World, record: str = "new") -> set[object]:
    return {v.value for v in world.view(record).values if v.path.endswith(".phone")}


def test_the_survivor_gets_what_stood_in_the_other_and_a_person_settles_what_differs(
    world: World, ann: FieldDevice
) -> None:
    before = preview_merge(world.platform, authority=AUTHORITY, record="old", into="new")
    merged(world)
    assert values(world, "sex") == {"female", "male"}
    assert set(world.view("new").conflicts) == set(before.conflicts) >= {"sex", "name.family"}
    assert {"one", "two"} == set(world.view_partitions("new"))
    assert phones(world) == {"07700 900001", "07700 900002"}  # who is involved is added up
    history = value_history(world.platform, authority=AUTHORITY, record_id="new", path="sex")
    assert (history.values[-1].admitted_from, history.values[-1].administrator) == (
        "server.1/1",
        "jo",
    )
    assert not world.misfiled()


def test_the_other_leaves_every_partition_by_name_and_is_found_by_nobody(
    world: World, ann: FieldDevice
) -> None:
    merged(world)
    world.seal()
    ann.sync()
    assert set(ann.contents("one")) == set(ann.contents("two")) == {"new"}
    assert world.view("old").values == ()
    assert not {key for record, key in world.search_keys() if record == "old"}
    found = record_history(world.platform, authority=AUTHORITY, record_id="old")
    assert (found.merged_into, found.partitions) == ("new", ())
    there = record_history(world.platform, authority=AUTHORITY, record_id="new")
    assert there.merged == ("old",)


def test_on_line_it_is_as_though_it_had_never_been(world: World, ann: FieldDevice) -> None:
    merged(world)
    assert ann.open_on_line("old").outcome == "nothing"
    assert ann.open_on_line("new").outcome == "shown"


def test_nothing_that_a_device_gets_names_both(world: World, ann: FieldDevice) -> None:  # H6
    merged(world)
    world.seal()
    ann.sync()
    for partition in ("one", "two"):
        for view in ann.contents(partition).values():
            assert b"old" not in view.to_bytes()


def test_an_edit_that_was_on_its_way_reaches_the_survivor_and_replaces_what_its_author_saw(
    world: World, ann: FieldDevice
) -> None:
    late, later = ann.proposal("old", PHONE, MINE), ann.proposal("old", "sex", "male")
    merged(world)
    verdicts = ann.deliver(late)
    assert [verdict.outcome for verdict in verdicts] == ["merged"]
    assert phones(world) == {MINE, "07700 900002"}
    assert ann.deliver(late) == verdicts  # the same again is the same
    assert phones(world) == {MINE, "07700 900002"}
    assert ann.deliver(later)[0].outcome == "merged"
    assert values(world, "sex") == {"male"}
    assert list_inbox(world.platform, AUTHORITY) == ()
    last = value_history(world.platform, authority=AUTHORITY, record_id="new", path="sex")
    assert last.values[-1].admitted_from == f"{ann.name}.1/2"
    assert last.values[-1].practitioner == "p-1"


def test_whose_value_gives_way_to_an_edit_that_was_on_its_way_is_told(  # P23
    world: World, ann: FieldDevice
) -> None:
    world.practitioner("p-2")
    ben = world.device("one", "two", practitioner="p-2")
    first, second = ann.proposal("old", GIVEN, "Ada"), ben.proposal("old", GIVEN, "Aida")
    ann.deliver(first)
    ben.deliver(second)
    late = ben.proposal("old", GIVEN, "Adah")
    merged(world)
    assert values(world, GIVEN) >= {"Ada", "Aida"}
    ben.deliver(late)
    assert not values(world, GIVEN) & {"Ada", "Aida"}
    (notice,) = ann.sync().notices
    assert (notice.kind, notice.record_id, notice.path) == ("settled", "new", GIVEN)
    assert (notice.actor, notice.counter) == (f"{ann.name}.1", first.counter)
    assert ben.sync().notices == ()


def test_what_is_loaded_under_the_old_id_goes_on_in_the_survivor(
    world: World, ann: FieldDevice
) -> None:
    merged(world)
    world.load(stranger("old", involvements={"a1": nurse("HV-1", MINE)}, sex="female"))
    assert phones(world) == {MINE, "07700 900002"}
    assert world.view("old").values == ()


def test_through_two_merges_an_edit_replaces_what_its_author_saw(
    world: World, ann: FieldDevice
) -> None:
    world.load(stranger("third", involvements={"a1": nurse("HV-2", "07700 900003")}))
    late = ann.proposal("old", PHONE, MINE)
    merged(world)
    merged(world, "new", "third")
    assert ann.deliver(late)[0].outcome == "merged"
    assert phones(world, "third") == {MINE, "07700 900002", "07700 900003"}


@pytest.mark.parametrize("which", ["old", "new"])
def test_a_shield_on_either_side_holds_in_the_survivor(  # H5
    world: World, ann: FieldDevice, which: str
) -> None:
    raise_shield(world.platform, record_id=which, now=world.now, **WHY)
    merged(world)
    assert world.view("new").shielded
    assert not world.view("new").at("address")
    world.seal()
    ann.sync()
    assert set(ann.contents("one")) == {"new"}
    assert not ann.contents("one")["new"].at("address")


def test_what_devices_have_of_the_other_is_redacted_when_the_survivor_is_shielded(
    world: World, ann: FieldDevice
) -> None:
    """H3: it shows where the shielded child lives, and a removal may stay in an image for a day."""
    raise_shield(world.platform, record_id="new", now=world.now, **WHY)
    before = world.stored_partition("one")
    merged(world)
    after = world.stored_partition("one")
    assert after.key_epoch == before.key_epoch + 1
    assert after.redaction_feed > before.redaction_feed


def test_what_devices_have_of_the_other_is_redacted_when_the_survivor_is_shielded_later(
    world: World, ann: FieldDevice
) -> None:
    """H5, H7: also where the other was before it was merged, and the survivor never is."""
    ann.edit("old", "involvements/a1.ended", "2026-01-31")
    ann.edit("new", "involvements/a1.ended", None)
    merged(world)
    world.seal()
    before = world.stored_partition("one")
    assert "one" not in world.view_partitions("new")
    raise_shield(world.platform, record_id="new", now=world.now, **WHY)
    assert stages(world, "old", "one") == stages(world, "new", "one") == ["open"]
    world.seal()
    assert world.stored_partition("one").image_feed > before.image_feed
    assert world.stored_partition("one").key_epoch == before.key_epoch + 1
    ann.sync()
    world.now += 61
    ann.sync()
    assert stages(world, "old", "one") == stages(world, "new", "one") == ["gone"]


def test_what_devices_have_of_two_that_were_merged_in_turn_is_redacted_by_withdrawn_consent(
    world: World, ann: FieldDevice
) -> None:
    """C4, H7: whatever its involvement is called in each."""
    world.load(stranger("third", involvements={"a1": nurse("HV-2", "07700 900003")}))
    ann.edit("old", "involvements/a1.ended", "2026-01-31")
    merged(world)
    merged(world, "new", "third")
    (path,) = (v.path for v in world.view("third").values if v.value == "07700 900001")
    assert stages(world, "old", "one") == []
    ann.edit("third", f"{path.rpartition('.')[0]}.consent_withdrawn", "raised")
    assert stages(world, "old", "one") == ["open"]


def test_an_edit_of_the_other_replaces_nothing_that_is_hidden_in_the_survivor(
    world: World, ann: FieldDevice
) -> None:
    """Design §5: whoever was shown an address before the shield writes beside it."""
    nowhere: Value = {"kind": "no-known-address"}
    moved = {"kind": "current", "lines": ["2 Low Street"], "postcode": "M14 5AB"}
    assert ann.edit("old", "address", moved).outcome == "merged"  # type: ignore[arg-type]
    late = ann.proposal("old", "address", nowhere)
    merged(world)
    raise_shield(world.platform, record_id="new", now=world.now, **WHY)
    assert ann.deliver(late)[0].outcome == "merged"
    history = value_history(world.platform, authority=AUTHORITY, record_id="new", path="address")
    assert [value.replaced_by for value in history.values] == [(), (), ()]
    assert history.values[-1].value == nowhere


def test_a_release_in_the_survivor_names_every_raise_and_a_later_one_in_the_other_holds(
    world: World, ann: FieldDevice
) -> None:
    raise_shield(world.platform, record_id="old", now=world.now, **WHY)
    late = ann.proposal("old", "shield", "raised", shown=())
    merged(world)
    release_shield(world.platform, record_id="new", now=world.now, **WHY)
    assert not world.view("new").shielded
    assert ann.deliver(late)[0].outcome == "merged"
    assert world.view("new").shielded


def test_a_dispute_comes_over_and_names_its_value_by_what_it_is_called_there(
    world: World, ann: FieldDevice
) -> None:
    """R2: else it would seem to be about somebody else's number."""
    dispute = {"path": PHONE, "since": "2026-01-02", "by": "carer"}
    shown = [ProposedChange(f"disputes/d1.{name}", value) for name, value in dispute.items()]
    ann.deliver(ann.proposal("old", PHONE, None, changes=tuple(shown)))
    merged(world)
    disputes = (v for v in world.view("new").values if v.path.startswith("disputes/"))
    (about,) = [value for value in disputes if value.path.endswith(".path")]
    (number,) = world.view("new").at(str(about.value))
    assert number.value == "07700 900001"


def test_withdrawn_consent_holds_in_the_survivor(world: World, ann: FieldDevice) -> None:  # C4
    ann.edit("old", CONSENT, "raised")
    merged(world)
    assert phones(world) == {"07700 900002"}
    assert not [v for v in world.view("new").values if v.value == "HV-1"]
    assert NOBODYS_NUMBER not in {v.number for v in world.view("new").values}


def test_a_merge_is_of_two_records_that_are_there_and_is_made_once(
    world: World, ann: FieldDevice
) -> None:
    for record, into, code in (
        ("old", "old", "same-record"),
        ("old", "nobody", "unknown-record"),
        ("nobody", "new", "unknown-record"),
    ):
        with pytest.raises(CallerMistake, match=code):
            merged(world, record, into)
    merged(world)
    for record, into in (("old", "new"), ("new", "old")):
        with pytest.raises(CallerMistake, match="already-merged"):
            merged(world, record, into)


def test_an_nhs_number_takes_the_place_of_the_reason_why_there_is_none(world: World) -> None:
    """D7: the two exclude each other."""
    old = {**stranger("old"), "nhs_number": "9434765919"}
    del old["nhs_number_withheld"]
    world.load(old, stranger("new"))
    merged(world)
    assert values(world, "nhs_number") == {"9434765919"}
    assert values(world, "nhs_number_withheld") <= {None}
