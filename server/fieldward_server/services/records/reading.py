"""Records as people read them: all that was ever said of one, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.services.platform import Platform
from fieldward_server.services.records.known_records import read_edit, stored_record
from fieldward_server.services.records.provenance import HistoricValue, Provenance
from fieldward_server.storage import Transaction, edits, memberships, merges
from fieldward_sync.disputes import Dispute, disputes_in
from fieldward_sync.field_classes import field_rule
from fieldward_sync.projection import conflicts
from fieldward_sync.records import Change, Edit, Record


@dataclass(frozen=True)
class HistoricEdit:
    """One edit of a record, with who made it, for people (R1)."""

    number: int
    actor: str
    counter: int
    practitioner: str | None
    administrator: str | None
    made_at: int
    received_at: int
    origin: str
    """``device``, ``load``, ``server``, or ``moved``: it came with the record from another
    authority."""
    from_record: str
    """The record that a merge or a split brought it from; empty if it was made here."""
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class RecordHistory:
    """A record as the authority knows it, hidden values included."""

    record_id: str
    revision: int
    shielded: bool
    conflicts: tuple[str, ...]
    disputes: tuple[Dispute, ...]
    """The oldest first, with what came of each (R2)."""
    partitions: tuple[str, ...]
    merged_into: str
    """The record that it goes on in, if it was merged; look-ups are on record under both."""
    merged: tuple[str, ...]
    """The records that go on in it."""
    edits: tuple[HistoricEdit, ...]


@dataclass(frozen=True)
class ValueHistory:
    """Every value that a field has had, hidden ones included, in the order they came."""

    record_id: str
    path: str
    values: tuple[HistoricValue, ...]
    disputes: tuple[Dispute, ...]
    """Of this field, the oldest first, with what came of each (R2)."""


def value_history(platform: Platform, *, authority: str, record_id: str, path: str) -> ValueHistory:
    """What stood at a path and where it came from; ``CallerMistake("unknown-record")`` if there is
    no such record, ``"unknown-field"`` if no record has such a field."""
    field_rule(path)
    with platform.storage.reading() as transaction:
        provenance = Provenance.find(transaction, authority, record_id)
    disputes = tuple(each for each in provenance.known.disputes if each.path == path)
    return ValueHistory(record_id, path, provenance.of_path(path), disputes)


def record_history(platform: Platform, *, authority: str, record_id: str) -> RecordHistory:
    """A record with all its edits; ``CallerMistake``: "unknown-record", "record-moved"."""
    with platform.storage.reading() as transaction:
        row = stored_record(transaction, authority, record_id)
        stored = edits.of_record(transaction, authority, record_id)
        closed = merges.among(transaction, authority, [record_id])
        merged = merges.into(transaction, authority, record_id)
        held_by = memberships.of_records(transaction, authority, [record_id])
        read = [(edit, read_edit(edit)) for edit in stored]
        from_records = [_from_record(transaction, authority, edit) for _, edit in read]
    record = Record(record_id, {edit.dot: edit for _, edit in read})
    return RecordHistory(
        record_id=record_id,
        revision=row.revision,
        shielded=bool(row.shielded),
        conflicts=conflicts(record),
        disputes=disputes_in({path: live[0].value for path, live in record.live.items()}),
        partitions=tuple(sorted(member.partition_id for member in held_by)),
        merged_into=closed[0].into_id if closed else "",
        merged=merged,
        edits=tuple(
            HistoricEdit(
                number=kept.number,
                actor=kept.actor,
                counter=kept.counter,
                practitioner=edit.practitioner,
                administrator=edit.administrator,
                made_at=edit.made_at,
                received_at=kept.received_at,
                origin=kept.origin,
                from_record=from_record,
                changes=edit.changes,
            )
            for (kept, edit), from_record in zip(read, from_records, strict=True)
        ),
    )


def _from_record(transaction: Transaction, authority: str, edit: Edit) -> str:
    if edit.admits is None:
        return ""
    origin = edits.find(transaction, authority, edit.admits.actor, edit.admits.counter)
    return origin.record_id if origin else ""  # one that was refused is in no record
