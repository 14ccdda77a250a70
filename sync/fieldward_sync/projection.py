"""The one projection: what an ordinary reader may see of a record, redacted before it is sealed.

Whatever a role may see beyond this is an on-line enquiry. Hidden values never enter a view, so
they never reach a device's store, index, log or search (H1, H2, H3, C2, C4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fieldward_sync.disputes import is_of_dispute
from fieldward_sync.field_classes import (
    FIELD_RULES,
    SENSITIVE_SERVICE_SHOWN_AS,
    Disclosure,
    FieldClass,
    FieldRule,
    field_rule,
)
from fieldward_sync.limits import RAISED, SENSITIVE_SERVICES
from fieldward_sync.records import LiveValue, Record
from fieldward_sync.versions import Dot
from fieldward_sync.views import View, ViewValue

SHIELD = "shield"
NOBODYS_NUMBER = 0
"""Stands where a value is masked: nobody replaces what they were not shown."""

_WITHDRAWN = "consent_withdrawn"

# To read a member of an Enum takes longer than all the rest that is done for a field.
_SHOWN, _MASKED, _HIDDEN, _FOLLOWS = Disclosure
_LATCH = FieldClass.LATCH

_LATCHES = tuple(
    {
        pattern.rpartition(".")[2]
        for pattern, rule in FIELD_RULES.items()
        if rule.field_class is _LATCH
    }
)
"""The last parts of the paths of latches; no other path ends so."""


def is_raised(record: Record, path: str) -> bool:
    """Whether a latch holds: a raise that no release names (invariant 5)."""
    return RAISED in record.values_at(path)


def is_shielded(record: Record) -> bool:
    """Whether it is hidden where the child can be found."""
    # That most never were is known from their paths, also when their values have been let go of.
    return bool(record.deciding[SHIELD]) and is_raised(record, SHIELD)


def withdrawn(record: Record) -> frozenset[str]:
    """The paths at which consent is withdrawn."""
    return frozenset(path for path in record.deciding[_WITHDRAWN] if is_raised(record, path))


def disputed(record: Record) -> Mapping[str, tuple[str, ...]]:
    """Member of the set of disputes to the paths that it is about: several where that is in
    conflict, none where it has gone to another record."""
    members = {_member(path) for path in record.live if is_of_dispute(path)}
    return {
        member: tuple(
            str(live.value)
            for live in record.live.get(f"{member}.path", ())
            if live.value is not None
        )
        for member in members
    }


def settled_by_rule(path: str) -> bool:
    """Whether several live values at a path are no conflict for a person: a latch just holds."""
    return path.rpartition(".")[2] in _LATCHES


def conflicts(record: Record) -> tuple[str, ...]:
    """The paths that wait for a person to settle them."""
    return tuple(path for path in record.conflicts if not settled_by_rule(path))


def has_latches(record: Record) -> bool:
    """Whether anybody ever raised a latch of a record."""
    return any(map(record.deciding.__getitem__, _LATCHES))


def hides_nothing(record: Record) -> bool:
    """Whether ordinary readers may see all of a record, as of most."""
    return not (has_latches(record) or _sensitive(record))


def project(record: Record, numbers: Mapping[Dot, int], revision: int) -> View:
    """The record's view at ``revision``; ``numbers`` are the record's own names for its edits."""
    if hides_nothing(record):
        return _whole(record, numbers, revision)
    sensitive = _sensitive(record)
    shielded = is_shielded(record)
    hidden = {_member(path) for path in withdrawn(record)}

    def disclosed(path: str, rule: FieldRule) -> Disclosure:
        if hidden and _member(path) in hidden:
            return _HIDDEN
        if shielded:
            return rule.on_shielded
        return rule.on_sensitive if sensitive and _member(path) in sensitive else _SHOWN

    # A dispute that says nothing, or two things, is hidden unless all of it may be seen.
    hidden |= {
        member
        for member, paths in disputed(record).items()
        if not paths or any(disclosed(path, field_rule(path)) is not _SHOWN for path in paths)
    }
    shown: list[ViewValue] = []
    for path, values in record.live.items():
        rule = field_rule(path)
        disclosure = disclosed(path, rule)
        if disclosure is _MASKED:
            shown.append(ViewValue(path, NOBODYS_NUMBER, SENSITIVE_SERVICE_SHOWN_AS))
        elif disclosure is _SHOWN and rule.field_class is _LATCH:
            shown.extend(_latch(record, path, values, numbers))
        elif disclosure is _SHOWN or disclosure is _FOLLOWS:
            for value in values:
                shown.append(ViewValue(path, numbers[value.dot], value.value))
    return View(record.record_id, revision, shielded, tuple(shown))


def _whole(record: Record, numbers: Mapping[Dot, int], revision: int) -> View:
    """The view of a record in which nothing is to be hidden, as in most."""
    if said := record.said:
        (dot,) = record.edits
        number = numbers[dot]
        values = [ViewValue(path, number, value) for path, value in said.items()]
    else:
        values = [
            ViewValue(path, numbers[value.dot], value.value)
            for path, values in record.live.items()
            for value in values
        ]
    return View(record.record_id, revision, False, tuple(values))


def _latch(
    record: Record, path: str, values: tuple[LiveValue, ...], numbers: Mapping[Dot, int]
) -> Iterator[ViewValue]:
    """A latch that holds is one value, whoever raised it; one that does not is not shown."""
    if is_raised(record, path):
        raises = (numbers[value.dot] for value in values if value.value == RAISED)
        yield ViewValue(path, min(raises), RAISED)


def _member(path: str) -> str:
    """The member of a set that a path names a field of; other paths are of no member."""
    return path.partition(".")[0]


def _sensitive(record: Record) -> set[str]:
    """The members of sets that tell of a sensitive service: any live value that says so is enough;
    so is a legal ground that only such a service has."""
    deciding, values_at = record.deciding, record.values_at
    services = [
        path
        for path in deciding["service"]
        for value in values_at(path)
        if value in SENSITIVE_SERVICES
    ]
    grounds = [
        path
        for path in deciding["sensitive_ground"]
        for value in values_at(path)
        if value is not None
    ]
    return {_member(path) for path in (*services, *grounds)}
