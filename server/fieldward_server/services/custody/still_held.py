"""What a device still holds when it is shut: previews of the verbs, and reports of lost devices.

Nothing is claimed that was not proved: what is not known to be gone may be read until the last
lease closes; look-ups that have not come are *lost, count known or unknown*, never nothing (U4).
Times are whole seconds since 1970 UTC, 0 for never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fieldward_server.services.custody.device_reports import (
    DeviceReport,
    HolderReport,
    WipeReport,
    report_device,
)
from fieldward_server.services.custody.devices import find_latest
from fieldward_server.services.custody.redactions import ReachedDevice, reached_on
from fieldward_server.services.custody.standing import CONTACT_SECONDS
from fieldward_server.services.custody.wipes import needs_second
from fieldward_server.services.distribution.holdings import RecordsByWay
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, holders, incarnations, losses
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.losses import Candidate, GrantHistory
from fieldward_sync.access import MOVES, UNDER_WIPE, Access, WipeState
from fieldward_sync.custody import OUTCOMES, Aftermath
from fieldward_sync.encoding import decode, unpack
from fieldward_sync.journal import EpochSeal
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed
from fieldward_sync.ways import KEPT, Way

VERBS = {
    "pause": Access.PAUSED,
    "drain": Access.DRAINING,
    "revoke": Access.REVOKED,
    "wipe": None,
}
"""What can be previewed, and the access that it leads to; a wipe leads to none."""

RECORDS_IN_A_PAGE = 1000
MARGIN_SECONDS = 24 * 3600
"""A record that left a partition is out of the files within a day; until then it counts as held."""

Missing = Literal["none", "counted", "at-least"]


@dataclass(frozen=True)
class CustodyPreview:
    """What a verb would mean for a device, before it is done (P4, P37)."""

    verb: str
    allowed: bool
    """``access.MOVES`` has such a move; a device that is to wipe itself is not ordered again."""
    needs_second: bool
    """More than a few wipes within an hour take a second administrator."""
    device: str
    generation: int
    name: str
    access: Access
    records: int
    """That its holders may hold there, each counted once."""
    by_way: RecordsByWay
    unsent_edits: int
    """As the device last said."""
    last_contact: int
    journal_delivered: int
    """The last journal entry that came is the one before this number."""
    last_entry_at: int
    unsent_look_ups: int
    """As the device last said; there may be more since."""
    exposed_until: int
    """Worst case: it is never heard again, and whoever has it knows a passphrase."""
    keys_until: int
    """The device erases its keys by itself."""
    holders: tuple[HolderReport, ...]
    aftermath: Aftermath


@dataclass(frozen=True)
class HeldThere:
    """A partition that may have been on a lost device, by way of one practitioner."""

    practitioner: str
    awaited: bool
    """By way of a hand-over whose code nobody is known to have used."""
    partition: str
    way: Way
    """How it was held; ``offline`` as long as the device has not said that the keys are gone which
    it had before a stricter way."""
    given_at: int
    taken_at: int
    gone_at: int
    """The device said that nothing of it is left."""
    readable_until: int
    """0: it was never readable there. Of what was held warm, at most so long, and only in a session
    that was open already: it opens in no other without a sync."""


@dataclass(frozen=True)
class LossReport:
    """What is known of a device that is reported lost, and what is not (design §8)."""

    device: str
    generation: int
    name: str
    access: Access
    wipe: WipeReport | None
    reported_at: int
    last_contact: int
    unsent_edits: int
    """As the device last said; there may be more since."""
    journal_delivered: int
    last_entry_at: int
    journal_sealed: int
    last_seal_at: int
    """When its epoch was closed, by the device's clock."""
    last_seal_received: int
    look_ups_missing: Missing
    """``none``: all have come, and there can be no more. ``counted``: so many are lost and no more.
    ``at-least``: so many, and a number that nobody can know."""
    look_ups_missing_count: int
    incidents: int
    unreadable_from: int
    """The end of the last lease, or the receipt of a wipe if it came before."""
    proved_by: Literal["receipt", "lease", "no-lease"]
    holders: tuple[HolderReport, ...]
    held: tuple[HeldThere, ...]
    hidden: tuple[ReachedDevice, ...]
    """What was hidden of records that it may have held, and what it confirmed."""


