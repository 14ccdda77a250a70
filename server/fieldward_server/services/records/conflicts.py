"""Conflicts: fields with several live values, listed with where each comes from, and settled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.services.records.notices import tell_of_settling
from fieldward_server.services.records.provenance import HistoricValue, Provenance
from fieldward_server.storage import events, records
from fieldward_sync.disputes import Dispute
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import Writer, check_writer
from fieldward_sync.records import Change, Value, same
from fieldward_sync.schema import check_edit

RECORDS_IN_A_PAGE = 100


@dataclass(frozen=True)
class Conflict:
    """A path with several live values, because nobody who wrote one had been shown the other."""

    record_id: str
    path: str
    since: int
    """When the second of the values came, in seconds since 1970 UTC."""
    hidden: bool
    """No device shows it as one: the field is hidden on this record."""
    disputes: tuple[Dispute, ...]
    """The open ones of this field, the oldest first (R2)."""
    values: tuple[HistoricValue, ...]


def list_conflicts(
    platform: Platform, authority: str, *, after: str = "", limit: int = RECORDS_IN_A_PAGE
) -> tuple[Conflict, ...]:
    """The conflicts of an authority's records, by record and path: all of at most ``limit``
    records, from the first after record ``after`` on; empty after the last."""
    with platform.storage.reading() as transaction:
        found = records.in_conflict(
            transaction, authority, after=after, at_most=min(limit, RECORDS_IN_A_PAGE)
        )
        provenances = [Provenance.find(transaction, authority, each) for each in found]
    return tuple(
        _conflict(provenance, path)
        for provenance in provenances
        for path in provenance.known.conflicts
    )


def read_value(text: str) -> Value:
    """A value as a command words it, in JSON; ``CallerMistake("value-malformed")``."""
    try:
        value: Value = msgspec.json.decode(text, type=Value)
    except (msgspec.DecodeError, msgspec.ValidationError) as e:
        raise CallerMistake(
            "value-malformed", "The value is not JSON, or not of a kind that a field holds."
        ) from e
    return value


def settle(
    platform: Platform,
    *,
    authority: str,
    record: str,
    path: str,
    shown: Collection[int],
    value: Value,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """End a conflict: a value, one of them or another, takes the place of all.

    ``shown`` are the numbers of the values that the administrator was shown. Authors of values
    that gave way are told. ``CallerMistake``: "unknown-record", "record-moved", "not-in-conflict",
    "not-as-shown" where other values stand there by now, or as a value may not be.
    """
    with platform.storage.transaction() as transaction:
        book = Book(platform, transaction, locked(transaction, authority), now=now)
        known = book.known(record)
        change = _settling(known, path, shown, value)
        edit = book.accept_as_server(known, [change], administrator=actor, basis=reason)
        book.write()
        tell_of_settling(platform, transaction, authority, known, edit, reason=reason, now=now)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="conflict-settled",
            subject=f"{record} {path}",
            reason=reason,
        )


def _settling(known: KnownRecord, path: str, shown: Collection[int], value: Value) -> Change:
    if path not in known.conflicts:
        raise CallerMistake("not-in-conflict", f"At {path[:80]!r} there is no conflict.")
    live = known.record.live[path]
    if {known.numbers[each.dot] for each in live} != set(shown):
        raise CallerMistake(
            "not-as-shown",
            f"Other values stand at {path} than were named; nothing was changed.",
            next_step="List the conflict again, and decide anew.",
        )
    check_writer(path, value, Writer.SERVER)
    checked = check_edit({path: value}, shown=known.values)
    return Change(path, checked[path], tuple(each.dot for each in live))


def _conflict(provenance: Provenance, path: str) -> Conflict:
    values = provenance.live_at(path)
    second = next(each for each in values if not same(each.value, values[0].value))
    return Conflict(
        record_id=provenance.known.record.record_id,
        path=path,
        since=second.received_at,
        hidden=path not in provenance.known.view.conflicts,
        disputes=tuple(d for d in provenance.known.disputes if d.path == path and d.is_open),
        values=values,
    )
