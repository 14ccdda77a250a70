"""The ways to hold a partition: what a device is given, what is counted, what is confirmed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from children import AUTHORITY, child
from field_device import FieldDevice
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_cap
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.custody.still_held import (
    list_loss_records,
    preview_verb,
    report_loss,
)
from fieldward_server.services.distribution.holdings import Preview, RecordsByWay
from fieldward_server.services.distribution.key_epochs import renew_partition_key
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.distribution.ways import preview_way, set_way
from fieldward_server.services.events import list_events
from fieldward_server.services.records.shields import raise_shield
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.ways import Way
from service_world import World

DAY = 24 * 3600


@pytest.fixture
def device(world: World) -> FieldDevice:
    """A device that holds two partitions, of two children and of one of these, and has synced."""
    refuge = child("r-refuge", address={"kind": "current", "lines": ["1"], "postcode": "S1 2AB"})
    world.load(child("r-1"), refuge)
    world.partition("caseload", "all")
    world.partition("refuge", "sector:S1 2")
    world.seal()
    device = world.device("caseload", "refuge")
    device.sync()
    device.sync()
    return device


def told(world: World, **about: Any) -> dict[str, Any]:
    """What every service that changes something is told, and what this call is about."""
    command = {"authority": AUTHORITY, "actor": "mo", "reason": "in-hiding", "now": world.now}
    return {"platform": world.platform, **command, **about}


def held(world: World, partition: str, way: Way) -> None:
    """Have a partition held in another way."""
    set_way(**told(world, partition=partition, way=way.value))


def foreseen(world: World, partition: str, way: Way) -> Preview:
    return preview_way(world.platform, authority=AUTHORITY, partition=partition, way=way.value)


def manifests(device: FieldDevice) -> list[str]:
    assert device.distribution is not None
    return [each.partition for each in device.distribution.manifests]


def on_line(device: FieldDevice) -> list[str]:
    assert device.distribution is not None
    return [each.partition for each in device.distribution.on_line]


def key_ring(device: FieldDevice) -> list[str]:
    assert device.secrets is not None
    return [each.partition for each in device.secrets.ring]


def of_partition(device: FieldDevice, partition: str) -> Any:
    """What a loss report says of a partition."""
    world = device.world
    report = report_loss(world.platform, authority=AUTHORITY, device=device.name, now=world.now)
    (found,) = (each for each in report.held if each.partition == partition)
    return found


def readable(device: FieldDevice) -> dict[str, bool]:
    """Which records a loss report calls readable."""
    world = device.world
    listed = list_loss_records(
        world.platform, authority=AUTHORITY, device=device.name, now=world.now
    )
    return {each.record: each.readable for each in listed}


# --- Tethered ---


def test_a_tethered_partition_comes_down_as_a_name_without_file_or_key(world: World) -> None:
    """Design §7: nothing on the device; and nobody is told what is not theirs."""
    world.load(child("r-1"))
    world.partition("refuge", "all")
    world.partition("others", "all")
    held(world, "refuge", Way.TETHERED)
    held(world, "others", Way.TETHERED)
    world.seal()
    device = world.device("refuge")
    device.sync()
    assert (manifests(device), key_ring(device), on_line(device)) == ([], [], ["refuge"])
    assert device.lease is not None


def test_a_partition_that_is_tethered_leaves_list_and_key_ring_with_the_next_sync(
    world: World, device: FieldDevice
) -> None:
    held(world, "refuge", Way.TETHERED)
    device.sync()
    assert (manifests(device), key_ring(device)) == (["caseload"], ["caseload"])
    assert on_line(device) == ["refuge"]


def test_a_stricter_way_begins_a_key_epoch_and_a_looser_one_does_not(
    world: World, device: FieldDevice
) -> None:
    before = world.stored_partition("refuge").key_epoch
    held(world, "refuge", Way.TETHERED)
    assert world.stored_partition("refuge").key_epoch == before + 1
    held(world, "refuge", Way.OFFLINE)
    assert world.stored_partition("refuge").key_epoch == before + 1
    device.sync()
    assert (manifests(device), on_line(device)) == (["caseload", "refuge"], [])
    assert "r-refuge" in device.contents("refuge")


def test_changes_in_a_tethered_partition_are_no_news_to_its_holders(world: World) -> None:
    world.load(child("r-1"))
    world.partition("refuge", "all")
    held(world, "refuge", Way.TETHERED)
    world.seal()
    device = world.device("refuge")
    device.sync()
    world.load(child("r-2"))
    world.seal()
    assert device.sync().distribution is None


def test_an_edit_that_was_typed_before_the_partition_was_tethered_is_merged(
    world: World, device: FieldDevice
) -> None:
    """Invariant 1."""
    edit = device.proposal("r-refuge", "sex", "male")
    held(world, "refuge", Way.TETHERED)
    held(world, "caseload", Way.TETHERED)
    (verdict,) = device.deliver(edit)
    assert verdict.outcome in ("merged", "conflict")


# --- Warm ---


def warm_ring(device: FieldDevice) -> list[str]:
    """The partitions whose keys a device has in memory alone."""
    return [each.partition for each in device.warm.ring]


def test_of_a_warm_partition_the_list_names_the_files_and_no_lease_brings_the_keys(
    world: World, device: FieldDevice
) -> None:
    """Design §7: in memory only."""
    held(world, "refuge", Way.WARM)
    device.sync()
    assert device.distribution is not None
    assert (manifests(device), device.distribution.warm) == (["caseload", "refuge"], ("refuge",))
    assert (key_ring(device), warm_ring(device)) == (["caseload"], ["refuge"])
    assert "r-refuge" in device.contents("refuge")


def test_keys_for_memory_come_once_a_session_and_a_sync_with_them_is_quiet(
    world: World, device: FieldDevice
) -> None:
    held(world, "refuge", Way.WARM)
    device.sync()
    device.sync()
    before = world.written()
    assert device.sync().warm_keys is None
    assert world.written() == before
    device.lock()
    assert device.sync().warm_keys is not None


def test_keys_for_memory_are_given_where_a_lease_is_and_to_nobody_else(
    world: World, device: FieldDevice
) -> None:
    held(world, "refuge", Way.WARM)
    answer = device.call(device.request(warm_key=None))
    assert (answer.lease is None, answer.warm_keys) == (False, None)
    device.sync()
    device.lock()
    world.practitioner("p-1", trained_until=world.now - 1)
    answer = device.sync()
    assert (answer.lease_refused, answer.warm_keys) == ("training-over", None)
    locked = device.call(device.request(), role=DEVICE_KEY)
    assert (locked.lease, locked.warm_keys, locked.distribution) == (None, None, None)


def test_nobody_gets_keys_for_memory_who_holds_nothing_warm(
    world: World, device: FieldDevice
) -> None:
    world.partition("others", "all")
    held(world, "others", Way.WARM)
    world.seal()
    device.held = msgspec.structs.replace(device.held, lease=b"")
    answer = device.sync()
    assert (answer.lease is None, answer.warm_keys) == (False, None)


def test_a_key_that_nothing_can_be_sealed_to_gets_no_lease_and_changes_nothing(
    world: World, device: FieldDevice
) -> None:
    held(world, "refuge", Way.WARM)
    answer = device.call(device.request(warm_key=bytes(1216)))
    assert (answer.lease, answer.lease_refused) == (None, "key-malformed")


def test_a_new_key_epoch_reaches_an_open_session_with_its_next_sync(
    world: World, device: FieldDevice
) -> None:
    held(world, "refuge", Way.WARM)
    device.sync()
    renew_partition_key(**told(world, partition="refuge"))
    device.sync()
    epochs = {each.epoch for keys in device.warm.ring for each in keys.epochs}
    assert world.stored_partition("refuge").key_epoch in epochs


# --- Command, preview and caps ---


def test_a_way_is_recorded_with_its_reason_and_the_same_again_changes_nothing(
    world: World,
) -> None:
    world.partition("refuge", "all")
    held(world, "refuge", Way.TETHERED)
    before = world.written()
    held(world, "refuge", Way.TETHERED)
    assert world.written() == before
    (event,) = (it for it in list_events(world.platform, AUTHORITY) if it.actor == "mo")
    assert (event.action, event.subject, event.reason) == (
        "partition-tethered",
        "refuge",
        "in-hiding",
    )
    with pytest.raises(CallerMistake, match="unknown-partition"):
        held(world, "nowhere", Way.TETHERED)


def test_a_preview_counts_by_way_and_changes_nothing(world: World, device: FieldDevice) -> None:
    before = world.written()
    preview = foreseen(world, "caseload", Way.TETHERED)
    assert world.written() == before
    (touched,) = preview.devices
    assert (preview.change, preview.records_going) == ("partition/way", 1)
    assert touched.by_way_now == RecordsByWay(offline=2, warm=0, tethered=0)
    # One child stays on the device by way of the other partition.
    assert touched.by_way_then == RecordsByWay(offline=1, warm=0, tethered=1)


def test_what_is_tethered_counts_against_no_cap_and_what_comes_back_does(world: World) -> None:
    world.load(child("r-1"), child("r-2"))
    world.partition("refuge", "all")
    held(world, "refuge", Way.TETHERED)
    device = world.device("refuge", record_cap=1)
    assert show_device(
        world.platform, authority=AUTHORITY, device=device.name, now=world.now
    ).by_way == RecordsByWay(offline=0, warm=0, tethered=2)
    (touched,) = foreseen(world, "refuge", Way.OFFLINE).devices
    assert touched.over_cap
    with pytest.raises(CallerMistake, match="over-cap"):
        held(world, "refuge", Way.OFFLINE)
    set_cap(**told(world, device=device.name, record_cap=2))
    held(world, "refuge", Way.OFFLINE)


# --- Loss ---


def test_of_what_was_always_tethered_nothing_could_be_read_on_a_lost_device(world: World) -> None:
    world.load(child("r-1"))
    world.partition("refuge", "all")
    held(world, "refuge", Way.TETHERED)
    device = world.device("refuge")
    device.sync()
    device.sync()
    found = of_partition(device, "refuge")
    assert (found.way, found.readable_until) == (Way.TETHERED, 0)
    assert readable(device) == {"r-1": False}
    preview = preview_verb(
        world.platform, authority=AUTHORITY, device=device.name, verb="wipe", now=world.now
    )
    assert (preview.records, preview.by_way) == (0, RecordsByWay(offline=0, warm=0, tethered=1))


def test_keys_count_as_being_on_the_disk_until_the_device_has_the_lease_without_them(
    world: World, device: FieldDevice
) -> None:
    """A device that was lost before it heard of the stricter way reads to the end of its lease."""
    assert device.lease is not None
    closes = device.lease.closes
    world.now += 60
    held(world, "caseload", Way.TETHERED)
    held(world, "refuge", Way.TETHERED)
    found = of_partition(device, "refuge")
    assert (found.way, found.readable_until) == (Way.OFFLINE, closes)
    assert readable(device) == {"r-1": True, "r-refuge": True}
    for _ in range(2):
        lost_answer = device.call(device.request())
        assert lost_answer.lease is not None
        found = of_partition(device, "refuge")
        assert (found.way, found.readable_until) == (Way.OFFLINE, closes)
    device.sync()
    device.sync()
    found = of_partition(device, "refuge")
    assert (found.way, found.readable_until) == (Way.TETHERED, 0)
    assert readable(device) == {"r-1": False, "r-refuge": False}


def test_what_is_warm_could_be_read_on_a_lost_device_in_an_open_session_alone(
    world: World, device: FieldDevice
) -> None:
    held(world, "refuge", Way.WARM)
    held(world, "caseload", Way.WARM)
    assert of_partition(device, "refuge").way is Way.OFFLINE
    device.sync()
    device.sync()
    assert device.lease is not None
    found = of_partition(device, "refuge")
    assert (found.way, found.readable_until) == (Way.WARM, device.lease.closes)
    listed = list_loss_records(
        world.platform, authority=AUTHORITY, device=device.name, now=world.now
    )
    assert {way for each in listed for way in each.ways} == {Way.WARM}
    preview = preview_verb(
        world.platform, authority=AUTHORITY, device=device.name, verb="wipe", now=world.now
    )
    assert preview.by_way == RecordsByWay(offline=0, warm=2, tethered=0)


def test_a_device_whose_renewal_is_refused_may_read_on_what_was_made_stricter(
    world: World, device: FieldDevice
) -> None:
    assert device.lease is not None
    closes = device.lease.closes
    held(world, "refuge", Way.TETHERED)
    world.practitioner("p-1", vetted_until=world.now - 1)
    answer = device.sync()
    assert answer.lease_refused == "vetting-over"
    device.sync()
    assert of_partition(device, "refuge").readable_until == closes


def test_what_was_taken_before_it_was_tethered_is_bounded_by_its_lease(
    world: World, device: FieldDevice
) -> None:
    assert device.lease is not None
    closes = device.lease.closes
    about = {"device": device.name, "practitioner": "p-1", "partition": "refuge"}
    take(**told(world, **about))
    held(world, "refuge", Way.TETHERED)
    found = of_partition(device, "refuge")
    assert (found.way, found.readable_until) == (Way.OFFLINE, closes)
    grant(**told(world, **about))
    assert of_partition(device, "refuge").readable_until == closes


def test_what_is_hidden_in_a_tethered_partition_concerns_devices_that_had_its_keys_alone(
    world: World, device: FieldDevice
) -> None:
    """H7: whoever never had it has nothing to confirm."""
    assert device.lease is not None
    held(world, "refuge", Way.TETHERED)
    other = world.device("refuge")
    other.sync()
    shield = told(world, record_id="r-refuge")
    raise_shield(**shield)
    world.seal()
    listed = [
        (each.device, each.stage, each.readable_until)
        for each in find_reached(
            world.platform, authority=AUTHORITY, record="r-refuge", now=world.now
        )
        if each.partition == "refuge"
    ]
    assert listed == [(device.name, "open", device.lease.closes)]


def test_a_sync_with_nothing_new_still_writes_nothing(world: World, device: FieldDevice) -> None:
    held(world, "refuge", Way.TETHERED)
    device.sync()
    device.sync()
    before = world.written()
    device.sync()
    assert world.written() == before
