"""Disputes: somebody says that a value is wrong or out of date; since when, what came of it (R2).

A dispute is a member of a record's set ``disputes``. It is about one path, is ended and never
deleted, and says who disputes in coded form alone. Whether it is shown is ``projection``'s to say.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_sync.records import Value

ID_BYTES = 10
"""Of randomness: with so much, no two disputes are ever called the same."""

_DISPUTES = "disputes/"

OPEN = "open"
"""Stands for the outcome of a dispute that has none yet."""


@dataclass(frozen=True)
class Dispute:
    """One dispute of one value."""

    dispute_id: str
    path: str
    """Of the value that is disputed."""
    since: str
    """Since which day, YYYY-MM-DD, by the clock of whoever marked it."""
    by: str
    """Who says so: ``subject`` (the child), ``carer``, ``professional`` or ``other``."""
    outcome: str
    """``open``, ``corrected``, ``upheld``, ``not-upheld`` or ``withdrawn``."""
    ended: str
    """The day of the outcome, YYYY-MM-DD; empty while it is open."""

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.outcome == OPEN


def dispute_id(randomness: bytes) -> str:
    """What a new dispute is called, from ``ID_BYTES`` random bytes."""
    return b32encode(randomness).decode().lower()


def new_dispute(member_id: str, *, path: str, since: str, by: str) -> dict[str, Value]:
    """The fields of a dispute that begins."""
    return {
        field_of(member_id, "path"): path,
        field_of(member_id, "since"): since,
        field_of(member_id, "by"): by,
    }


def is_of_dispute(path: str) -> bool:
    """Whether a path is that of a field of some dispute."""
    return path.startswith(_DISPUTES)


def field_of(member_id: str, name: str) -> str:
    """The path of a field of a dispute."""
    return f"{_DISPUTES}{member_id}.{name}"


def disputes_in(values: Mapping[str, Value]) -> tuple[Dispute, ...]:
    """The disputes among a record's values, the oldest first."""
    members = {
        path.removeprefix(_DISPUTES).removesuffix(".path")
        for path, value in values.items()
        if is_of_dispute(path) and path.endswith(".path") and value is not None
    }

    def text(member: str, name: str) -> str:
        return str(values.get(field_of(member, name)) or "")

    found = (
        Dispute(
            member,
            text(member, "path"),
            text(member, "since"),
            text(member, "by"),
            text(member, "outcome") or OPEN,
            text(member, "ended"),
        )
        for member in members
    )
    return tuple(sorted(found, key=lambda each: (each.since, each.dispute_id)))
