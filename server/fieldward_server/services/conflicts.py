"""What waits for a person: conflicts in records, and the inbox of refused edits (invariant 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fieldward_server.services.edit_intake import UNREADABLE
from fieldward_server.services.known_records import read_edit
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, edits, records
from fieldward_server.storage.edits import InboxItem
from fieldward_sync.encoding import decode
from fieldward_sync.outbox import MAX_ENTRY_BYTES
from fieldward_sync.projection import conflicts
from fieldward_sync.records import Proposal, Record, Value


@dataclass(frozen=True)
class ConflictingValue:
    """One of the live values at a path, and where it comes from."""

    number: int
    value: Value
    actor: str
    practitioner: str | None
    made_at: int
    received_at: int


@dataclass(frozen=True)
class Conflict:
    """A path with several live values, because nobody who wrote one had been shown the other."""

    record_id: str
    path: str
    values: tuple[ConflictingValue, ...]


@dataclass(frozen=True)
class InboxEntry:
    """A refused edit, kept with the reason."""

    actor: str
    counter: int | None
    """``None`` where the delivered bytes did not open, so that nobody knows."""
    practitioner: str
    code: str
    received_at: int
    proposal: Proposal | None
    """``None`` where the delivered bytes did not open."""


def list_conflicts(platform: Platform, authority: str) -> tuple[Conflict, ...]:
    """All conflicts of an authority's records, by record and path."""
    with platform.storage.reading() as transaction:
        return tuple(
            conflict
            for record_id in records.in_conflict(transaction, authority)
            for conflict in _conflicts(transaction, authority, record_id)
        )


def inbox(platform: Platform, authority: str) -> tuple[InboxEntry, ...]:
    """All refused edits of an authority, in the order they came."""
    with platform.storage.reading() as transaction:
        return tuple(_inbox_entry(item) for item in edits.inbox(transaction, authority))


def _conflicts(transaction: Transaction, authority: str, record_id: str) -> Iterator[Conflict]:
    stored = edits.of_record(transaction, authority, record_id)
    made = {edit.dot: (row, edit) for row, edit in ((row, read_edit(row)) for row in stored)}
    record = Record(record_id, {dot: edit for dot, (_, edit) in made.items()})
    for path in conflicts(record):
        values = [(live.value, *made[live.dot]) for live in record.live[path]]
        yield Conflict(
            record_id,
            path,
            tuple(
                ConflictingValue(
                    number=row.number,
                    value=value,
                    actor=row.actor,
                    practitioner=edit.practitioner,
                    made_at=edit.made_at,
                    received_at=row.received_at,
                )
                for value, row, edit in values
            ),
        )


def _inbox_entry(item: InboxItem) -> InboxEntry:
    readable = item.counter != UNREADABLE
    return InboxEntry(
        actor=item.actor,
        counter=item.counter if readable else None,
        practitioner=item.practitioner,
        code=item.code,
        received_at=item.received_at,
        proposal=decode(Proposal, item.content, max_bytes=MAX_ENTRY_BYTES) if readable else None,
    )
