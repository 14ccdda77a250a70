"""What devices confirm of redactions: that it is hidden there, and that it is gone (H7, C4).

A device says in every sync of an unlocked session what is left of each partition on it. Only what
it says so counts; until then the end of its lease is the bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fieldward_server.services.custody.standing import Standing
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.known_records import KnownRecord, existing, find_records
from fieldward_server.services.records.other_entries import other_entries
from fieldward_server.storage import Transaction, redactions
from fieldward_server.storage.devices import Device
from fieldward_server.storage.redactions import Reached
from fieldward_sync.messages import Held
from fieldward_sync.ways import KEPT, Way

Stage = Literal["gone", "wiped", "closed", "hidden", "open"]


@dataclass(frozen=True)
class ReachedDevice:
    """How what was hidden of a record stands with a device that may have held it.

    Times are whole seconds since 1970 UTC, 0 for never.
    """

    record: str
    partition: str
    redacted_at: int
    sealed: bool
    """Whether files without it have been made; until then no device can confirm anything."""
    device: str
    generation: int
    name: str
    access: str
    practitioner: str
    stage: Stage
    """``gone``: old files and keys are erased. ``wiped``: so is everything. ``closed``: not
    confirmed, but the lease is over. ``hidden``: no longer shown, not yet erased. ``open``: it may
    be shown there until ``readable_until``."""
    hidden_at: int
    gone_at: int
    readable_until: int
    """The end of the last lease: the bound where nothing is confirmed."""


def take_confirmations(
    transaction: Transaction, standing: Standing, held: Held, *, now: int
) -> None:
    """Note what a practitioner's device says is hidden and gone there. It never takes it back: a
    device that comes back from an old copy of its folder is another generation."""
    holder = standing.holder
    if holder is None or held.partitions is None:
        return
    if held.incarnation != standing.authority.incarnation:
        return  # its numbers are of before a restore
    left = {each.partition: (each.feed, each.oldest) for each in held.partitions}
    for grant in redactions.unconfirmed(transaction, holder):
        if grant.partition_id in left:
            lost, (shown, oldest) = False, left[grant.partition_id]
        elif _has_all_it_gets(standing, held):
            lost, (shown, oldest) = grant.taken_at is not None, (grant.feed, grant.feed)
        else:
            continue
        # Beyond the last redaction there is nothing to confirm, and so nothing to write.
        hidden = max(grant.hidden_feed, min(shown, grant.redaction_feed))
        gone = max(grant.gone_feed, min(oldest, grant.redaction_feed))
        if lost or (hidden, gone) != (grant.hidden_feed, grant.gone_feed):
            redactions.confirm(
                transaction,
                holder,
                grant.partition_id,
                hidden_feed=hidden,
                gone_feed=gone,
                lost_feed=grant.feed if lost else None,
                at=now,
            )


def find_reached(
    platform: Platform, *, authority: str, record: str = "", now: int
) -> tuple[ReachedDevice, ...]:
    """Every device that may have held what was last hidden of a record, under whichever name, and
    what it confirmed; of all records, without one, the devices where it may still be read.

    ``CallerMistake("unknown-record")`` if there is no such record.
    """
    with platform.storage.reading() as transaction:
        if not record:
            every = _reports(transaction, authority, None, now=now)
            return tuple(each for each in every if each.stage in ("hidden", "open"))
        return tuple(
            report
            for name in _names(transaction, authority, record)
            for report in _reports(transaction, authority, name, now=now)
        )


def reached_on(transaction: Transaction, device: Device, *, now: int) -> tuple[ReachedDevice, ...]:
    """What was hidden of records that a device may have held and has not said is gone there."""
    found = _reports(transaction, device.authority, None, now=now)
    whose = device.device, device.generation
    return tuple(each for each in found if (each.device, each.generation) == whose)


def _names(transaction: Transaction, authority: str, record: str) -> tuple[str, ...]:
    """A record, and those under which devices may have had what it holds."""

    def find(record_id: str) -> KnownRecord | None:
        return find_records(transaction, authority, [record_id]).get(record_id)

    others = other_entries(transaction, authority, existing(find(record), record), find)
    return record, *sorted(each.record.record_id for each in others)


def _reports(
    transaction: Transaction, authority: str, record: str | None, *, now: int
) -> Iterator[ReachedDevice]:
    for found in redactions.reached(transaction, authority, record):
        if _can_have_come(found) or found.gone_at is not None:
            yield _report(found, now=now)


def _has_all_it_gets(standing: Standing, held: Held) -> bool:
    """Whether what a device does not name is not about to come: its list is of after the last
    change of its grants, or it gets none."""
    changed = standing.holder.changed_state if standing.holder else 0
    return held.number >= changed or not standing.rights.pull


def _report(found: Reached, *, now: int) -> ReachedDevice:
    return ReachedDevice(
        record=found.record_id,
        partition=found.partition_id,
        redacted_at=found.redacted_at,
        sealed=bool(found.sealed),
        device=found.device,
        generation=found.generation,
        name=found.name,
        access=found.access,
        practitioner=found.practitioner,
        stage=_stage(found, now=now),
        hidden_at=found.hidden_at or 0,
        gone_at=found.gone_at or 0,
        readable_until=_readable_until(found),
    )


def _can_have_come(found: Reached) -> bool:
    """Whether anything of the partition can be there: while it is held tethered, nothing comes."""
    return KEPT[Way(found.way)].files or bool(found.keys_until)


def _readable_until(found: Reached) -> int:
    return found.lease_closes if KEPT[Way(found.way)].files else found.keys_until


def _stage(found: Reached, *, now: int) -> Stage:
    if found.gone_at is not None:
        return "gone"
    if found.wiped_at is not None:
        return "wiped"
    if now >= _readable_until(found):
        return "closed"
    return "hidden" if found.hidden_at is not None else "open"
