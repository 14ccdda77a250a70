"""What a sync administrator sees of devices, and the commands to them (design §8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from fieldward_server.register_entries import AccessChange, CapChange
from fieldward_server.services.authorities import locked, open_answer_key
from fieldward_server.services.holdings import (
    RecordsByWay,
    over_cap,
    records_by_way,
    records_held,
    require_reason,
)
from fieldward_server.services.journal_intake import read_head
from fieldward_server.services.partition_keys import begin_epoch
from fieldward_server.services.partitions import find_partition
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import (
    Transaction,
    devices,
    events,
    grants,
    holders,
    orders,
    practitioners,
)
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.orders import StoredOrder
from fieldward_sync.access import (
    MOVES,
    RIGHTS,
    UNDER_WIPE,
    Access,
    Order,
    Receipt,
    WipeState,
    require_move,
)
from fieldward_sync.encoding import decode, pack, unpack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed, sign
from fieldward_sync.ways import KEPT, Way

OrderKind = Literal["pause", "resume", "wipe"]

OPEN_WIPE = frozenset({WipeState.WAITING, WipeState.ORDERED, WipeState.SEEN})
"""Asked for and not confirmed: nobody sheds it by enrolling again."""


@dataclass(frozen=True)
class HolderReport:
    """A practitioner on a device, and their lease there. Times are 0 where there is none yet."""

    practitioner: str
    partitions: tuple[str, ...]
    """Granted now."""
    ways: tuple[str, ...]
    """How each of them is held."""
    records: int
    """In these partitions, as far as they are on the device; one in two of them counts twice."""
    lease_issued: int
    lease_closes: int
    lease_destroys: int
    awaited: bool
    """They are handed the device over by a code, and have not been heard."""
    withdrawn: bool
    """They were not heard, and are not to come any more. Where the device was not synced since, the
    code still opens what waits there."""
    suspended: bool
    """They are, on all of their devices (A4); a device knows from its next contact on."""


@dataclass(frozen=True)
class WipeReport:
    """How far a wipe has come. Only a signed receipt makes it done (V6)."""

    state: WipeState
    asked_by: str
    """Who asked for it, where it waits for a second administrator."""
    waits_until: int
    """Past that, it is asked for again or withdrawn."""
    ordered_at: int
    seen_at: int
    receipt_at: int
    done_at: int
    """By the device's own clock, from its receipt."""
    unreadable_from: int
    """When the last lease closes, if no receipt comes."""
    journal_size: int
    """Entries in its journal when it obeyed, from its receipt: what must still arrive (U4)."""
    withdrawn_at: int
    lease_over: bool
    """No receipt, but the last lease has run out: nothing opens there any more."""


@dataclass(frozen=True)
class DeviceReport:
    """A device of one generation. Times are whole seconds since 1970 UTC, 0 for never."""

    authority: str
    device: str
    generation: int
    name: str
    access: Access
    assurance: str
    enrolled_at: int
    last_contact: int
    last_complete: int
    """The last sync after which nothing was left to do on either side."""
    pending_edits: int
    """As the device last said."""
    records: int
    """That its holders may hold there, each counted once; what is held tethered is not there."""
    by_way: RecordsByWay
    record_cap: int
    """More than so many are given to it by no command."""
    journal_size: int
    """As the device last said."""
    journal_delivered: int
    journal_sealed: int
    incidents: int
    holders: tuple[HolderReport, ...]
    wipe: WipeReport | None


def list_devices(platform: Platform, authority: str, *, now: int) -> tuple[DeviceReport, ...]:
    """An authority's devices, each generation: what has to be seen to first, then those that were
    not heard of for longest (P10), and what is over last."""
    with platform.storage.reading() as transaction:
        reports = [
            report_device(transaction, device, now=now)
            for device in devices.of_authority(transaction, authority)
        ]
    latest = {report.device: report.generation for report in reports}  # they come by generation
    return tuple(
        sorted(
            reports,
            key=lambda it: (
                _concern(it, is_latest=it.generation == latest[it.device], now=now),
                it.last_contact,
                it.device,
                it.generation,
            ),
        )
    )


