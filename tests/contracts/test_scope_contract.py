"""What partitions choose, how much a device may hold, and what a preview says before (D6, R8)."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, child
from field_device import FieldDevice
from fieldward_server.services.custody.devices import set_access, set_cap
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.holdings import DEFAULT_CAP, Preview, watch_caps
from fieldward_server.services.distribution.partition_keys import digest_key
from fieldward_server.services.distribution.partitions import (
    grant,
    list_partitions,
    preview_grant,
    preview_rules,
    take,
)
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.events import list_events
from fieldward_server.storage import memberships
from fieldward_sync import digest
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake, Error, RefusedByServer
from fieldward_sync.views import View
from service_world import World

IN_M14, IN_S1 = "sector:M14 5", "sector:S1 2"
NORTH = ["n1", "n2", "n3", "n4"]
SOUTH = ["s1", "s2"]


def living_at(record_id: str, postcode: str) -> dict[str, object]:
    """A child at another address."""
    return child(
        record_id, address={"kind": "current", "lines": ["9 Low Road"], "postcode": postcode}
    )


@pytest.fixture(autouse=True)
def _two_sectors(world: World) -> None:
    """Four children in one sector, two in another, a partition of each and one of all six."""
    world.load(*(child(name) for name in NORTH))
    world.load(*(living_at(name, "S1 2AB") for name in SOUTH))
    world.partition("north", IN_M14)
    world.partition("south", IN_S1)
    world.partition("everybody", "all")
    world.seal()


def told(world: World, **about: Any) -> dict[str, Any]:
    """What every service that changes something is told, and what this call is about."""
    command = {"authority": AUTHORITY, "actor": "mo", "reason": "teams-merged", "now": world.now}
    return {"platform": world.platform, **command, **about}


def rescoped(world: World, partition: str, *rules: str) -> int:
    """Change a partition's rules."""
    return change_partition(**told(world, partition=partition, rules=rules))


def given(world: World, device: FieldDevice, partition: str) -> None:
    """Give a grant."""
    grant(**told(world, device=device.name, practitioner="p-1", partition=partition))


def foreseen(world: World, partition: str, *rules: str) -> Preview:
    """The preview of a partition's rules."""
    return preview_rules(world.platform, authority=AUTHORITY, partition=partition, rules=rules)


def of_grant(world: World, device: FieldDevice, partition: str) -> Preview:
    """The preview of a grant."""
    about = {"device": device.name, "practitioner": "p-1", "partition": partition}
    return preview_grant(world.platform, authority=AUTHORITY, **about)


def counted(preview: Preview) -> tuple[int, int, int]:
    """Records that come, records that go, devices."""
    return preview.records_coming, preview.records_going, len(preview.devices)


def events_of(world: World) -> list[tuple[str, str, str]]:
    """What was done with partitions and caps, and why."""
    return [
        (it.action, it.subject, it.reason)
        for it in list_events(world.platform, AUTHORITY)
        if it.actor == "mo"
    ]


def require_sound(world: World) -> None:
    """Each partition holds what its rules choose, its digest is theirs, its feed has no hole."""
    for report in list_partitions(world.platform, AUTHORITY):
        stored = world.stored_partition(report.partition)
        with world.platform.storage.reading() as transaction:
            views = memberships.views(transaction, AUTHORITY, report.partition)
            chosen = transaction.execute(
                "SELECT DISTINCT record_id FROM record_rule WHERE authority = :authority"
                " AND rule IN :rules",
                authority=AUTHORITY,
                rules=list(report.rules),
            )
            numbers = transaction.execute(
                "SELECT number FROM feed WHERE partition_id = :partition ORDER BY number",
                partition=report.partition,
            )
        total = digest.EMPTY
        for body in views:
            view = View.read(body)
            element = digest.element(
                digest_key(world.platform, stored), view.record_id, view.revision, body
            )
            total = digest.added(total, element)
        assert (stored.digest, stored.records) == (total, len(views))
        assert {View.read(body).record_id for body in views} == {it["record_id"] for it in chosen}
        assert [it["number"] for it in numbers] == list(range(2, stored.feed + 1))


# --- Membership follows the records ---


def test_a_child_who_moves_within_the_authority_leaves_old_devices_and_reaches_new_ones_in_one_sync(
    world: World,
) -> None:
    """R8, within the one responsible authority (D6)."""
    old, new = world.device("north"), world.device("south")
    for device in (old, new):
        device.sync()
    world.load(living_at("n1", "S1 2AB"))
    world.seal()
    for device in (old, new):
        device.sync()
    assert sorted(old.contents("north")) == ["n2", "n3", "n4"]
    assert sorted(new.contents("south")) == ["n1", "s1", "s2"]
    require_sound(world)


# --- Other rules for a partition ---


def test_other_rules_bring_and_take_records_through_the_feed(world: World) -> None:
    device = world.device("north")
    device.sync()
    image = world.stored_partition("north").image_feed
    assert rescoped(world, "north", IN_S1, "team:HV-9") == 2
    assert world.stored_partition("north").feed == image + 6
    require_sound(world)
    world.seal()
    device.sync()
    assert sorted(device.contents("north")) == SOUTH
    assert ("partition-changed", "north", "teams-merged") in events_of(world)


