"""Taking in what devices say of orders: that they have stored them, and their signed receipts."""

from __future__ import annotations

from collections.abc import Iterable

from fieldward_server.register_entries import WipeReceipt
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import register
from fieldward_server.storage import Transaction, devices, events, orders
from fieldward_server.storage.devices import Device
from fieldward_server.storage.orders import StoredOrder
from fieldward_sync.access import WIPE_MOVES, Receipt, RefusedOrder, WipeState
from fieldward_sync.encoding import pack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.signing import Signed

WIPE = "wipe"


def newly_seen(
    device: Device, open_orders: Iterable[StoredOrder], *, up_to: int
) -> tuple[StoredOrder, ...]:
    """Which of these a device has stored that says so up to this number, and had not said so.

    Of one that was withdrawn that is not known: later orders have higher numbers. Nor of any, where
    the device has seen a number that was never given.
    """
    if up_to > device.order_number:
        return ()
    return tuple(
        order
        for order in open_orders
        if order.number <= up_to and order.seen_at is None and order.withdrawn_at is None
    )


def take_seen(
    transaction: Transaction,
    device: Device,
    open_orders: Iterable[StoredOrder],
    *,
    up_to: int,
    now: int,
) -> None:
    """The device has stored the orders up to this number. One that was never given opens an
    incident: somebody else signs with our key."""
    if up_to > device.order_number:
        events.open_incident(transaction, device, "order-unknown", str(up_to), at=now)
    newly = newly_seen(device, open_orders, up_to=up_to)
    orders.mark_seen(transaction, newly, at=now)
    if any(order.kind == WIPE for order in newly):
        _move_wipe(transaction, device, WipeState.SEEN)


def take_receipts(
    platform: Platform,
    transaction: Transaction,
    device: Device,
    open_orders: Iterable[StoredOrder],
    receipts: Iterable[Signed],
    *,
    now: int,
) -> None:
    """Close each order that has its receipt, signed with the device's identity key.

    A receipt that does not hold closes nothing and opens an incident; one that came before is fine.
    """
    by_number = {order.number: order for order in open_orders}
    for signed in receipts:
        try:
            receipt = _read(signed, device)
        except PeerBrokeProtocol as e:
            events.open_incident(transaction, device, "receipt-refused", e.code, at=now)
            continue
        order = by_number.get(receipt.number)
        if order is not None and order.kind == receipt.kind:
            if order.kind == WIPE:
                obeyed = WipeReceipt(device.authority, device.device, device.generation, signed)
                register(platform, transaction, obeyed)
            close_order(transaction, device, order, signed, now=now)


def take_refusals(
    transaction: Transaction, device: Device, refused: Iterable[RefusedOrder], *, now: int
) -> None:
    """Each order that a device did not obey opens an incident, once: somebody forged it, or brought
    back or sent astray one that was signed for something else."""
    for each in refused:
        detail = f"{each.code} {each.number}" if each.number else each.code
        events.open_incident(transaction, device, "order-refused", detail, at=now)


def _read(signed: Signed, device: Device) -> Receipt:
    receipt = signed.open(Receipt, device.identity_key)
    meant = (receipt.authority, receipt.device, receipt.generation)
    if meant != (device.authority, device.device, device.generation):
        raise PeerBrokeProtocol("receipt-misaddressed", "The receipt is of another device.")
    return receipt


def close_order(
    transaction: Transaction, device: Device, order: StoredOrder, signed: Signed, *, now: int
) -> None:
    """An order has been obeyed, as its receipt says, which was checked."""
    orders.close(transaction, order, receipt=pack(signed), at=now)
    if order.kind == WIPE:
        _move_wipe(transaction, device, WipeState.DONE)
    events.add(
        transaction,
        authority=device.authority,
        at=now,
        actor=device.device,
        action=f"{order.kind}-done",
        subject=f"{device.device} {device.generation}",
    )


def _move_wipe(transaction: Transaction, device: Device, state: WipeState) -> None:
    """Devices may say things late or twice: only what the table allows moves it."""
    current = devices.find(transaction, device.authority, device.device, device.generation)
    if current is not None and state in WIPE_MOVES[WipeState(current.wipe)]:
        devices.set_wipe(transaction, device, state.value)
