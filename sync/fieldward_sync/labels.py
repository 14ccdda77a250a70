"""What an edit did not know of when it was made: the labels of ODK's entities (design §5).

Derived from the edits and their numbers, for people; nothing is decided by it, and no clock is
asked. The words are defined in ``docs/protocol/edits.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from fieldward_sync.projection import settled_by_rule
from fieldward_sync.records import Edit, Record, same
from fieldward_sync.versions import Dot


class Label(Enum):
    """How an edit stands to those that the record had when it arrived; the last that applies."""

    NONE = ""
    """Its author had been shown all of them."""

    OFFLINE_UPDATE = "offline-update"
    """Its author had not been shown some of them: at least edits of their own, on the way."""

    PARALLEL = "parallel"
    """Some of those are somebody else's, and none of them clashes with it."""

    CONFLICT = "conflict"
    """One of those sets a path of it to another value."""


def label(record: Record, numbers: Mapping[Dot, int], dot: Dot) -> Label:
    """The label of one of a record's edits; ``numbers`` are the record's own names for them."""
    edit = record.edits[dot]
    unseen = [
        other
        for other in record.edits.values()
        if edit.base < numbers[other.dot] < numbers[edit.dot]
    ]
    if not unseen:
        return Label.NONE
    author = record.origin(dot).actor
    others = [other for other in unseen if record.origin(other.dot).actor != author]
    if not others:
        return Label.OFFLINE_UPDATE
    clashes = any(_clashes(record, edit, other) for other in others)
    return Label.CONFLICT if clashes else Label.PARALLEL


def _clashes(record: Record, edit: Edit, other: Edit) -> bool:
    """Whether both set a path, each to another value, and it is for a person to say which holds."""
    names = {other.dot, record.origin(other.dot)}
    before = {change.path: change.value for change in other.changes}
    return any(
        change.path in before
        and not settled_by_rule(change.path)
        and not same(change.value, before[change.path])
        and names.isdisjoint(change.replaces)
        for change in edit.changes
    )
