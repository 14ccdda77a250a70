"""The list of devices is where an administrator's day begins (P10, P26, P28, P40)."""

from __future__ import annotations

import pytest

from children import AUTHORITY, stranger
from field_device import FieldDevice
from fieldward_server.services.custody.device_reports import list_devices
from fieldward_sync.access import Access
from service_world import World


@pytest.fixture
def world(world: World) -> World:
    world.load(stranger("r-1"))
    world.partition("caseload", "all")
    world.seal()
    return world


def with_lease(world: World, *, record_cap: int = 10) -> FieldDevice:
    device = world.device("caseload", record_cap=record_cap)
    device.sync()
    return device


def listed(world: World) -> list[str]:
    found = list_devices(world.platform, AUTHORITY, now=world.now)
    return [f"{each.device}.{each.generation}" for each in found]


def of(*found: FieldDevice) -> list[str]:
    return [f"{each.name}.{each.generation}" for each in found]


def test_what_has_to_be_seen_to_comes_first_and_what_is_over_last(world: World) -> None:
    """Whichever was heard of first: one that may still read though it is to be wiped or was
    revoked, over its cap, in use, and over."""
    wiped = world.device("caseload")
    wiped.order_wipe()
    world.now += 3600
    in_use, over_cap, revoked, to_be_wiped = (
        with_lease(world, record_cap=cap) for cap in (10, 1, 10, 10)
    )
    world.load(stranger("r-2"))
    world.now += 3600
    over_cap.sync()
    revoked.set_access(Access.REVOKED)
    to_be_wiped.order_wipe()
    shut = of(revoked, to_be_wiped)
    assert listed(world) == [*sorted(shut), *of(over_cap, in_use, wiped)]
    assert to_be_wiped.lease is not None
    world.now = to_be_wiped.lease.closes
    assert listed(world) == [*of(over_cap, in_use), *of(wiped), *sorted(shut)]


def test_of_those_in_use_the_one_comes_first_that_was_not_heard_of_for_longest(
    world: World,
) -> None:
    first, second = with_lease(world), with_lease(world)
    for heard, then in ((first, [second, first]), (second, [first, second])):
        world.now += 3600
        heard.sync()
        assert listed(world) == of(*then)


def test_an_earlier_generation_is_over_once_its_lease_is(world: World) -> None:
    device, other = with_lease(world), with_lease(world)
    before = of(device)
    device.enrol(world.code("caseload"))
    assert listed(world)[0] == before[0]
    assert other.lease is not None
    world.now = other.lease.closes
    assert listed(world)[-1] == before[0]


def test_a_device_says_how_much_it_has_still_to_deliver_and_when_it_last_had_done_so(
    world: World,
) -> None:
    """Asking for it and having done it are two things (P16)."""
    device = with_lease(world)
    device.sync()
    complete = world.now
    world.now += 3600
    device.sync(pending_edits=2)
    report = device.report()
    assert (report.pending_edits, report.last_contact, report.last_complete) == (
        2,
        world.now,
        complete,
    )
