"""Two children in one record become two records, and nothing is lost or revealed by it (H5)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, stranger
from field_device import FieldDevice
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.records.conflicts import settle
from fieldward_server.services.records.disputes import list_disputes, raise_dispute
from fieldward_server.services.records.known_records import find_records
from fieldward_server.services.records.merges import merge
from fieldward_server.services.records.reading import value_history
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.services.records.splits import preview_split, split
from fieldward_sync.disputes import disputes_in
from fieldward_sync.errors import CallerMistake
from fieldward_sync.projection import withdrawn
from fieldward_sync.records import Value
from service_world import World

WHY: dict[str, Any] = {"authority": AUTHORITY, "actor": "jo", "reason": "two-children"}
CONSENT = "involvements/a2.consent_withdrawn"
PHONE = "involvements/a2.phone"


@pytest.fixture
def ann(world: World) -> FieldDevice:
    """Holds a record in which two children have become one."""
    nurse = {"service": "health-visiting", "since": "2021-04-01"}
    world.load(
        stranger(
            "both",
            sex="female",
            involvements={
                "a1": {**nurse, "team": "HV-1", "phone": "07700 900001"},
                "a2": {**nurse, "team": "HV-2", "phone": "07700 900002"},
            },
        )
    )
    world.partition("one", "team:HV-1")
    world.partition("two", "team:HV-2")
    world.seal()
    device = world.device("one", "two")
    device.sync()
    return device


def take_apart(world: World, *moving: str, copying: tuple[str, ...] = ("name.family",)) -> None:
    split(
        world.platform,
        record="both",
        new="other",
        moving=moving,
        copying=copying,
        **WHY,
        now=world.now,
    )


def values(world: World, record: str, path: str) -> set[object]:
    return {value.value for value in world.view(record).at(path) if value.value is not None}


def live(world: World, record: str) -> dict[str, list[Value]]:
    """All that stands in a record, hidden values included."""
    with world.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, [record])[record].record
    return {
        path: [each.value for each in values if each.value is not None]
        for path, values in known.live.items()
    }


def numbers(world: World, record: str, path: str) -> list[int]:
    """What the values that stand at a path are called in their record."""
    history = value_history(world.platform, authority=AUTHORITY, record_id=record, path=path)
    return [value.number for value in history.values if not value.replaced_by]


def test_what_is_of_the_other_child_stands_in_a_record_of_its_own(
    world: World, ann: FieldDevice
) -> None:
    family = values(world, "both", "name.family")
    take_apart(world, "involvements/a2", "sex")
    assert values(world, "other", PHONE) == {"07700 900002"}
    assert values(world, "both", PHONE) == set()
    assert values(world, "other", "name.family") == values(world, "both", "name.family") == family
    assert (values(world, "other", "sex"), values(world, "both", "sex")) == ({"female"}, set())
    assert set(world.view_partitions("both")) == {"one"}
    assert set(world.view_partitions("other")) == {"two"}
    assert not world.misfiled()
    history = value_history(world.platform, authority=AUTHORITY, record_id="other", path="sex")
    assert (history.values[-1].admitted_from, history.values[-1].administrator) == (
        "server.1/1",
        "jo",
    )


def test_devices_follow_and_nothing_that_they_get_names_both(  # H6
    world: World, ann: FieldDevice
) -> None:
    take_apart(world, "involvements/a2")
    world.seal()
    ann.sync()
    assert set(ann.contents("one")) == {"both"}
    (other,) = ann.contents("two").values()
    assert b"both" not in other.to_bytes()


def test_of_a_shielded_record_both_are_shielded_from_the_first_moment(
    world: World, ann: FieldDevice
) -> None:
    raise_shield(world.platform, **WHY, record_id="both", now=world.now)
    take_apart(world, "involvements/a2", "address")
    assert world.view("both").shielded
    assert world.view("other").shielded
    assert values(world, "other", "address") == set()
    world.seal()
    ann.sync()
    held = {record for each in ("one", "two") for record in ann.contents(each)}
    assert held <= {"both", "other"}
    assert all(v.shielded for each in ("one", "two") for v in ann.contents(each).values())


def test_consent_that_was_withdrawn_is_so_on_both_sides(world: World, ann: FieldDevice) -> None:
    assert ann.edit("both", CONSENT, "raised").outcome == "merged"
    take_apart(world, "involvements/a2")
    assert values(world, "other", PHONE) == set()
    with world.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, {"both", "other"})
    assert all(withdrawn(known[each].record) == {CONSENT} for each in ("both", "other"))


def test_a_shield_of_the_other_child_redacts_what_devices_have_of_both(
    world: World, ann: FieldDevice
) -> None:
    """H5, H7: an image made before the split shows where that child lives."""
    take_apart(world, "involvements/a2", "address")
    world.seal()
    ann.sync()
    before = world.stored_partition("one")
    assert (before.key_epoch, world.view_partitions("other")) == (1, ("two",))
    raise_shield(world.platform, **WHY, record_id="other", now=world.now)
    after = world.stored_partition("one")
    assert (after.key_epoch, after.digest, after.records) == (2, before.digest, before.records)
    assert not world.view("both").shielded
    world.seal()
    assert world.stored_partition("one").image_feed == after.feed
    ann.sync()
    assert set(ann.contents("one")) == {"both"}
    found = find_reached(world.platform, authority=AUTHORITY, record="other", now=world.now)
    assert {(it.record, it.partition) for it in found} == {
        ("both", "one"),
        ("both", "two"),
        ("other", "two"),
    }


@pytest.mark.parametrize("shielded", ["", "old", "both"])
def test_a_wrong_merge_is_undone_by_a_split_and_a_shield_stays_on_both(  # H5
    world: World, ann: FieldDevice, shielded: str
) -> None:
    """As docs/operations.md says it is done: copy what differed and what agreed, move the members
    that came along, settle on both sides."""
    fields = ("name.family", "name.given", "born", "sex", "address")
    nurse = {"service": "health-visiting", "since": "2021-04-01", "team": "HV-2"}
    moved = {"kind": "current", "lines": ["2 Low Street"], "postcode": "S1 2HH"}
    world.load(stranger("old", sex="male", address=moved, involvements={"b1": nurse}))
    own = {record: live(world, record) for record in ("both", "old")}
    if shielded:
        raise_shield(world.platform, **WHY, record_id=shielded, now=world.now)
    merge(world.platform, record="old", into="both", **WHY, now=world.now)
    came = live(world, "both").keys() - own["both"].keys()
    (brought,) = {path.partition(".")[0] for path in came if path.startswith("involvements/")}
    own["old"] = {path.replace("involvements/b1", brought): v for path, v in own["old"].items()}
    take_apart(world, brought, copying=(*fields, "nhs_number_withheld"))
    for record, was in (("both", "both"), ("other", "old")):
        for path in fields:
            (meant,) = own[was][path]
            settle(
                world.platform,
                record=record,
                path=path,
                shown=numbers(world, record, path),
                value=meant,
                **WHY,
                now=world.now,
            )
        stands = {p: v for p, v in live(world, record).items() if v and p != "shield"}
        assert stands == own[was]
        assert world.view(record).shielded is bool(shielded)
    assert set(world.view_partitions("both")) == {"one", "two"}
    assert set(world.view_partitions("other")) == {"two"}


def test_values_that_differ_go_on_differing(world: World, ann: FieldDevice) -> None:
    ann.deliver(
        ann.proposal("both", PHONE, "07700 900011"), ann.proposal("both", PHONE, "07700 900012")
    )
    take_apart(world, "involvements/a2")
    assert values(world, "other", PHONE) == {"07700 900011", "07700 900012"}
    assert PHONE in world.view("other").conflicts


def test_an_edit_of_what_was_moved_waits_for_a_person(world: World, ann: FieldDevice) -> None:
    """In a conflict with its absence or, where the rest of its member is gone, in the inbox."""
    late = [ann.proposal("both", PHONE, "07700 900099"), ann.proposal("both", "sex", "male")]
    take_apart(world, "involvements/a2", "sex")
    assert [verdict.outcome for verdict in ann.deliver(*late)] == ["refused", "conflict"]
    assert len(list_inbox(world.platform, AUTHORITY)) == 1
    assert values(world, "both", "sex") == {"male"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"moving": ("involvements/a9",)}, "nothing-there"),
        ({"moving": ("name",)}, "nothing-there"),
        ({"moving": ("shield",)}, "not-movable"),
        ({"moving": (CONSENT,)}, "not-movable"),
        ({"moving": (PHONE,)}, "nothing-there"),  # else without the service that may be sensitive
        ({"copying": (PHONE,)}, "nothing-there"),
        ({"copying": ("sex",)}, "named-twice"),
        ({"new": "both"}, "record-exists"),
        ({"record": "nobody"}, "unknown-record"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_and_nothing_changes(
    world: World, ann: FieldDevice, changed: dict[str, Any], code: str
) -> None:
    told = {"record": "both", "new": "other", "moving": ("sex",), "copying": (), **changed}
    before = world.written()
    with pytest.raises(CallerMistake, match=code):
        preview_split(world.platform, authority=AUTHORITY, **told)
    with pytest.raises(CallerMistake, match=code):
        split(world.platform, **told, **WHY, now=world.now)
    assert world.written() == before


def test_the_preview_says_what_it_comes_to(world: World, ann: FieldDevice) -> None:
    found = preview_split(
        world.platform,
        authority=AUTHORITY,
        record="both",
        new="other",
        moving=("involvements/a2",),
        copying=("name.family", "sex"),
    )
    assert set(found.copying) == {"name.family", "sex"}
    assert PHONE in found.moving
    assert not found.shielded


@pytest.mark.parametrize("shielded", [False, True])
def test_a_dispute_follows_what_it_is_about_and_leaves_none_behind(
    world: World, ann: FieldDevice, shielded: bool
) -> None:
    if shielded:
        raise_shield(world.platform, **WHY, record_id="both", now=world.now)
    raise_dispute(world.platform, record="both", path=PHONE, by="carer", **WHY, now=world.now)
    take_apart(world, "involvements/a2")
    (found,) = list_disputes(world.platform, AUTHORITY)
    assert (found.record_id, found.dispute.path) == ("other", PHONE)
    assert not disputes_in({v.path: v.value for v in world.view("both").values})


def test_a_record_that_a_dispute_has_left_can_be_shielded(world: World, ann: FieldDevice) -> None:
    raise_dispute(world.platform, record="both", path=PHONE, by="carer", **WHY, now=world.now)
    take_apart(world, "involvements/a2")
    raise_shield(world.platform, **WHY, record_id="both", now=world.now)
    assert world.view("both").shielded
