"""Wipes as administrators give them: ordered, confirmed by a second one, withdrawn (design §8).

A device that is wiped loses nothing typed, but its holder loses the day. So more than a few within
an hour take two administrators, and an order can be withdrawn until the device has seen it.
"""

from __future__ import annotations

from fieldward_server.register_entries import AccessChange, WipeOrder, WipeWithdrawn
from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.devices import (
    begin_epochs,
    find_latest,
    give_order,
    move_to,
)
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import Transaction, devices, events, orders
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.orders import WipeRequest
from fieldward_sync.access import RIGHTS, UNDER_WIPE, Access, WipeState
from fieldward_sync.errors import CallerMistake

ALONE = 5
"""So many devices one administrator may wipe within ``HOUR_SECONDS``, whoever else wipes too."""
HOUR_SECONDS = 3600
WAITS_SECONDS = 24 * 3600
"""How long a wipe waits for a second administrator."""


def order_wipe(
    platform: Platform, *, authority: str, device: str, actor: str, reason: str, now: int
) -> bool:
    """Order a device's latest generation to destroy every key that reads; whether that waits for a
    second administrator. Ordered again, it changes nothing: a wipe is a state."""
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        state = WipeState(found.wipe)
        if state in UNDER_WIPE:
            return False
        waits = needs_second(transaction, found, now=now)
        if not waits:
            _begin(platform, transaction, row, found, now=now)
        elif state is WipeState.WAITING and _request(transaction, found).waits_until > now:
            return True
        else:
            devices.set_wipe(transaction, found, WipeState.WAITING.value)
            orders.put_wipe_request(
                transaction,
                WipeRequest(
                    authority, found.device, found.generation, actor, now, now + WAITS_SECONDS
                ),
            )
        action = "wipe-asked" if waits else "wipe-ordered"
        _tell(transaction, found, action, actor=actor, reason=reason, now=now)
        return waits


def confirm_wipe(
    platform: Platform, *, authority: str, device: str, actor: str, reason: str, now: int
) -> None:
    """Order a wipe that another administrator has asked for. Confirmed again, it changes nothing.

    ``CallerMistake``: "no-wipe-waiting" if none waits, or no more; "own-confirmation" from whoever
    asked for it.
    """
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        state = WipeState(found.wipe)
        if state in UNDER_WIPE:
            return
        if state is not WipeState.WAITING or _request(transaction, found).waits_until <= now:
            raise CallerMistake(
                "no-wipe-waiting",
                f"No wipe of {device} waits for a second administrator.",
                next_step="Order it: `fieldward device wipe`.",
            )
        if _request(transaction, found).asked_by == actor:
            raise CallerMistake(
                "own-confirmation",
                "Whoever asked for a wipe does not confirm it.",
                next_step="Have another administrator do it.",
            )
        _begin(platform, transaction, row, found, now=now)
        _tell(transaction, found, "wipe-ordered", actor=actor, reason=reason, now=now)


def withdraw_wipe(
    platform: Platform, *, authority: str, device: str, actor: str, reason: str, now: int
) -> None:
    """Take back a wipe that waits, or that the device has not seen. Withdrawn again, it changes
    nothing. A device that had the order on its way all the same says so by its receipt.

    ``CallerMistake``: "no-wipe" if there is none, "wipe-seen" if it is too late.
    """
    with opening(platform, authority) as transaction:
        locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        state = WipeState(found.wipe)
        if state is WipeState.WITHDRAWN:
            return
        if state is WipeState.NONE:
            raise CallerMistake("no-wipe", f"No wipe of {device} was ordered.")
        if state in (WipeState.SEEN, WipeState.DONE):
            raise CallerMistake(
                "wipe-seen",
                f"{device} has seen the order to wipe itself.",
                next_step="To work again it is enrolled anew: `fieldward device invite`.",
            )
        end_wipe(transaction, found, now=now)
        if state is WipeState.ORDERED:
            withdrawn = WipeWithdrawn(authority, found.device, found.generation, found.order_number)
            register(platform, transaction, withdrawn)
        _tell(transaction, found, "wipe-withdrawn", actor=actor, reason=reason, now=now)


def needs_second(transaction: Transaction, device: Device, *, now: int) -> bool:
    """Whether a wipe of this device now would take a second administrator."""
    since = now - HOUR_SECONDS
    wiped = orders.wiped_since(transaction, device.authority, since=since)
    return len(wiped - {(device.device, device.generation)}) >= ALONE


def begin_wipe(
    platform: Platform, transaction: Transaction, row: Authority, device: Device, *, now: int
) -> int:
    """Order a device to wipe itself, which it was not before; the order's number."""
    devices.set_wipe(transaction, device, WipeState.ORDERED.value)
    begin_epochs(platform, transaction, device)
    return give_order(platform, transaction, row, device, "wipe", now=now)


def end_wipe(transaction: Transaction, device: Device, *, now: int) -> None:
    """Take back what waits or has not been seen."""
    devices.set_wipe(transaction, device, WipeState.WITHDRAWN.value)
    orders.withdraw_wipes(transaction, device.authority, device.device, device.generation, at=now)


def _begin(
    platform: Platform, transaction: Transaction, row: Authority, device: Device, *, now: int
) -> None:
    number = begin_wipe(platform, transaction, row, device, now=now)
    for each in devices.generations(transaction, device.authority, device.device):
        # It may be read on another machine, where the folder was copied from.
        if each.generation != device.generation and RIGHTS[Access(each.access)].read:
            move_to(platform, transaction, row, each, Access.PAUSED, now=now)
            draining, paused = (
                AccessChange(each.authority, each.device, each.generation, access)
                for access in (each.access, Access.PAUSED.value)
            )
            register(platform, transaction, paused, before=draining)
    ordered = WipeOrder(device.authority, device.device, device.generation, number)
    register(platform, transaction, ordered)


def _request(transaction: Transaction, device: Device) -> WipeRequest:
    found = orders.wipe_request(transaction, device.authority, device.device, device.generation)
    if found is None:
        raise LookupError(f"{device.device} waits for nobody.")
    return found


def _tell(
    transaction: Transaction, device: Device, action: str, *, actor: str, reason: str, now: int
) -> None:
    events.add(
        transaction,
        authority=device.authority,
        at=now,
        actor=actor,
        action=action,
        subject=f"{device.device} {device.generation}",
        reason=reason,
    )