@dataclass(frozen=True)
class LossRecord:
    """A record, and whether it could be read on a lost device after it was last heard."""

    record: str
    readable: bool
    until: int
    """0 where it could not."""
    partitions: tuple[str, ...]
    """By way of these; where it could not be read, the partitions that it came into too late, that
    it had left, or of which nothing was on the device."""
    ways: tuple[Way, ...]
    """How each of them was held."""


def preview_verb(
    platform: Platform, *, authority: str, device: str, verb: str, now: int
) -> CustodyPreview:
    """What a verb would mean for a device's latest generation; it changes nothing.

    ``CallerMistake("unknown-device")``.
    """
    with platform.storage.reading() as transaction:
        found = find_latest(transaction, authority, device)
        report = report_device(transaction, found, now=now)
        return CustodyPreview(
            verb=verb,
            allowed=_is_allowed(found, verb),
            needs_second=VERBS[verb] is None and needs_second(transaction, found, now=now),
            device=found.device,
            generation=found.generation,
            name=found.name,
            access=report.access,
            records=report.records,
            by_way=report.by_way,
            unsent_edits=report.pending_edits,
            last_contact=report.last_contact,
            journal_delivered=report.journal_delivered,
            last_entry_at=losses.last_entry_at(transaction, found),
            unsent_look_ups=max(0, report.journal_size - report.journal_delivered),
            exposed_until=_unreadable_from(report),
            keys_until=max((holder.lease_destroys for holder in report.holders), default=0),
            holders=report.holders,
            aftermath=OUTCOMES[verb],
        )


def report_loss(platform: Platform, *, authority: str, device: str, now: int) -> LossReport:
    """What is known of a lost device's latest generation; ``CallerMistake("unknown-device")``."""
    with platform.storage.reading() as transaction:
        found = find_latest(transaction, authority, device)
        report = report_device(transaction, found, now=now)
        unreadable_from = _unreadable_from(report)
        seal = losses.last_seal(transaction, found)
        missing, count = _missing(report, unreadable_from)
        return LossReport(
            device=found.device,
            generation=found.generation,
            name=found.name,
            access=report.access,
            wipe=report.wipe,
            reported_at=now,
            last_contact=report.last_contact,
            unsent_edits=report.pending_edits,
            journal_delivered=report.journal_delivered,
            last_entry_at=losses.last_entry_at(transaction, found),
            journal_sealed=report.journal_sealed,
            last_seal_at=_closed_at(seal[0]) if seal else 0,
            last_seal_received=seal[1] if seal else 0,
            look_ups_missing=missing,
            look_ups_missing_count=count,
            incidents=report.incidents,
            unreadable_from=unreadable_from,
            proved_by=_proof(report),
            holders=report.holders,
            held=_held(transaction, found, report),
            hidden=reached_on(transaction, found, now=now),
        )


def list_loss_records(
    platform: Platform, *, authority: str, device: str, now: int, after: str = ""
) -> tuple[LossRecord, ...]:
    """The next records after one that may have been on a lost device, and those that came too late
    to be; ``CallerMistake("unknown-device")``."""
    with platform.storage.reading() as transaction:
        found = find_latest(transaction, authority, device)
        report = report_device(transaction, found, now=now)
        held = _held(transaction, found, report)
        until = _latest_by_partition(held)
        heard_until = _heard_until(transaction, found)
        left_since = _left_since(found, report)
        rows = losses.candidates(
            transaction,
            authority,
            until,
            left_since=left_since,
            heard_until=heard_until,
            after=after,
            at_most=RECORDS_IN_A_PAGE,
        )
    by_record: dict[str, list[Candidate]] = {}
    for row in rows:
        by_record.setdefault(row.record_id, []).append(row)
    return tuple(
        _loss_record(
            record,
            each,
            until,
            _ways(held),
            left_since=left_since,
            heard=found.last_contact,
            heard_until=heard_until,
        )
        for record, each in by_record.items()
    )


def _is_allowed(device: Device, verb: str) -> bool:
    target = VERBS[verb]
    if target is None:
        return WipeState(device.wipe) not in UNDER_WIPE
    return target in MOVES[Access(device.access)]


