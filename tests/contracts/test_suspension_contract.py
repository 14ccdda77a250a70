"""A suspended practitioner is shut out of all of their devices, and nobody else is (A4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from children import AUTHORITY, stranger
from enquiring import ADA
from field_device import FieldDevice
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.practitioners import (
    list_practitioners,
    resume_practitioner,
    show_practitioner,
    suspend_practitioner,
)
from fieldward_server.services.custody.time_codes import tell_time
from fieldward_server.services.events import list_events
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake, RefusedByServer
from service_world import World

AN_EIGHTH = 9 * 3600


def say(
    world: World,
    command: Callable[..., object],
    practitioner: str = "p-1",
    reason: str = "suspicion",
) -> None:
    """Give a command."""
    command(
        world.platform,
        authority=AUTHORITY,
        practitioner=practitioner,
        actor="mo",
        reason=reason,
        now=world.now,
    )


def suspend(world: World, practitioner: str = "p-1") -> None:
    say(world, suspend_practitioner, practitioner)


def resume(world: World) -> None:
    say(world, resume_practitioner, reason="nothing-found")


@pytest.fixture
def device(world: World) -> FieldDevice:
    """Of ``p-1``, who is to be suspended; ``p-2`` is their colleague."""
    world.load(stranger("r"))
    world.partition("caseload", "all")
    world.practitioner("p-2")
    world.seal()
    device = world.device("caseload")
    device.sync()
    return device


def joined(world: World, device: FieldDevice) -> FieldDevice:
    """The colleague, who comes to the device."""
    device.join(device.join_request(world.code("caseload", practitioner="p-2")))
    return device


def test_on_each_of_their_devices_no_lease_comes_and_nothing_new(
    world: World, device: FieldDevice
) -> None:
    other = world.device("caseload")
    other.sync()
    suspend(world)
    world.now += AN_EIGHTH
    world.load(stranger("r-new"))
    world.seal()
    for each in (device, other):
        answer = each.sync()
        assert (answer.suspended, answer.access) == (("p-1",), "active")
        assert (answer.lease, answer.lease_refused) == (None, "suspended")
        assert (answer.distribution, answer.notices) == (None, ())


def test_a_device_that_they_come_to_later_gets_no_lease_either(world: World) -> None:
    """The code was given before."""
    code = world.code()
    suspend(world)
    device = FieldDevice(world)
    device.enrol(code)
    answer = device.sync()
    assert (answer.suspended, answer.lease_refused) == (("p-1",), "suspended")


def test_a_locked_device_hears_of_it_and_so_does_one_with_nothing_new(
    world: World, device: FieldDevice
) -> None:
    suspend(world)
    device.sync(next_hpke_key=None)
    written = world.written()
    for role in ("device", "p-1"):
        assert device.sync(role=role, next_hpke_key=None).suspended == ("p-1",)
    assert world.written() == written, "a sync with nothing new writes nothing"


def test_a_colleague_on_the_same_device_is_as_before(world: World, device: FieldDevice) -> None:
    joined(world, device).sync()
    suspend(world)
    world.now += AN_EIGHTH
    world.load(stranger("r-new"))
    world.seal()
    answer = device.sync()
    assert answer.suspended == ("p-1",), "the device is told, whoever is at it"
    assert device.contents("caseload").keys() == {"r", "r-new"}
    assert answer.lease is not None
    suspended = {each.practitioner: each.suspended for each in device.report().holders}
    assert suspended == {"p-1": True, "p-2": False}


def test_what_they_typed_merges_and_their_look_ups_come_in(
    world: World, device: FieldDevice
) -> None:
    suspend(world)
    assert device.edit("r", "sex", "male").outcome == "merged"
    assert device.sync(journal=device.journalled(3)).journal_next == 3


def test_resumed_they_have_what_they_had_and_what_came_meanwhile(
    world: World, device: FieldDevice
) -> None:
    suspend(world)
    device.sync()
    world.load(stranger("r-new"))
    world.seal()
    resume(world)
    world.now += AN_EIGHTH
    answer = device.sync()
    assert (answer.suspended, answer.lease_refused) == ((), "")
    assert device.contents("caseload").keys() == {"r", "r-new"}


def test_who_suspended_whom_why_and_since_when_is_on_record(
    world: World, device: FieldDevice
) -> None:
    before = len(list_events(world.platform, AUTHORITY))
    since = world.now
    suspend(world)
    world.now += 60
    suspend(world)
    assert show(world).practitioner.suspended_at == since, "once is enough"
    resume(world)
    resume(world)
    said = [
        (each.actor, each.action, each.subject, each.reason)
        for each in list_events(world.platform, AUTHORITY)[before:]
    ]
    assert said == [
        ("mo", "practitioner-suspended", "p-1", "suspicion"),
        ("mo", "practitioner-resumed", "p-1", "nothing-found"),
    ]
    assert show(world).practitioner.suspended_at == 0


def test_nothing_but_resuming_lifts_it(world: World, device: FieldDevice) -> None:
    """Not vetting that is renewed, nor a device that is resumed."""
    suspend(world)
    world.practitioner("p-1")
    device.set_access(Access.PAUSED)
    device.set_access(Access.ACTIVE)
    assert device.sync().suspended == ("p-1",)
    assert [bool(each.suspended_at) for each in list_practitioners(world.platform, AUTHORITY)] == [
        True,
        False,
    ]


def test_resuming_a_practitioner_resumes_no_device(world: World, device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)
    suspend(world)
    resume(world)
    answer = device.sync()
    assert (answer.access, answer.suspended) == ("paused", ())


def test_nobody_is_invited_and_no_device_prepared_for_them(
    world: World, device: FieldDevice
) -> None:
    suspend(world, "p-2")
    with pytest.raises(CallerMistake, match="suspended"):
        world.code("caseload", practitioner="p-2")
    with pytest.raises(CallerMistake, match="suspended"):
        prepare(world, device)


def test_a_hand_over_to_them_goes_and_comes_back(world: World, device: FieldDevice) -> None:
    prepare(world, device)
    assert device.sync().hand_over is not None
    suspend(world, "p-2")
    answer = device.sync()
    assert (answer.suspended, answer.hand_over_id) == (("p-2",), b"")
    say(world, resume_practitioner, "p-2")
    assert device.sync().hand_over is not None


def test_they_enquire_of_nobody(world: World, device: FieldDevice) -> None:
    suspend(world)
    with pytest.raises(RefusedByServer, match="suspended"):
        device.ask(device.enquiry(ADA))
    device.ask(joined(world, device).enquiry(ADA))


def test_the_time_is_told_to_a_device_where_somebody_may_read(
    world: World, device: FieldDevice
) -> None:
    """A time code would open what the clock has closed (V5)."""
    told: dict[str, Any] = {
        "authority": AUTHORITY,
        "device": device.name,
        "challenge": bytes(10),
        "actor": "mo",
        "reason": "no-signal",
        "now": world.now,
    }
    suspend(world)
    with pytest.raises(CallerMistake, match="device-shut"):
        tell_time(world.platform, **told)
    joined(world, device)
    assert tell_time(world.platform, **told).time == world.now


def test_it_is_seen_where_they_can_read_until_when(world: World, device: FieldDevice) -> None:
    other = world.device("caseload")
    world.device("caseload", practitioner="p-2")
    on = {each.device: each for each in show(world).devices}
    assert on.keys() == {device.name, other.name}
    assert device.lease is not None
    assert on[device.name].holding.lease_closes == device.lease.closes
    assert on[device.name].holding.partitions == ("caseload",)
    assert (on[device.name].last_contact, on[other.name].holding.lease_closes) == (world.now, 0)
    assert not any(each.holding.suspended for each in on.values())
    suspend(world)
    assert all(each.holding.suspended for each in show(world).devices)


@pytest.mark.parametrize("command", [suspend_practitioner, resume_practitioner])
def test_who_is_nobody_is_neither_suspended_nor_resumed(
    world: World, command: Callable[..., object]
) -> None:
    with pytest.raises(CallerMistake, match="unknown-practitioner"):
        say(world, command, "p-9")


def show(world: World) -> Any:
    return show_practitioner(world.platform, authority=AUTHORITY, practitioner="p-1")


def prepare(world: World, device: FieldDevice) -> None:
    prepare_hand_over(
        world.platform,
        authority=AUTHORITY,
        device=device.name,
        practitioner="p-2",
        partitions=["caseload"],
        valid_seconds=3600,
        actor="mo",
        reason="test",
        now=world.now,
    )
