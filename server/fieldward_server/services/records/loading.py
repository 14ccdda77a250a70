"""Loading: a file of records against what is there, each line with its verdict.

Most that a line comes to is worked out before the authority is locked, and of new records written
too: it holds if their records are then still as they were read.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Literal, NamedTuple, cast

import msgspec

from fieldward_server.services.authorities import known, locked
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book, Foreseen
from fieldward_server.services.records.known_records import LOAD, KnownRecord, find_records
from fieldward_server.services.records.record_rows import write_ahead
from fieldward_server.storage import authorities, events
from fieldward_sync.encoding import encode
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RELEASED
from fieldward_sync.names import server_actor
from fieldward_sync.projection import SHIELD, is_raised, settled_by_rule
from fieldward_sync.records import Change, Edit, Value, same
from fieldward_sync.schema import FieldsRefused, FlatRecord, load_record
from fieldward_sync.versions import Dot

LINES_IN_A_TRANSACTION = 1000
"""More cost less each, but hold the authority's lock for longer: these, for about 150 ms."""

LAST_COUNTER = 2**53 - 1
"""Sorts after every counter that has been given out, as the next one does."""

IDENTIFIERS = ("nhs_number", "nhs_number_withheld")
"""Each stands for the absence of the other (D7): a file that gives one takes the other back."""

LineOutcome = Literal["created", "changed", "unchanged", "refused"]


class LineVerdict(msgspec.Struct, frozen=True, gc=False):
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


def load_records(
    platform: Platform,
    lines: Iterable[str | Mapping[str, object]],
    *,
    authority: str,
    actor: str,
    reason: str,
    now: int,
) -> Iterator[LineVerdict]:
    """Load records, each a line of JSON or an object; one verdict for each, once it is durable.

    Only what differs from what was loaded before becomes an edit: loading a file again changes
    nothing, and undoes nothing that practitioners did since. What the file does not know of, it
    does not replace: that becomes a conflict. Records of another authority are refused. Blank
    lines are passed over. ``CallerMistake("unknown-authority")`` if there is none.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if not _is_blank(line))
    while batch := list(islice(numbered, LINES_IN_A_TRANSACTION)):
        with platform.loading, _no_search_for_cycles():
            # Checked before the authority is locked: meanwhile another worker may write.
            checked = [_check_line(number, line, authority) for number, line in batch]
            verdicts = _load_batch(
                platform, authority, checked, actor=actor, reason=reason, now=now
            )
        yield from verdicts


# --- One line ----------------------------------------------------------------------------------


class _Line(NamedTuple):
    """A line that holds a record."""

    number: int
    flat: FlatRecord


def _is_blank(line: str | Mapping[str, object]) -> bool:
    return isinstance(line, str) and not line.strip()


def _check_line(
    number: int, line: str | Mapping[str, object], authority: str
) -> _Line | LineVerdict:
    data: object = line
    if isinstance(line, str):
        try:
            data = msgspec.json.decode(line)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return LineVerdict(number, "refused", "", reason="This is not JSON.")
    if not isinstance(data, Mapping):
        return LineVerdict(number, "refused", "", reason="This is not an object.")
    record_id = data.get("record_id")
    named = record_id if isinstance(record_id, str) and len(record_id) <= 32 else ""
    try:
        flat = load_record(data)
    except FieldsRefused as e:
        return LineVerdict(number, "refused", named, e.field_errors[0].path, e.message)
    if flat.authority != authority:
        return LineVerdict(
            number, "refused", named, "authority", f"This record is not of {authority}."
        )
    if isinstance(line, str) and _loses_something(line, flat):
        return LineVerdict(number, "refused", named, reason="A field or an id is in it twice.")
    return _Line(number, flat)


def _loses_something(line: str, flat: FlatRecord) -> bool:
    """Whether a sound line says more than was read: of a key that stands twice in an object,
    readers of JSON take the last. No sound value has a colon or a brace in it."""
    said = line.count(":") - (line.count("{") - 1)  # the keys that stand for no object
    address = cast(Mapping[str, object], flat.fields["address"])
    return said != len(("record_id", "authority")) + len(flat.fields) - 1 + len(address)


# --- One batch ---------------------------------------------------------------------------------


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """What a batch makes holds no cycles, and until its end nearly all of it is in use: to look for
    cycles there again and again took a tenth of a load."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Draft(NamedTuple):
    """What a line comes to if its record is still as it was read before the authority was locked.

    To work that out takes longer than all that has to be done under the lock.
    """

    before: KnownRecord
    foreseen: Foreseen | None
    """``None`` where nothing changes."""
    actor: str
    """Who the server was."""


class _Said(NamedTuple):
    """Who has this loaded, on what ground and when."""

    administrator: str
    basis: str
    now: int


def _draft(before: KnownRecord, line: _Line, actor: str, said: _Said) -> _Draft:
    changes = _differences(before, line.flat.fields)
    if not changes:
        return _Draft(before, None, actor)
    edit = Edit(
        dot=Dot(actor, LAST_COUNTER),
        record_id=line.flat.record_id,
        changes=tuple(changes),
        practitioner=None,
        made_at=said.now,
        administrator=said.administrator,
        basis=said.basis,
        base=before.last_loaded,
    )
    after = before.with_edit(edit, origin=LOAD)
    after.work_out()
    return _Draft(before, Foreseen(edit, encode(edit), after), actor)


