"""How many records devices may hold, and what a change of rules or grants touches.

A preview and the change that it foresees ask the same functions here: what is refused then was
foreseen, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, devices, events, partitions
from fieldward_server.storage.devices import Device, Granted, Holder
from fieldward_sync.access import UNDER_WIPE, Access, WipeState
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import ROUTINE

DEFAULT_CAP = 10_000
"""How many records a device may hold, unless an administrator says otherwise with a reason."""


@dataclass(frozen=True)
class TouchedDevice:
    """A device, in use, where a change touches what somebody may hold."""

    device: str
    generation: int
    practitioners: tuple[str, ...]
    """Whose partition it is."""
    records_now: int
    """That may be held there, each counted once."""
    records_then: int
    record_cap: int
    over_cap: bool
    """It would go beyond its cap, or further beyond: the change is refused."""
    unsent_edits: int
    """As the device last said."""


@dataclass(frozen=True)
class Preview:
    """What a change of a partition's rules, or of a grant, touches."""

    change: str
    """The command that makes it."""
    records_coming: int
    """Into the partition where its rules change; onto the device where a grant does."""
    records_going: int
    devices: tuple[TouchedDevice, ...]

    def require_caps(self) -> None:
        """Raise ``CallerMistake("over-cap")`` if a device would go beyond its cap by it."""
        over = [it for it in self.devices if it.over_cap]
        if over:
            first, others = over[0], len(over) - 1
            raise over_cap(
                f"{first.device} would hold {first.records_then:,} records; its cap is"
                f" {first.record_cap:,}" + (f". So it is with {others} more." if others else "."),
                next_step="Let it hold less, or raise its cap: `fieldward device cap`.",
            )


def over_cap(message: str, *, next_step: str) -> CallerMistake:
    """What to raise where a device would hold more records than its cap."""
    return CallerMistake("over-cap", message, next_step=next_step)


def require_reason(record_cap: int, reason: str) -> None:
    """Raise ``CallerMistake("reason-needed")`` for a cap above the default without a reason."""
    if record_cap > DEFAULT_CAP and reason == ROUTINE:
        raise CallerMistake(
            "reason-needed",
            f"A device holds more than {DEFAULT_CAP:,} records for a reason.",
            next_step="Say why in one word: --reason.",
        )


def count_records(transaction: Transaction, authority: str, held: frozenset[str]) -> int:
    """How many records these partitions have, each counted once."""
    return partitions.count_covered(transaction, authority, partition_ids=held)


def records_held(transaction: Transaction, device: Device) -> int:
    """How many records may be held on a device now, each counted once."""
    grants = _grants(transaction, device).values()
    records = {granted.partition_id: granted.records for own in grants for granted in own}
    if len(records) > 1:
        return count_records(transaction, device.authority, frozenset(records))
    return sum(records.values())  # most devices hold one partition, which has been counted


def held_partitions(transaction: Transaction, device: Device) -> frozenset[str]:
    """What may be held on a device now, by whichever practitioner."""
    return frozenset(
        granted.partition_id for own in _grants(transaction, device).values() for granted in own
    )


def rules_previewed(
    transaction: Transaction, authority: str, partition: str, rules: Sequence[str], *, change: str
) -> Preview:
    """What it touches that these rules, and no others, choose a partition's records."""

    @cache  # a team's devices hold the same, and are many
    def count(held: frozenset[str], rules: tuple[str, ...] = ()) -> int:
        return partitions.count_covered(transaction, authority, partition_ids=held, rules=rules)

    itself, chosen_by = frozenset({partition}), tuple(rules)
    touched = []
    for device in devices.holding(transaction, authority, partition):
        if _is_in_use(device):
            holdings = _held_by(transaction, device)
            held = _all_of(holdings)
            whose = [it for it, own in holdings.items() if partition in own]
            then = count(held - itself, chosen_by)
            touched.append(_touched(device, whose, now=count(held), then=then))
    either = count(itself, chosen_by)
    return Preview(
        change=change,
        records_coming=either - count(itself),
        records_going=either - count(frozenset(), chosen_by),
        devices=tuple(touched),
    )


def grant_previewed(
    transaction: Transaction, holder: Holder, partition: str, *, given: bool
) -> Preview:
    """What it touches that a practitioner may hold a partition on a device, or may not."""
    authority, practitioner = holder.authority, holder.practitioner
    device = devices.of_holder(transaction, holder)
    holdings = _held_by(transaction, device)
    own = holdings[practitioner]
    changed = own | {partition} if given else own - {partition}
    now = count_records(transaction, authority, _all_of(holdings))
    then = count_records(transaction, authority, _all_of({**holdings, practitioner: changed}))
    return Preview(
        change="grant/give" if given else "grant/take",
        records_coming=max(0, then - now),
        records_going=max(0, now - then),
        devices=(_touched(device, [practitioner], now=now, then=then),),
    )


def watch_caps(platform: Platform, now: int) -> int:
    """Open an incident for every device that has come to hold more records than its cap, because
    the records of its partitions became more; how many there are. Nothing is taken from them."""
    with platform.storage.reading() as transaction:
        codes = authorities.serving(transaction)
    return sum(_watch(platform, code, now=now) for code in codes)


def _watch(platform: Platform, authority: str, *, now: int) -> int:
    with platform.storage.reading() as transaction:
        over = [
            device
            for device in devices.maybe_over_cap(transaction, authority)
            if _is_in_use(device) and records_held(transaction, device) > device.record_cap
        ]
    if over:
        with platform.storage.transaction() as transaction:
            for device in over:
                events.open_incident(
                    transaction,
                    authority=authority,
                    device=device.device,
                    generation=device.generation,
                    kind="over-cap",
                    detail=f"{device.record_cap} records",
                    at=now,
                )
    return len(over)


def _grants(transaction: Transaction, device: Device) -> dict[str, tuple[Granted, ...]]:
    """What each practitioner on a device may hold now."""
    holders = devices.holders(transaction, device.authority, device.device, device.generation)
    return {holder.practitioner: devices.granted(transaction, holder) for holder in holders}


def _held_by(transaction: Transaction, device: Device) -> dict[str, frozenset[str]]:
    """The partitions that each practitioner on a device may hold now."""
    return {
        practitioner: frozenset(granted.partition_id for granted in own)
        for practitioner, own in _grants(transaction, device).items()
    }


def _all_of(holdings: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*holdings.values())


def _is_in_use(device: Device) -> bool:
    """Whether a device reads on, or may do so again."""
    return Access(device.access) is not Access.REVOKED and WipeState(device.wipe) not in UNDER_WIPE


def _touched(device: Device, practitioners: Sequence[str], *, now: int, then: int) -> TouchedDevice:
    return TouchedDevice(
        device=device.device,
        generation=device.generation,
        practitioners=tuple(practitioners),
        records_now=now,
        records_then=then,
        record_cap=device.record_cap,
        over_cap=then > device.record_cap and then > now,
        unsent_edits=device.pending_edits,
    )
