"""The one projection: what an ordinary reader may see of a record, redacted before it is sealed.

Whatever a role may see beyond this is an on-line enquiry. Hidden values never enter a view, so
they never reach a device's store, index, log or search (H1, H2, H3, C2, C4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fieldward_sync.field_classes import (
    SENSITIVE_SERVICE_SHOWN_AS,
    Disclosure,
    FieldClass,
    field_rule,
    split_member,
)
from fieldward_sync.limits import RAISED, SENSITIVE_SERVICES
from fieldward_sync.records import LiveValue, Record
from fieldward_sync.versions import Dot
from fieldward_sync.views import View, ViewValue

SHIELD = "shield"
NOBODYS_NUMBER = 0
"""Stands where a value is masked: nobody replaces what they were not shown."""


def is_raised(record: Record, path: str) -> bool:
    """Whether a latch holds: a raise that no release names (invariant 5)."""
    return any(value.value == RAISED for value in record.live.get(path, ()))


def is_shielded(record: Record) -> bool:
    """Whether it is hidden where the child can be found."""
    return is_raised(record, SHIELD)


def settled_by_rule(path: str) -> bool:
    """Whether several live values at a path are no conflict for a person: a latch just holds."""
    return field_rule(path).field_class is FieldClass.LATCH


def conflicts(record: Record) -> tuple[str, ...]:
    """The paths that wait for a person to settle them."""
    return tuple(path for path in record.conflicts if not settled_by_rule(path))


def project(record: Record, numbers: Mapping[Dot, int], revision: int) -> View:
    """The record's view at ``revision``; ``numbers`` are the record's own names for its edits."""
    shielded = is_shielded(record)
    withdrawn = {
        member
        for member in _involvements(record)
        if is_raised(record, f"{member}.consent_withdrawn")
    }
    sensitive = {member for member in _involvements(record) if _is_sensitive(record, member)}

    def disclosure(path: str) -> Disclosure:
        rule, member = field_rule(path), _member(path)
        if member in withdrawn:
            return Disclosure.HIDDEN
        if shielded:
            return rule.on_shielded
        return rule.on_sensitive if member in sensitive else Disclosure.SHOWN

    def shown() -> Iterator[ViewValue]:
        for path, values in record.live.items():
            match disclosure(path):
                case Disclosure.SHOWN if settled_by_rule(path):
                    yield from _latch(record, path, values, numbers)
                case Disclosure.SHOWN:
                    yield from (ViewValue(path, numbers[v.dot], v.value) for v in values)
                case Disclosure.MASKED:
                    yield ViewValue(path, NOBODYS_NUMBER, SENSITIVE_SERVICE_SHOWN_AS)

    return View(record.record_id, revision, shielded, tuple(shown()))


def _latch(
    record: Record, path: str, values: tuple[LiveValue, ...], numbers: Mapping[Dot, int]
) -> Iterator[ViewValue]:
    """A latch that holds is one value, whoever raised it; one that does not is not shown."""
    if is_raised(record, path):
        raises = (numbers[value.dot] for value in values if value.value == RAISED)
        yield ViewValue(path, min(raises), RAISED)


def _member(path: str) -> str | None:
    named = split_member(path)
    return f"{named[0]}/{named[1]}" if named else None


def _involvements(record: Record) -> frozenset[str]:
    members = (_member(path) for path in record.live if path.startswith("involvements/"))
    return frozenset(member for member in members if member)


def _is_sensitive(record: Record, member: str) -> bool:
    """Any live value that says so is enough; so is a legal ground that only such a service has."""
    services = (value.value for value in record.live.get(f"{member}.service", ()))
    return (
        any(service in SENSITIVE_SERVICES for service in services)
        or record.value(f"{member}.sensitive_ground") is not None
    )
