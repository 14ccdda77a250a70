"""How many records devices may hold, and what a change of rules or grants touches.

A preview and the change that it foresees ask the same functions here: what is refused then was
foreseen, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from fieldward_server.services.platform import Platform
from fieldward_server.storage import (
    Transaction,
    authorities,
    events,
    grants,
    holders,
    memberships,
    partitions,
)
from fieldward_server.storage.devices import Device
from fieldward_server.storage.grants import Granted
from fieldward_server.storage.holders import Holder
from fieldward_sync.access import UNDER_WIPE, Access, WipeState
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import ROUTINE
from fieldward_sync.ways import Way

DEFAULT_CAP = 10_000
"""How many records a device may hold, unless an administrator says otherwise with a reason."""


@dataclass(frozen=True)
class RecordsByWay:
    """Records that may be held on a device, each counted once.

    One that is in several partitions counts as the least strict of their ways has it.
    """

    offline: int
    warm: int
    """Readable only while a session is open in which the device has synced."""
    tethered: int
    """On line only: none of them is on the device."""

    @property
    def here(self) -> int:
        """How many are on the device."""
        return self.offline + self.warm


@dataclass(frozen=True)
class TouchedDevice:
    """A device, in use, where a change touches what somebody may hold."""

    device: str
    generation: int
    practitioners: tuple[str, ...]
    """Whose partition it is."""
    records_now: int
    """That may be there, each counted once; what is held tethered is not."""
    records_then: int
    by_way_now: RecordsByWay
    by_way_then: RecordsByWay
    record_cap: int
    over_cap: bool
    """It would go beyond its cap, or further beyond: the change is refused."""
    unsent_edits: int
    """As the device last said."""


@dataclass(frozen=True)
class Preview:
    """What a change of a partition's rules or way, or of a grant, touches."""

    change: str
    """The command that makes it."""
    records_coming: int
    """Into the partition where its rules change; onto devices where its way or a grant does."""
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


def count_records(transaction: Transaction, authority: str, granted: frozenset[str]) -> int:
    """How many records of these partitions are on a device that may hold them, each counted
    once."""
    return _counted(transaction, authority, _held(transaction, authority, granted)).here


def records_held(transaction: Transaction, device: Device) -> int:
    """How many records may be on a device now, each counted once."""
    return records_by_way(transaction, device).here


def records_by_way(transaction: Transaction, device: Device) -> RecordsByWay:
    """How many records may be held on a device now, and in which way."""
    by_holder = _grants(transaction, device).values()
    granted = {each.partition_id: each for own in by_holder for each in own}
    if len(granted) > 1:
        held = _Held(frozenset((name, Way(each.way)) for name, each in granted.items()))
        return _counted(transaction, device.authority, held)
    counts = {way.value: 0 for way in Way}  # most devices hold one, which has been counted
    return RecordsByWay(**counts | {each.way: each.records for each in granted.values()})


def held_partitions(transaction: Transaction, device: Device) -> frozenset[str]:
    """What may be held on a device now, by whichever practitioner."""
    return _all_of(_held_by(transaction, device))


def rules_previewed(
    transaction: Transaction, authority: str, partition: str, rules: Sequence[str], *, change: str
) -> Preview:
    """What it touches that these rules, and no others, choose a partition's records."""

    def count(held: frozenset[str], rules: Sequence[str] = ()) -> int:
        return memberships.count_covered(transaction, authority, partition_ids=held, rules=rules)

    itself = frozenset({partition})
    either = count(itself, rules)
    return Preview(
        change=change,
        records_coming=either - count(itself),
        records_going=either - count(frozenset(), rules),
        devices=_touched_by(
            transaction, authority, partition, lambda held: held.chosen_by(partition, rules)
        ),
    )


def way_previewed(transaction: Transaction, authority: str, partition: str, way: Way) -> Preview:
    """What it touches that a partition is held in this way."""
    touched = _touched_by(transaction, authority, partition, lambda held: held.to(partition, way))
    return Preview(
        change="partition/way",
        records_coming=sum(max(0, it.records_then - it.records_now) for it in touched),
        records_going=sum(max(0, it.records_now - it.records_then) for it in touched),
        devices=touched,
    )