def _drafts(
    platform: Platform, authority: str, lines: Sequence[_Line], said: _Said
) -> dict[int, _Draft]:
    """A draft for each line, by its number; for the first alone where several are of one record."""
    first: dict[str, _Line] = {}
    for line in lines:
        first.setdefault(line.flat.record_id, line)
    with platform.storage.reading() as transaction:
        row = known(authorities.find(transaction, authority), authority)
        found = find_records(transaction, authority, first.keys())
    actor = server_actor(row.incarnation)
    return {
        line.number: _draft(found.get(record_id) or KnownRecord.new(record_id), line, actor, said)
        for record_id, line in first.items()
    }


def _made(drafts: Iterable[_Draft]) -> dict[str, KnownRecord]:
    """The records that these drafts make: not one that has gone to another authority, whose edits a
    backup may have lacked, nor one that is too large."""
    return {
        draft.before.record.record_id: draft.foreseen.after
        for draft in drafts
        if draft.foreseen
        and not (draft.before.numbers or draft.before.is_closed or draft.foreseen.after.is_full)
    }


def _load_batch(
    platform: Platform,
    authority: str,
    items: Sequence[_Line | LineVerdict],
    *,
    actor: str,
    reason: str,
    now: int,
) -> list[LineVerdict]:
    """Load these lines in one transaction."""
    said = _Said(actor, reason, now)
    lines = [item for item in items if isinstance(item, _Line)]
    drafts = _drafts(platform, authority, lines, said)
    with platform.storage.transaction() as transaction:
        ahead = write_ahead(transaction, authority, _made(drafts.values()))
        book = Book(platform, transaction, locked(transaction, authority), now=now)
        read = {draft.before.record.record_id: draft.before for draft in drafts.values()}
        book.take_over(read, ahead)
        if any(draft.foreseen for draft in drafts.values()):
            book.read_rules()
        verdicts = [
            _load(book, item, drafts.get(item.number), said) if isinstance(item, _Line) else item
            for item in items
        ]
        book.write()
        outcomes = Counter(verdict.outcome for verdict in verdicts)
        if written := outcomes["created"] + outcomes["changed"]:
            events.add(
                transaction,
                authority=authority,
                at=now,
                actor=actor,
                action="records-loaded",
                subject=f"{written}",
                reason=reason,
            )
    return verdicts


def _load(book: Book, line: _Line, draft: _Draft | None, said: _Said) -> LineVerdict:
    number, record_id = line.number, line.flat.record_id
    found = book.find(record_id)
    before = found or KnownRecord.new(record_id)
    if before.departed_from is not None:
        return LineVerdict(
            number, "refused", record_id, reason="Another authority has taken this record over."
        )
    if draft is None or not _still_holds(book, before, draft):
        draft = _draft(before, line, book.actor, said)
    if draft.foreseen is None:
        return LineVerdict(number, "unchanged", record_id)
    try:
        book.accept_loaded(before, draft.foreseen)
    except CallerMistake as e:
        return LineVerdict(number, "refused", record_id, reason=e.message)
    return LineVerdict(number, "changed" if found else "created", record_id)


def _still_holds(book: Book, before: KnownRecord, draft: _Draft) -> bool:
    """Whether a draft was made from this very state."""
    was = draft.before
    return (
        draft.actor == book.actor
        and was.numbers == before.numbers
        and was.redirection == before.redirection
    )


def _differences(known: KnownRecord, fields: Mapping[str, Value]) -> list[Change]:
    """What a file says that no file has said before and the record does not hold already.

    The file's author was shown what the file before said, and nothing else.
    """
    if not known.numbers:
        # To release what nobody raised says nothing. In the order in which they will be shown.
        return [
            Change(path, fields[path])
            for path in sorted(fields)
            if fields[path] != RELEASED or not settled_by_rule(path)
        ]
    loaded = known.loaded
    return [
        Change(path, value, (loaded[path][0],) if path in loaded else ())
        for path, value in {**_taken_back(known, fields), **fields}.items()
        if not _is_old(known, path, value)
    ]


def _taken_back(known: KnownRecord, fields: Mapping[str, Value]) -> dict[str, Value]:
    return {path: None for path in IDENTIFIERS if path in known.record.live and path not in fields}


def _is_old(known: KnownRecord, path: str, value: Value) -> bool:
    live = known.record.live.get(path)
    if live is None:
        return value == RELEASED and settled_by_rule(path)
    if settled_by_rule(path):
        # A file can raise a latch; to release one takes an administrator's command (H5).
        said = known.is_shielded_by_somebody if path == SHIELD else is_raised(known.record, path)
        return value == RELEASED or said
    said_before = path in known.loaded and same(known.loaded[path][1], value)
    return said_before or (len(live) == 1 and same(live[0].value, value))
