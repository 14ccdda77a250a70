"""Orders: repeated until a receipt that holds has come."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.services.custody.device_reports import WipeReport, list_devices, show_device
from fieldward_server.services.events import list_incidents
from fieldward_sync.access import Access, Order, Receipt, RefusedOrder, WipeState, open_order
from fieldward_sync.errors import CallerMistake
from fieldward_sync.signing import Signed, sign, signing_key
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    world.partition("caseload", "all")
    world.seal()
    device = world.device("caseload")
    device.sync()
    return device


def ordered(device: FieldDevice, **changed: Any) -> list[Order]:
    """The orders in the answer to a sync with the device's key."""
    answer = device.sync(role="device", **changed)
    return [
        open_order(
            signed,
            device.trust.answer_key,
            authority=AUTHORITY,
            device=device.name,
            generation=1,
        )
        for signed in answer.orders
    ]


def receipt(answering: FieldDevice, order: Order, **changed: Any) -> Signed:
    fields = {
        "authority": order.authority,
        "device": order.device,
        "generation": order.generation,
        "number": order.number,
        "kind": order.kind,
        "done_at": answering.world.now - 7,
        "journal_size": 0,
    }
    return sign(Receipt(**{**fields, **changed}), answering.identity)


def wipe_report(device: FieldDevice) -> WipeReport:
    report = device.report().wipe
    assert report is not None
    return report


def test_a_wipe_is_repeated_until_its_receipt_has_come(device: FieldDevice) -> None:
    device.order_wipe()
    device.order_wipe()
    (order,) = ordered(device)
    assert order.kind == "wipe"
    assert wipe_report(device).state is WipeState.ORDERED
    device.world.now += 100
    assert ordered(device, orders_seen=order.number) == [order]
    assert wipe_report(device).state is WipeState.SEEN
    assert wipe_report(device).seen_at == device.world.now
    assert ordered(device, receipts=(receipt(device, order),)) == []
    report = wipe_report(device)
    assert (report.state, report.done_at) == (WipeState.DONE, device.world.now - 7)
    assert report.receipt_at == device.world.now
    assert not report.lease_over
    assert device.world.incidents() == []


def test_a_receipt_that_comes_twice_is_fine(device: FieldDevice) -> None:
    device.order_wipe()
    (order,) = ordered(device)
    for _ in range(2):
        assert ordered(device, receipts=(receipt(device, order),)) == []
    assert device.world.incidents() == []


def test_a_receipt_that_does_not_hold_closes_nothing(device: FieldDevice) -> None:
    device.order_wipe()
    (order,) = ordered(device)
    forged = (
        sign(Receipt(AUTHORITY, device.name, 1, 1, "wipe", 1, 0), signing_key(bytes(32))),
        sign(Receipt(AUTHORITY, device.name, 1, 1, "wipe", 1, 0), device.signing),
        receipt(device, order, device="d-other"),
        receipt(device, order, generation=2),
    )
    for wrong in forged:
        assert ordered(device, receipts=(wrong,)) == [order]
    assert set(device.world.incidents()) == {"receipt-refused"}
    assert ordered(device, receipts=(receipt(device, order, kind="pause"),)) == [order]
    assert ordered(device, receipts=(receipt(device, order, number=9),)) == [order]
    assert wipe_report(device).state is WipeState.ORDERED


def test_an_order_that_a_device_refused_is_an_incident_once(device: FieldDevice) -> None:
    """A stolen device could say so for ever; so could a lost answer."""
    refused = (RefusedOrder(4, "signature-wrong"), RefusedOrder(0, "order-unreadable"))
    for _ in range(2):
        ordered(device, refused_orders=refused)
    found = list_incidents(device.world.platform, AUTHORITY)
    assert [(each.device, each.kind, each.detail) for each in found] == [
        (device.name, "order-refused", "signature-wrong 4"),
        (device.name, "order-refused", "order-unreadable"),
    ]


def test_an_order_that_was_never_given_is_an_incident_and_says_nothing_of_others(
    device: FieldDevice,
) -> None:
    """Somebody else signs with the server's key; what waits was not seen for that."""
    device.order_wipe()
    (order,) = ordered(device)
    for _ in range(2):
        never_given = receipt(device, order, number=order.number + 1)
        assert ordered(device, orders_seen=order.number + 1, receipts=(never_given,)) == [order]
    assert wipe_report(device).state is WipeState.ORDERED
    found = list_incidents(device.world.platform, AUTHORITY)
    assert [(each.kind, each.detail) for each in found] == [("order-unknown", "2")]


def test_without_a_receipt_a_wipe_ends_unconfirmed_with_the_lease(device: FieldDevice) -> None:
    device.order_wipe()
    report = wipe_report(device)
    assert device.lease is not None
    assert (report.lease_over, report.unreadable_from) == (False, device.lease.closes)
    device.world.now = device.lease.closes
    report = wipe_report(device)
    assert (report.lease_over, report.state) == (True, WipeState.ORDERED)


def test_a_pause_reaches_a_locked_device_and_a_wipe_comes_before_it(device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)
    assert [order.kind for order in ordered(device)] == ["pause"]
    device.order_wipe()
    assert [order.kind for order in ordered(device)] == ["wipe", "pause"]
    device.set_access(Access.ACTIVE)
    assert [order.kind for order in ordered(device)] == ["wipe", "pause", "resume"]


def test_access_moves_only_as_the_table_says(device: FieldDevice) -> None:
    device.set_access(Access.DRAINING)
    device.set_access(Access.DRAINING)
    device.set_access(Access.REVOKED)
    with pytest.raises(CallerMistake, match="no-such-move"):
        device.set_access(Access.ACTIVE)
    assert device.report().access is Access.REVOKED


def test_an_administrator_sees_what_a_device_holds_and_still_has(device: FieldDevice) -> None:
    device.journalled(2)
    device.sync(pending_edits=3)
    report = device.report()
    assert (report.pending_edits, report.journal_size, report.journal_delivered) == (3, 2, 0)
    assert (report.last_contact, report.assurance) == (device.world.now, "file")
    assert [holder.partitions for holder in report.holders] == [("caseload",)]
    assert list_devices(device.world.platform, AUTHORITY, now=device.world.now) == (report,)


def test_a_sync_is_complete_when_nothing_is_left_on_either_side(device: FieldDevice) -> None:
    assert device.report().last_complete == 0
    device.sync()
    assert device.report().last_complete == device.world.now
    complete = device.world.now
    device.world.now += 100
    device.sync(pending_edits=1)
    report = device.report()
    assert (report.last_complete, report.last_contact) == (complete, device.world.now)


def test_an_unknown_device_is_named(world: World) -> None:
    with pytest.raises(CallerMistake, match="unknown-device"):
        show_device(world.platform, authority=AUTHORITY, device="d-0", now=world.now)
