"""Previews before a device is shut, and reports of lost ones, against lives whose truth is known.

A life is a script: the test does each step with a device and notes by itself what that means. The
report knows only the database.
"""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY, child
from field_device import FieldDevice
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.still_held import (
    VERBS,
    CustodyPreview,
    LossRecord,
    LossReport,
    list_loss_records,
    preview_verb,
    report_loss,
)
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_sync.access import MOVES, Access, Receipt
from fieldward_sync.custody import OUTCOMES
from fieldward_sync.errors import CallerMistake
from fieldward_sync.records import Value
from fieldward_sync.signing import sign
from service_world import World

DAY = 24 * 3600


def preview(device: FieldDevice, verb: str) -> CustodyPreview:
    world = device.world
    return preview_verb(
        world.platform, authority=AUTHORITY, device=device.name, verb=verb, now=world.now
    )


def loss(device: FieldDevice) -> LossReport:
    world = device.world
    return report_loss(world.platform, authority=AUTHORITY, device=device.name, now=world.now)


def records(device: FieldDevice) -> dict[str, LossRecord]:
    world = device.world
    listed = list_loss_records(
        world.platform, authority=AUTHORITY, device=device.name, now=world.now
    )
    return {each.record: each for each in listed}


def command(device: FieldDevice) -> dict[str, Any]:
    return {
        "authority": AUTHORITY,
        "device": device.name,
        "actor": "test",
        "reason": "lost",
        "now": device.world.now,
    }


def settle(device: FieldDevice, **changed: Any) -> None:
    """Sync until nothing is left to do on either side."""
    device.sync(**changed)
    device.sync()


@pytest.fixture
def device(world: World) -> FieldDevice:
    """A device that holds two records and has its lease."""
    world.load(child("r-1"), child("r-2"))
    world.partition("caseload", "all")
    world.seal()
    device = world.device("caseload")
    settle(device)
    return device


def test_a_preview_says_what_is_held_unsent_delivered_and_exposed(device: FieldDevice) -> None:
    """P4, P28"""
    device.world.now += 100
    device.sync(journal=device.journalled(3))
    came = device.world.now
    device.world.now += 200
    device.look_up()
    device.sync(pending_edits=4)
    assert device.lease is not None
    for verb in VERBS:
        seen = preview(device, verb)
        assert (seen.verb, seen.device, seen.records) == (verb, device.name, 2)
        assert (seen.unsent_edits, seen.unsent_look_ups) == (4, 1)
        assert (seen.journal_delivered, seen.last_entry_at) == (3, came)
        assert seen.last_contact == device.world.now
        assert (seen.exposed_until, seen.keys_until) == (device.lease.closes, device.lease.destroys)
        assert seen.aftermath == OUTCOMES[verb]
        assert seen.allowed


def test_a_preview_changes_nothing_and_says_whether_there_is_such_a_move(
    device: FieldDevice,
) -> None:
    for access in (Access.PAUSED, Access.DRAINING, Access.REVOKED):
        set_access(device.world.platform, access=access, **command(device))
        before = device.world.written()
        allowed = {verb: preview(device, verb).allowed for verb, target in VERBS.items() if target}
        assert allowed == {
            verb: target in MOVES[access] for verb, target in VERBS.items() if target
        }
        assert preview(device, "wipe").allowed
        assert device.world.written() == before
    order_wipe(device.world.platform, **command(device))
    assert not preview(device, "wipe").allowed


def test_look_ups_that_may_have_been_made_since_are_lost_count_unknown(
    device: FieldDevice,
) -> None:
    """U4: the device said five, three came, and it was readable afterwards."""
    device.world.now += 100
    device.sync(journal=device.journalled(3))
    closed = came = device.world.now
    device.world.now += 100
    for _ in range(2):
        device.look_up()
    device.sync()
    device.world.now += DAY
    seen = loss(device)
    assert (seen.look_ups_missing, seen.look_ups_missing_count) == ("at-least", 2)
    assert (seen.journal_delivered, seen.last_entry_at) == (3, came)
    assert (seen.journal_sealed, seen.last_seal_at, seen.last_seal_received) == (3, closed, came)
    assert seen.last_contact == device.world.now - DAY
    assert device.lease is not None
    assert (seen.unreadable_from, seen.proved_by) == (device.lease.closes, "lease")


def test_a_device_that_delivered_all_may_still_have_made_look_ups_since(
    device: FieldDevice,
) -> None:
    seen = loss(device)
    assert (seen.look_ups_missing, seen.look_ups_missing_count) == ("at-least", 0)