def test_a_partition_that_was_rescoped_follows_its_new_rules_from_then_on(world: World) -> None:
    rescoped(world, "north", IN_S1)
    world.load(living_at("n1", "S1 2AB"), living_at("s1", "M14 5AB"), child("n5"))
    require_sound(world)
    assert world.stored_partition("north").records == 2


def test_a_record_that_old_and_new_rules_choose_is_not_sent_again(world: World) -> None:
    before = world.stored_partition("north").feed
    assert rescoped(world, "north", "all") == 6
    assert world.stored_partition("north").feed == before + 2
    require_sound(world)


def test_the_same_rules_again_change_nothing(world: World) -> None:
    rescoped(world, "north", IN_M14, IN_S1)
    before = world.written()
    assert rescoped(world, "north", IN_S1, IN_M14, IN_S1) == 6
    assert world.written() == before


@pytest.mark.parametrize(
    ("partition", "rules", "code"),
    [("north", ["sector:M14"], "rule-malformed"), ("west", ["all"], "unknown-partition")],
)
def test_only_a_partition_there_is_gets_rules_that_are_some(
    world: World, partition: str, rules: list[str], code: str
) -> None:
    before = world.written()
    with pytest.raises(CallerMistake, match=code):
        rescoped(world, partition, *rules)
    assert world.written() == before


# --- The cap ---


def refused(code: str, call: Any, *arguments: Any, **named: Any) -> Error:
    """The refusal that a call must meet."""
    with pytest.raises(Error, match=code) as raised:
        call(*arguments, **named)
    return raised.value


def test_a_device_holds_ten_thousand_records_unless_told_otherwise(world: World) -> None:
    """D6: a caseload's cap, not an authority's."""
    assert DEFAULT_CAP == 10_000
    assert world.device("north").report().record_cap == 10_000


def test_a_grant_beyond_the_cap_is_refused_by_an_error_that_names_it(world: World) -> None:
    """P7"""
    device = world.device("north", record_cap=5)
    before = world.written()
    error = refused("over-cap", given, world, device, "south")
    assert "6 records; its cap is 5" in error.message
    assert "device cap" in error.next_step
    assert world.written() == before


def test_a_record_in_two_partitions_counts_once(world: World) -> None:
    device = world.device("north", record_cap=6)
    given(world, device, "everybody")
    report = device.report()
    assert (report.records, report.record_cap) == (6, 6)
    (holder,) = report.holders
    assert holder.records == 10


def test_an_invitation_beyond_the_cap_is_not_made(world: World) -> None:
    error = refused("over-cap", world.code, "everybody", record_cap=5)
    assert "6 records; its cap is 5" in error.message


def test_a_partition_that_grew_past_the_cap_since_the_invitation_enrols_nobody(
    world: World,
) -> None:
    code = world.code("north", record_cap=4)
    world.load(child("n5"))
    before = world.written()
    error = refused("over-cap", FieldDevice(world).enrol, code)
    assert isinstance(error, RefusedByServer)
    assert "5 records; its cap is 4" in error.message
    assert world.written() == before


def test_rules_that_take_a_device_beyond_its_cap_are_refused(world: World) -> None:
    devices = sorted(world.device("north", record_cap=5).name for _ in range(3))
    before = world.written()
    error = refused("over-cap", rescoped, world, "north", "all")
    assert f"{devices[0]} would hold 6 records; its cap is 5. So it is with 2" in error.message
    assert world.written() == before


def test_the_cap_is_raised_for_one_device_with_a_reason_and_then_there_is_room(
    world: World,
) -> None:
    device, other = (world.device("north", record_cap=4) for _ in range(2))
    set_cap(**told(world, device=device.name, record_cap=6))
    given(world, device, "south")
    assert device.report().records == device.report().record_cap == 6
    assert other.report().record_cap == 4
    assert ("cap-set", f"{device.name} 1 6", "teams-merged") in events_of(world)


def test_more_than_the_default_takes_a_reason(world: World) -> None:
    device = world.device("north")
    routine = {**told(world, device=device.name), "reason": "routine"}
    refused("reason-needed", set_cap, **routine, record_cap=DEFAULT_CAP + 1)
    set_cap(**routine, record_cap=5)
    set_cap(**told(world, device=device.name, record_cap=73_000))
    assert device.report().record_cap == 73_000


def test_a_cap_is_not_lowered_below_what_is_held(world: World) -> None:
    device = world.device("north")
    error = refused("over-cap", set_cap, **told(world, device=device.name, record_cap=3))
    assert "4 records now; its cap would be 3" in error.message
    set_cap(**told(world, device=device.name, record_cap=4))