def grant_previewed(
    transaction: Transaction, holder: Holder, partition: str, *, given: bool
) -> Preview:
    """What it touches that a practitioner may hold a partition on a device, or may not."""
    authority, practitioner = holder.authority, holder.practitioner
    device = holders.device_of(transaction, holder)
    holdings = _held_by(transaction, device)
    own = holdings[practitioner]
    changed = own | {partition} if given else own - {partition}

    def count(holdings: Mapping[str, frozenset[str]]) -> RecordsByWay:
        held = _held(transaction, authority, _all_of(holdings))
        return _counted(transaction, authority, held)

    now, then = count(holdings), count({**holdings, practitioner: changed})
    return Preview(
        change="grant/give" if given else "grant/take",
        records_coming=max(0, then.here - now.here),
        records_going=max(0, now.here - then.here),
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
            for device in grants.maybe_over_cap(transaction, authority)
            if is_in_use(device) and records_held(transaction, device) > device.record_cap
        ]
    if over:
        with platform.storage.transaction() as transaction:
            for device in over:
                cap = f"{device.record_cap} records"
                events.open_incident(transaction, device, "over-cap", cap, at=now)
    return len(over)


@dataclass(frozen=True)
class _Held:
    """What a device holds, or would."""

    ways: frozenset[tuple[str, Way]]
    """Of each partition."""
    rules: tuple[str, ...] = ()
    """Those that would choose the records of one more, which would be held in this way."""
    way: Way = Way.OFFLINE

    def to(self, partition: str, way: Way) -> _Held:
        """The same, with a partition held in another way."""
        return replace(self, ways=self._without(partition) | {(partition, way)})

    def chosen_by(self, partition: str, rules: Sequence[str]) -> _Held:
        """The same, with other rules for a partition."""
        way = dict(self.ways)[partition]
        return _Held(self._without(partition), tuple(rules), way)

    def _without(self, partition: str) -> frozenset[tuple[str, Way]]:
        return frozenset(each for each in self.ways if each[0] != partition)


def _held(transaction: Transaction, authority: str, names: frozenset[str]) -> _Held:
    ways = partitions.ways(transaction, authority, names)
    return _Held(frozenset((name, Way(way)) for name, way in ways.items()))


def _counted(transaction: Transaction, authority: str, held: _Held) -> RecordsByWay:
    counts, before = {}, 0
    for way in Way:
        so_far = memberships.count_covered(
            transaction,
            authority,
            partition_ids=[name for name, its in held.ways if not its.is_stricter(way)],
            rules=() if held.way.is_stricter(way) else held.rules,
        )
        counts[way.value], before = so_far - before, so_far
    return RecordsByWay(**counts)


def _touched_by(
    transaction: Transaction, authority: str, partition: str, then: Callable[[_Held], _Held]
) -> tuple[TouchedDevice, ...]:
    """The devices in use where somebody holds a partition, before and after a change."""

    @cache  # a team's devices hold the same, and are many
    def count(held: _Held) -> RecordsByWay:
        return _counted(transaction, authority, held)

    touched = []
    for device in grants.holding(transaction, authority, partition):
        if is_in_use(device):
            holdings = _held_by(transaction, device)
            held = _held(transaction, authority, _all_of(holdings))
            whose = [it for it, own in holdings.items() if partition in own]
            touched.append(_touched(device, whose, now=count(held), then=count(then(held))))
    return tuple(touched)


def _grants(transaction: Transaction, device: Device) -> dict[str, tuple[Granted, ...]]:
    """What each practitioner on a device may hold now."""
    return {
        holder.practitioner: grants.of_holder(transaction, holder)
        for holder in holders.of_device(transaction, device)
    }


def _held_by(transaction: Transaction, device: Device) -> dict[str, frozenset[str]]:
    """The partitions that each practitioner on a device may hold now."""
    return {
        practitioner: frozenset(granted.partition_id for granted in own)
        for practitioner, own in _grants(transaction, device).items()
    }


def _all_of(holdings: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*holdings.values())


def is_in_use(device: Device) -> bool:
    """Whether a device reads on, or may do so again."""
    return Access(device.access) is not Access.REVOKED and WipeState(device.wipe) not in UNDER_WIPE


def _touched(
    device: Device, practitioners: Sequence[str], *, now: RecordsByWay, then: RecordsByWay
) -> TouchedDevice:
    return TouchedDevice(
        device=device.device,
        generation=device.generation,
        practitioners=tuple(practitioners),
        records_now=now.here,
        records_then=then.here,
        by_way_now=now,
        by_way_then=then,
        record_cap=device.record_cap,
        over_cap=then.here > device.record_cap and then.here > now.here,
        unsent_edits=device.pending_edits,
    )