def _unreadable_from(report: DeviceReport) -> int:
    """When the last copy there can be read no more: its lease closes, or the wipe was confirmed."""
    closes = max((holder.lease_closes for holder in report.holders), default=0)
    if report.wipe is not None and report.wipe.receipt_at:
        return min(closes, report.wipe.receipt_at)
    return closes


def _proof(report: DeviceReport) -> Literal["receipt", "lease", "no-lease"]:
    if report.wipe is not None and report.wipe.receipt_at:
        return "receipt"
    return "lease" if _unreadable_from(report) else "no-lease"


def _missing(report: DeviceReport, unreadable_from: int) -> tuple[Missing, int]:
    """Look-ups that have not come. A device that was heard after its copies could no longer be
    read has said how many there are in all; so has the receipt of a wipe."""
    size = report.journal_size
    is_proved = report.wipe is not None and report.wipe.receipt_at > 0
    if report.wipe is not None:
        size = max(size, report.wipe.journal_size)
    count = max(0, size - report.journal_delivered)
    if not is_proved and report.last_contact < unreadable_from:
        return "at-least", count
    return ("counted" if count else "none"), count


def _closed_at(packed_seal: bytes) -> int:
    signed: Signed = unpack(Signed, packed_seal)
    return decode(EpochSeal, signed.payload, max_bytes=MAX_SIGNED_BYTES).closed_at


def _held(transaction: Transaction, device: Device, report: DeviceReport) -> tuple[HeldThere, ...]:
    """What its practitioners were given, by practitioner and partition."""
    there = holders.of_device(transaction, device)
    heard_until = _heard_until(transaction, device)
    return tuple(
        _held_there(holder, grant, heard_until=heard_until, bound=_unreadable_from(report))
        for holder in there
        for grant in losses.grants(transaction, holder)
    )


def _heard_until(transaction: Transaction, device: Device) -> int:
    """Up to when a device may have been heard: what was known of that before a restore is lost."""
    restored_at = incarnations.began_at(transaction, device.authority)
    return max(device.last_contact, restored_at) + CONTACT_SECONDS


def _held_there(holder: Holder, grant: GrantHistory, *, heard_until: int, bound: int) -> HeldThere:
    ends, way = [holder.lease_closes, bound], Way(grant.way)
    if not KEPT[way].keys_in_memory:
        ends.append(grant.keys_until)
    if grant.keys_until:
        way = Way.OFFLINE
    if grant.gone_at is not None:
        ends.append(grant.gone_at)
    came = grant.given_at <= heard_until
    return HeldThere(
        practitioner=holder.practitioner,
        awaited=holder.is_awaited,
        partition=grant.partition_id,
        way=way,
        given_at=grant.given_at,
        taken_at=grant.taken_at or 0,
        gone_at=grant.gone_at or 0,
        readable_until=min(ends) if came else 0,
    )


def _latest_by_partition(held: tuple[HeldThere, ...]) -> dict[str, int]:
    latest: dict[str, int] = {}
    for each in held:
        latest[each.partition] = max(latest.get(each.partition, 0), each.readable_until)
    return latest


def _ways(held: tuple[HeldThere, ...]) -> dict[str, Way]:
    """How each partition was held: the least strict way, where practitioners differ."""
    strictest_first = sorted(held, key=lambda each: list(Way).index(each.way), reverse=True)
    return {each.partition: each.way for each in strictest_first}


def _left_since(device: Device, report: DeviceReport) -> int:
    """What left a partition since then may still be there. A complete sync speaks for whoever made
    it: with several practitioners nobody knows for which."""
    return max(0, device.last_complete - MARGIN_SECONDS) if len(report.holders) == 1 else 0


def _loss_record(
    record: str,
    candidates: list[Candidate],
    until: dict[str, int],
    ways: dict[str, Way],
    *,
    left_since: int,
    heard: int,
    heard_until: int,
) -> LossRecord:
    came = [
        each.partition_id
        for each in candidates
        if each.made_at <= heard_until
        and until[each.partition_id] > heard
        and not (each.was_removed and each.changed_at < left_since)
    ]
    named = tuple(came or (each.partition_id for each in candidates))
    return LossRecord(
        record=record,
        readable=bool(came),
        until=max((until[partition] for partition in came), default=0),
        partitions=named,
        ways=tuple(ways[partition] for partition in named),
    )
