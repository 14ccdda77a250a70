"""Records as people load and read them; devices' edits come in through ``edit_intake``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Literal

from fieldward_server.services.authorities import locked
from fieldward_server.services.book import Book
from fieldward_server.services.known_records import LOAD, KnownRecord, read_edit
from fieldward_server.services.platform import Platform
from fieldward_server.storage import edits, events, partitions, records
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RELEASED
from fieldward_sync.projection import conflicts, is_raised, settled_by_rule
from fieldward_sync.records import Change, Record, Value
from fieldward_sync.schema import FieldsRefused, FlatRecord, load_record

LINES_IN_A_TRANSACTION = 200

IDENTIFIERS = ("nhs_number", "nhs_number_withheld")
"""Each stands for the absence of the other (D7): a file that gives one takes the other back."""

LineOutcome = Literal["created", "changed", "unchanged", "refused"]


@dataclass(frozen=True)
class LineVerdict:
    """What became of one line of a file of records. No value is ever repeated here."""

    line: int
    """From 1."""
    outcome: LineOutcome
    record_id: str
    """Empty where the line does not say."""
    field: str = ""
    """The first field that is wrong; empty for the whole record, or where nothing is."""
    reason: str = ""
    """All that is wrong, in plain words."""


@dataclass(frozen=True)
class HistoricEdit:
    """One edit of a record, with who made it, for people (R1)."""

    number: int
    actor: str
    counter: int
    practitioner: str | None
    made_at: int
    received_at: int
    origin: str
    """``device``, ``load`` or ``server``."""
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class RecordHistory:
    """A record as the authority knows it, hidden values included."""

    record_id: str
    revision: int
    shielded: bool
    conflicts: tuple[str, ...]
    partitions: tuple[str, ...]
    edits: tuple[HistoricEdit, ...]


def load_records(
    platform: Platform,
    lines: Iterable[str | Mapping[str, object]],
    *,
    authority: str | None,
    actor: str,
    now: int,
) -> Iterator[LineVerdict]:
    """Load records, each a line of JSON or an object; one verdict for each, once it is durable.

    Only what differs from what was loaded before becomes an edit: loading a file again changes
    nothing, and undoes nothing that practitioners did since. What the file does not know of, it
    does not replace: that becomes a conflict. With ``authority`` given, records of any other are
    refused. Blank lines are passed over.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if not _is_blank(line))
    checked = (_check_line(number, line, authority) for number, line in numbered)
    while batch := list(islice(checked, LINES_IN_A_TRANSACTION)):
        for code, items in groupby(batch, key=_authority_of):
            yield from _load_batch(platform, code, list(items), actor=actor, now=now)


def record_history(platform: Platform, *, authority: str, record_id: str) -> RecordHistory:
    """A record with all its edits; ``CallerMistake("unknown-record")`` if there is none."""
    with platform.storage.reading() as transaction:
        row = records.find(transaction, authority, record_id)
        stored = edits.of_record(transaction, authority, record_id)
        held_by = partitions.memberships(transaction, authority, record_id)
    if row is None:
        raise CallerMistake("unknown-record", f"There is no record {record_id[:32]!r}.")
    read = [(edit, read_edit(edit)) for edit in stored]
    return RecordHistory(
        record_id=record_id,
        revision=row.revision,
        shielded=bool(row.shielded),
        conflicts=conflicts(Record(record_id, {edit.dot: edit for _, edit in read})),
        partitions=tuple(sorted(held_by)),
        edits=tuple(
            HistoricEdit(
                number=kept.number,
                actor=kept.actor,
                counter=kept.counter,
                practitioner=edit.practitioner,
                made_at=edit.made_at,
                received_at=kept.received_at,
                origin=kept.origin,
                changes=edit.changes,
            )
            for kept, edit in read
        ),
    )


# --- One line ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Line:
    """A line that holds a record."""

    number: int
    flat: FlatRecord


def _is_blank(line: str | Mapping[str, object]) -> bool:
    return isinstance(line, str) and not line.strip()


def _check_line(
    number: int, line: str | Mapping[str, object], authority: str | None
) -> _Line | LineVerdict:
    data: object = line
    if isinstance(line, str):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            return LineVerdict(number, "refused", "", reason="This is not JSON.")
    if not isinstance(data, Mapping):
        return LineVerdict(number, "refused", "", reason="This is not an object.")
    record_id = data.get("record_id")
    named = record_id if isinstance(record_id, str) and len(record_id) <= 32 else ""
    try:
        flat = load_record(data)
    except FieldsRefused as e:
        return LineVerdict(number, "refused", named, e.field_errors[0].path, e.message)
    if authority not in (None, flat.authority):
        return LineVerdict(
            number, "refused", named, "authority", f"This record is not of {authority}."
        )
    return _Line(number, flat)


def _authority_of(item: _Line | LineVerdict) -> str:
    """Lines are loaded by authority, because no transaction spans two; refused ones need none."""
    return item.flat.authority if isinstance(item, _Line) else ""


# --- One batch ---------------------------------------------------------------------------------


def _load_batch(
    platform: Platform, code: str, items: list[_Line | LineVerdict], *, actor: str, now: int
) -> list[LineVerdict]:
    """Load the lines of one authority in one transaction."""
    lines = [item for item in items if isinstance(item, _Line)]
    refused = [item for item in items if isinstance(item, LineVerdict)]
    if refused or not lines:
        return refused
    try:
        with platform.storage.transaction() as transaction:
            book = Book(platform, transaction, locked(transaction, code), now=now)
            verdicts = [_load(book, line) for line in lines]
            book.write()
            if any(verdict.outcome != "unchanged" for verdict in verdicts):
                events.add(
                    transaction,
                    authority=code,
                    at=now,
                    actor=actor,
                    action="records-loaded",
                    subject=f"{len(lines)}",
                )
            return verdicts
    except CallerMistake as e:
        return [
            LineVerdict(line.number, "refused", line.flat.record_id, "authority", e.message)
            for line in lines
        ]


def _load(book: Book, line: _Line) -> LineVerdict:
    number, record_id = line.number, line.flat.record_id
    found = book.find(record_id)
    known = found or KnownRecord.new(record_id)
    changes = _differences(known, line.flat.fields)
    if not changes:
        return LineVerdict(number, "unchanged", record_id)
    try:
        book.accept_as_server(known, changes, origin=LOAD)
    except CallerMistake as e:
        return LineVerdict(number, "refused", record_id, reason=e.message)
    return LineVerdict(number, "changed" if found else "created", record_id)


def _differences(known: KnownRecord, fields: Mapping[str, Value]) -> list[Change]:
    """What a file says that no file has said before and the record does not hold already."""
    return [
        _change(known, path, value)
        for path, value in {**_taken_back(known, fields), **fields}.items()
        if not _is_old(known, path, value)
    ]


def _taken_back(known: KnownRecord, fields: Mapping[str, Value]) -> dict[str, Value]:
    return {path: None for path in IDENTIFIERS if path in known.record.live and path not in fields}


def _is_old(known: KnownRecord, path: str, value: Value) -> bool:
    live = known.record.live.get(path, ())
    if settled_by_rule(path):
        # A file can raise a latch; to release one takes an administrator's command (H5).
        return value == RELEASED or is_raised(known.record, path)
    said_before = path in known.loaded and pack(known.loaded[path][1]) == pack(value)
    return said_before or [pack(found.value) for found in live] == [pack(value)]


def _change(known: KnownRecord, path: str, value: Value) -> Change:
    """A file's author was shown what the file before said, and nothing else."""
    loaded = known.loaded.get(path)
    return Change(path, value, (loaded[0],) if loaded else ())
