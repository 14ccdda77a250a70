"""The server tells a device without signal the time, on record and where it is to read (V5, A8)."""

from __future__ import annotations

import os

import pytest

from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.services.custody.time_codes import tell_time
from fieldward_server.services.custody.wipes import order_wipe, withdraw_wipe
from fieldward_server.services.events import list_events
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake
from fieldward_sync.time_codes import open_time_code
from service_world import World

CHALLENGE = os.urandom(10)


@pytest.fixture
def device(world: World) -> FieldDevice:
    world.partition("caseload", "all")
    world.seal()
    device = world.device("caseload")
    device.sync()
    return device


def told(device: FieldDevice, *, name: str | None = None) -> int:
    """The time that the device finds in the code it is told."""
    world = device.world
    given = tell_time(
        world.platform,
        authority=AUTHORITY,
        device=name or device.name,
        challenge=CHALLENGE,
        actor="mo",
        reason="no-signal",
        now=world.now,
    )
    found = open_time_code(
        given.code,
        authority=AUTHORITY,
        device=device.name,
        generation=device.generation,
        challenge=CHALLENGE,
        answer_key=device.trust.answer_key,
    )
    assert found == given.time
    return found


def test_a_device_is_told_the_servers_time_and_that_is_on_record(device: FieldDevice) -> None:
    holders = device.report().holders
    assert told(device) == device.world.now
    event = list_events(device.world.platform, AUTHORITY)[-1]
    assert (event.actor, event.action, event.subject, event.reason) == (
        *("mo", "time-told", f"{device.name} {device.generation}", "no-signal"),
    )
    assert device.report().holders == holders, "no lease becomes longer"


def test_a_device_that_is_not_to_read_is_not_told_the_time(device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)
    with pytest.raises(CallerMistake, match="device-shut"):
        told(device)
    device.set_access(Access.DRAINING)
    assert told(device)
    device.set_access(Access.REVOKED)
    with pytest.raises(CallerMistake, match="device-shut"):
        told(device)


def test_a_device_that_is_to_be_wiped_is_not_told_the_time(device: FieldDevice) -> None:
    platform, now = device.world.platform, device.world.now
    wipe = {"authority": AUTHORITY, "device": device.name, "actor": "mo", "reason": "stolen"}
    order_wipe(platform, **wipe, now=now)
    with pytest.raises(CallerMistake, match="device-shut"):
        told(device)
    withdraw_wipe(platform, **wipe, now=now)
    assert told(device)


def test_a_device_that_nobody_has_enrolled_is_told_nothing(device: FieldDevice) -> None:
    with pytest.raises(CallerMistake, match="unknown-device"):
        told(device, name="d-nowhere")