def test_records_that_grow_past_the_cap_are_never_cut_and_an_administrator_is_told(
    world: World,
) -> None:
    """R8: whoever moves in reaches the device all the same."""
    device, other = (world.device("north", record_cap=cap) for cap in (4, 5))
    gone = world.device("north", record_cap=4)
    set_access(**told(world, device=gone.name, access=Access.REVOKED))
    wiped = world.device("north", record_cap=4)
    order_wipe(**told(world, device=wiped.name))
    assert watch_caps(world.platform, world.now) == 0
    world.load(child("n5"))
    world.seal()
    device.sync()
    assert sorted(device.contents("north")) == [*NORTH, "n5"]
    for _ in range(2):
        assert watch_caps(world.platform, world.now) == 1
        assert world.incidents() == ["over-cap"]
    assert (device.report().records, device.report().incidents) == (5, 1)
    assert other.report().incidents == 0


def test_a_device_beyond_its_cap_is_refused_only_what_takes_it_further(world: World) -> None:
    device = world.device("north", record_cap=4)
    world.load(child("n5"))
    world.partition("some", IN_M14)
    given(world, device, "some")
    assert rescoped(world, "north", "team:HV-9") == 0
    assert device.report().records == 5
    refused("over-cap", rescoped, world, "north", IN_S1)


def test_a_device_that_came_to_hold_too_much_is_counted_exactly(world: World) -> None:
    """Its partitions have ten records together, and six where each counts once."""
    device = world.device("north", record_cap=6)
    given(world, device, "everybody")
    assert watch_caps(world.platform, world.now) == 0
    assert world.incidents() == []


# --- Previews ---


def test_a_preview_of_new_rules_says_what_would_come_and_go_and_where(world: World) -> None:
    first, second = world.device("north"), world.device("north", "south", record_cap=6)
    first.sync(pending_edits=3)
    world.device("south")
    before = world.written()
    preview = foreseen(world, "north", IN_S1)
    assert world.written() == before
    assert preview.change == "partition/change"
    assert counted(preview) == (2, 4, 2)
    found = {it.device: (it.records_now, it.records_then) for it in preview.devices}
    assert found == {first.name: (4, 2), second.name: (6, 2)}
    unsent = {it.device: it.unsent_edits for it in preview.devices}
    assert unsent == {first.name: 3, second.name: 0}
    assert {it.practitioners for it in preview.devices} == {("p-1",)}


@pytest.mark.parametrize("rules", [(IN_S1,), ("all",), (IN_M14, IN_S1), ("team:HV-9",)])
def test_what_a_preview_foresees_happens(world: World, rules: tuple[str, ...]) -> None:
    device = world.device("north")
    held = set(NORTH)
    preview = foreseen(world, "north", *rules)
    rescoped(world, "north", *rules)
    world.seal()
    device.sync()
    then = set(device.contents("north"))
    assert (preview.records_coming, preview.records_going) == (len(then - held), len(held - then))
    assert [it.records_then for it in preview.devices] == [device.report().records]


def test_a_preview_of_a_partition_to_be_made_counts_its_records(world: World) -> None:
    preview = foreseen(world, "west", IN_S1, "team:HV-1")
    assert (preview.change, counted(preview)) == ("partition/create", (6, 0, 0))
    refused("rule-malformed", foreseen, world, "west", "everyone")


def test_a_preview_says_who_would_be_beyond_the_cap(world: World) -> None:
    small, large = world.device("north", record_cap=5), world.device("north")
    over = {it.device: it.over_cap for it in foreseen(world, "north", "all").devices}
    assert over == {small.name: True, large.name: False}
    (touched,) = of_grant(world, small, "south").devices
    assert (touched.records_then, touched.record_cap, touched.over_cap) == (6, 5, True)


def test_a_preview_of_a_grant_counts_what_the_device_does_not_hold_yet(world: World) -> None:
    device = world.device("north")
    device.sync(pending_edits=2)
    before = world.written()
    preview = of_grant(world, device, "everybody")
    assert world.written() == before
    assert (preview.change, counted(preview)) == ("grant/give", (2, 0, 1))
    assert preview.devices[0].unsent_edits == 2
    given(world, device, "everybody")
    preview = of_grant(world, device, "everybody")
    assert (preview.change, counted(preview)) == ("grant/take", (0, 2, 1))
    take(**told(world, device=device.name, practitioner="p-1", partition="everybody"))
    assert device.report().records == 4


def test_a_preview_names_who_is_in_use_alone(world: World) -> None:
    """Not the revoked, not those to be wiped, and of a device only what it is now."""
    again, gone, wiped = (world.device("north") for _ in range(3))
    again.enrol(world.code("north"))
    set_access(**told(world, device=gone.name, access=Access.REVOKED))
    order_wipe(**told(world, device=wiped.name))
    paused = world.device("north")
    set_access(**told(world, device=paused.name, access=Access.PAUSED))
    named = {(it.device, it.generation) for it in foreseen(world, "north", "all").devices}
    assert named == {(again.name, 2), (paused.name, 1)}


def test_what_is_unknown_is_not_previewed(world: World) -> None:
    device = world.device("north")
    refused("unknown-partition", of_grant, world, device, "west")
    device.name = "d-none"
    refused("unknown-holder", of_grant, world, device, "north")