def show_device(platform: Platform, *, authority: str, device: str, now: int) -> DeviceReport:
    """A device's latest generation; ``CallerMistake("unknown-device")`` if there is none."""
    with platform.storage.reading() as transaction:
        return report_device(transaction, find_latest(transaction, authority, device), now=now)


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
    """Move a device's latest generation to another access state. Whoever is revoked is so under
    every generation: what still comes of an earlier one merges no more than the rest (P25).

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
        if access is Access.REVOKED:
            moved = [
                each
                for each in devices.generations(transaction, authority, device)
                if Access(each.access) is not Access.REVOKED
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


def report_device(transaction: Transaction, device: Device, *, now: int) -> DeviceReport:
    """What there is to see of a device."""
    head, by_way = read_head(device), records_by_way(transaction, device)
    there = holders.of_device(transaction, device)
    suspended = practitioners.suspended_on(transaction, device)
    return DeviceReport(
        authority=device.authority,
        device=device.device,
        generation=device.generation,
        name=device.name,
        access=Access(device.access),
        assurance=device.assurance,
        enrolled_at=device.enrolled_at,
        last_contact=device.last_contact,
        last_complete=device.last_complete,
        pending_edits=device.pending_edits,
        records=by_way.here,
        by_way=by_way,
        record_cap=device.record_cap,
        journal_size=device.journal_size,
        journal_delivered=head.size,
        journal_sealed=head.sealed_size,
        incidents=events.incidents_of(
            transaction, device.authority, device.device, device.generation
        ),
        holders=tuple(
            report_holder(transaction, holder, suspended=holder.practitioner in suspended)
            for holder in there
        ),
        wipe=_wipe_report(transaction, device, there, now=now),
    )


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


class _Concern(IntEnum):
    """What of a device an administrator sees first."""

    MAY_STILL_READ = 0
    """It is to be shut, nobody knows that it is, and its lease is not over."""
    OVER_CAP = 1
    IN_USE = 2
    OVER = 3
    """Wiped, revoked, or of an earlier generation, and nothing opens there."""


def _concern(report: DeviceReport, *, is_latest: bool, now: int) -> _Concern:
    wipe = report.wipe.state if report.wipe else WipeState.NONE
    if wipe is WipeState.DONE:
        return _Concern.OVER
    is_to_be_shut = wipe in OPEN_WIPE or report.access is Access.REVOKED
    if is_to_be_shut or not is_latest:
        reads = any(now < holder.lease_closes for holder in report.holders)
        return _Concern.MAY_STILL_READ if reads else _Concern.OVER
    return _Concern.OVER_CAP if report.records > report.record_cap else _Concern.IN_USE


def report_holder(transaction: Transaction, holder: Holder, *, suspended: bool) -> HolderReport:
    """What there is to see of a practitioner on a device."""
    granted = grants.of_holder(transaction, holder)
    return HolderReport(
        practitioner=holder.practitioner,
        partitions=tuple(g.partition_id for g in granted),
        ways=tuple(g.way for g in granted),
        records=sum(g.records for g in granted if KEPT[Way(g.way)].files),
        lease_issued=holder.lease_issued,
        lease_closes=holder.lease_closes,
        lease_destroys=holder.lease_destroys,
        awaited=holder.is_awaited and bool(granted),
        withdrawn=holder.is_awaited and not granted,
        suspended=suspended,
    )


def _wipe_report(
    transaction: Transaction, device: Device, there: tuple[Holder, ...], *, now: int
) -> WipeReport | None:
    state = WipeState(device.wipe)
    if state is WipeState.NONE:
        return None
    key = device.authority, device.device, device.generation
    request = orders.wipe_request(transaction, *key) if state is WipeState.WAITING else None
    order = _wipe_that_counts(orders.of_device(transaction, *key))
    closes = max((holder.lease_closes for holder in there), default=0)
    receipt = _read_receipt(order.receipt) if order and order.receipt else None
    return WipeReport(
        state=state,
        asked_by=request.asked_by if request else "",
        waits_until=request.waits_until if request else 0,
        ordered_at=order.issued if order else 0,
        seen_at=(order.seen_at or 0) if order else 0,
        receipt_at=(order.receipt_at or 0) if order else 0,
        done_at=receipt.done_at if receipt else 0,
        unreadable_from=closes,
        journal_size=receipt.journal_size if receipt else 0,
        withdrawn_at=(order.withdrawn_at or 0) if order else 0,
        lease_over=state in UNDER_WIPE and receipt is None and now >= closes,
    )


def _wipe_that_counts(given: tuple[StoredOrder, ...]) -> StoredOrder | None:
    """The first that has its receipt: it was obeyed. Otherwise the last."""
    wipes = [order for order in given if order.kind == "wipe"]
    obeyed = (order for order in wipes if order.receipt is not None)
    return next(obeyed, wipes[-1] if wipes else None)


def _read_receipt(packed_receipt: bytes) -> Receipt:
    signed: Signed = unpack(Signed, packed_receipt)
    return decode(Receipt, signed.payload, max_bytes=MAX_SIGNED_BYTES)