@pytest.mark.parametrize("delivers", [True, False])
def test_a_device_heard_after_its_lease_has_said_how_many_there_are(
    device: FieldDevice, delivers: bool
) -> None:
    assert device.lease is not None
    device.world.now = device.lease.closes + 5
    items = device.journalled(2)
    device.sync(role="device", journal=items if delivers else ())
    device.sync(role="device")
    seen = loss(device)
    expected = ("none", 0) if delivers else ("counted", 2)
    assert (seen.look_ups_missing, seen.look_ups_missing_count) == expected


def test_the_receipt_of_a_wipe_says_how_many_are_lost_and_from_when_nothing_is_read(
    device: FieldDevice,
) -> None:
    """U4, V6."""
    order_wipe(device.world.platform, **command(device))
    device.world.now += 50
    receipt = Receipt(AUTHORITY, device.name, 1, 1, "wipe", device.world.now - 7, 6)
    device.sync(role="device", receipts=(sign(receipt, device.identity),))
    seen = loss(device)
    assert (seen.look_ups_missing, seen.look_ups_missing_count) == ("counted", 6)
    assert (seen.unreadable_from, seen.proved_by) == (device.world.now, "receipt")
    assert seen.wipe is not None
    assert preview(device, "revoke").exposed_until == device.world.now
    assert not any(each.readable for each in records(device).values())


def test_a_device_that_never_had_a_lease_lost_nothing(world: World) -> None:
    world.load(child("r-1"))
    world.partition("caseload", "all")
    world.seal()
    device = world.device("caseload")
    seen = loss(device)
    assert (seen.unreadable_from, seen.proved_by) == (0, "no-lease")
    assert (seen.look_ups_missing, seen.look_ups_missing_count) == ("none", 0)
    assert not records(device)["r-1"].readable


def test_records_that_came_later_could_not_be_read_and_those_that_left_later_could(
    world: World,
) -> None:
    """A life: r-1 stays, r-2 leaves before the last complete sync by days, r-3 leaves after the
    device was lost, r-4 is made after it was lost, r-5 comes into a partition given too late."""
    world.load(child("r-1"), child("r-2"), child("r-3"))
    world.load(
        child("r-5", address={"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2HH"})
    )
    world.partition("near", "sector:M14 5")
    world.partition("far", "sector:S1 2")
    world.seal()
    device = world.device("near")
    settle(device)
    move_away(world, "r-2")
    world.now += 2 * DAY
    world.seal()
    settle(device)
    lost_at = world.now
    world.now += 3600
    move_away(world, "r-3")
    world.load(child("r-4"))
    world.seal()
    give_late(device, "far")
    world.now += 3600
    assert device.lease is not None
    until = device.lease.closes
    assert lost_at < until
    seen = records(device)
    could = {record for record, each in seen.items() if each.readable}
    assert could == {"r-1", "r-3"}
    assert {seen[record].until for record in could} == {until}
    assert {"r-4", "r-5"} <= seen.keys()
    assert seen["r-4"].partitions == ("near",)
    held = {each.partition: each.readable_until for each in loss(device).held}
    assert held == {"near": until, "far": 0}
    world.now = until + DAY  # what could be read then is said later too
    assert {record for record, each in records(device).items() if each.readable} == could


def test_a_partition_taken_back_counts_until_the_device_says_it_is_gone(
    device: FieldDevice,
) -> None:
    world = device.world
    take(
        world.platform,
        authority=AUTHORITY,
        device=device.name,
        practitioner=device.practitioner,
        partition="caseload",
        actor="test",
        reason="left-team",
        now=world.now,
    )
    assert device.lease is not None
    (held,) = loss(device).held
    assert (held.taken_at, held.gone_at) == (world.now, 0)
    assert held.readable_until == device.lease.closes
    assert records(device)["r-1"].readable
    world.now += 500
    settle(device)
    (held,) = loss(device).held
    assert held.gone_at == held.readable_until == world.now
    assert not records(device)["r-1"].readable


def test_a_device_nobody_enrolled_has_no_report(world: World) -> None:
    ask: dict[str, Any] = {"authority": AUTHORITY, "device": "d-9", "now": world.now}
    for report in (report_loss, list_loss_records):
        with pytest.raises(CallerMistake, match="no device") as refused:
            report(world.platform, **ask)
        assert refused.value.code == "unknown-device"


def move_away(world: World, record_id: str) -> None:
    """A child moves out of ``near``."""
    helper = world.device("near")
    helper.sync()
    address: Value = {"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2HH"}
    assert helper.edit(record_id, "address", address).outcome == "merged"


def give_late(device: FieldDevice, partition: str) -> None:
    grant(
        device.world.platform,
        practitioner=device.practitioner,
        partition=partition,
        **command(device),
    )
