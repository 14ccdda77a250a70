"""What a sync administrator sees of devices and who is on them (design §8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from fieldward_server.services.custody.devices import OPEN_WIPE, find_latest
from fieldward_server.services.custody.standing import read_head
from fieldward_server.services.distribution.holdings import RecordsByWay, records_by_way
from fieldward_server.services.platform import Platform
from fieldward_server.storage import (
    Transaction,
    devices,
    events,
    grants,
    holders,
    orders,
    practitioners,
)
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.orders import StoredOrder
from fieldward_sync.access import UNDER_WIPE, Access, Receipt, WipeState
from fieldward_sync.encoding import decode, unpack
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed
from fieldward_sync.ways import KEPT, Way


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
