"""Commands to devices, and their access (design §8)."""

from __future__ import annotations

from typing import Literal

from fieldward_server.register_entries import AccessChange, CapChange
from fieldward_server.services.authorities import locked, open_answer_key
from fieldward_server.services.distribution.holdings import over_cap, records_held, require_reason
from fieldward_server.services.distribution.partition_keys import begin_epoch
from fieldward_server.services.distribution.partitions import find_partition
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import Transaction, devices, events, grants, holders, orders
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_sync.access import MOVES, RIGHTS, Access, Order, WipeState, require_move
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.signing import sign

OrderKind = Literal["pause", "resume", "wipe"]

OPEN_WIPE = frozenset({WipeState.WAITING, WipeState.ORDERED, WipeState.SEEN})
"""Asked for and not confirmed: nobody sheds it by enrolling again."""


def set_access(
    platform: Platform,
    *,
    authority: str,
    device: str,
    access: Access,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Move a device's latest generation to another access state. Whoever is paused or revoked is so
    under every generation: an earlier one may be read on another machine, where the folder was
    copied from, and what still comes of it merges no more than the rest (P25).

    ``CallerMistake("no-such-move")`` where ``access.MOVES`` has no such move. The state it is in
    already changes nothing.
    """
    with opening(platform, authority) as transaction:
        row = locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        before = Access(found.access)
        if access is before:
            return
        require_move(MOVES, before, access)
        moved = [found]
        if not RIGHTS[access].read:
            moved = [
                each
                for each in devices.generations(transaction, authority, device)
                if access in MOVES[Access(each.access)]
            ]
        for each in moved:
            move_to(platform, transaction, row, each, access, now=now)
        register(
            platform,
            transaction,
            *(AccessChange(authority, device, each.generation, access.value) for each in moved),
            before=AccessChange(authority, device, found.generation, before.value),
        )
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action=f"access-{access.value}",
            subject=f"{device} {found.generation}",
            reason=reason,
        )


def set_cap(
    platform: Platform,
    *,
    authority: str,
    device: str,
    record_cap: int,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Let a device's latest generation hold so many records. The cap it has changes nothing.

    ``CallerMistake``: "reason-needed" for more than the default without a reason, "over-cap" for
    fewer than it may hold now: what it holds is taken back as a grant, in sight.
    """
    require_reason(record_cap, reason)
    with opening(platform, authority) as transaction:
        locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        if record_cap == found.record_cap:
            return
        held = records_held(transaction, found)
        if held > record_cap:
            raise over_cap(
                f"{device} may hold {held:,} records now; its cap would be {record_cap:,}.",
                next_step="Take a partition back first: `fieldward grant take`.",
            )
        devices.set_record_cap(transaction, found, record_cap)
        register(
            platform,
            transaction,
            CapChange(authority, device, found.generation, record_cap),
            before=CapChange(authority, device, found.generation, found.record_cap),
        )
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="cap-set",
            subject=f"{device} {found.generation} {record_cap}",
            reason=reason,
        )


def move_to(
    platform: Platform,
    transaction: Transaction,
    row: Authority,
    device: Device,
    access: Access,
    *,
    now: int,
) -> None:
    """Move a device to another access state, whether or not there is such a move."""
    devices.set_access(transaction, device, access.value)
    if access is Access.REVOKED:
        holders.erase_lease_secrets(transaction, device)
        begin_epochs(platform, transaction, device)
    elif RIGHTS[access].read != RIGHTS[Access(device.access)].read:
        kind: OrderKind = "resume" if RIGHTS[access].read else "pause"
        give_order(platform, transaction, row, device, kind, now=now)


def known_device(transaction: Transaction, authority: str, device: str, generation: int) -> Device:
    """A device of one generation; ``CallerMistake("unknown-device")`` if there is none."""
    return _known(devices.find(transaction, authority, device, generation), device)


def find_latest(transaction: Transaction, authority: str, device: str) -> Device:
    """A device's latest generation; ``CallerMistake("unknown-device")`` if there is none."""
    return _known(devices.latest(transaction, authority, device), device)


def unknown_device(device: str) -> CallerMistake:
    """What to raise for a device that nobody has enrolled."""
    return CallerMistake(
        "unknown-device",
        f"There is no device {device[:32]!r}.",
        next_step="`fieldward device list` has them all.",
    )


def _known(found: Device | None, device: str) -> Device:
    if found is None:
        raise unknown_device(device)
    return found


def begin_epochs(platform: Platform, transaction: Transaction, device: Device) -> None:
    """What is sealed from now on does not open with the keys on this device."""
    lost = {
        grant.partition_id
        for holder in holders.of_device(transaction, device)
        for grant in grants.of_holder(transaction, holder)
    }
    for partition in sorted(lost):
        begin_epoch(platform, transaction, find_partition(transaction, device.authority, partition))


def give_order(
    platform: Platform,
    transaction: Transaction,
    authority: Authority,
    device: Device,
    kind: OrderKind,
    *,
    now: int,
) -> int:
    """Give a device the next order; its number."""
    order = Order(
        authority=device.authority,
        device=device.device,
        generation=device.generation,
        number=orders.next_number(transaction, device.authority, device.device, device.generation),
        kind=kind,
        issued=now,
    )
    orders.add(
        transaction,
        authority=order.authority,
        device=order.device,
        generation=order.generation,
        number=order.number,
        kind=kind,
        signed=pack(sign(order, open_answer_key(platform, authority))),
        issued=now,
    )
    return order.number
