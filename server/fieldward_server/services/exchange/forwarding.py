"""Forwarding a refused edit to the authority that has its record now (D6, invariant 1).

A device that had not heard that a child moved may have written before it did. Such an edit waits in
the inbox of the authority whose device it is, until an administrator there forwards it: it names
what its author was shown, by whatever that is called where the record is now.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from fieldward_server.services.authorities import lock_all
from fieldward_server.services.exchange.inbox import FORWARDED, decide, in_dots, let_in, undecided
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.crossings import crossed, person_elsewhere
from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.storage import Transaction, departures, events, merges
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.records import Edit


def forward(
    platform: Platform, *, authority: str, number: int, actor: str, reason: str, now: int
) -> None:
    """Let a refused edit of a record that has moved in where the record is now, as an edit of that
    authority's server. Its author is told.

    ``CallerMistake``: "unknown-item", "already-decided", "edit-unreadable", "not-moved", and as
    ``inbox.admit``; ``RetryLater("record-moving")`` if the record moves on meanwhile.
    """
    with platform.storage.reading() as transaction:
        _, proposal = undecided(transaction, authority, number)
        way = _way(transaction, authority, proposal.record_id)
    if all(station.authority == authority for station in way):
        raise CallerMistake(
            "not-moved",
            f"{proposal.record_id} is this authority's own.",
            next_step="`fieldward inbox admit` lets the edit in.",
        )
    with platform.storage.transaction() as transaction:
        rows = lock_all(transaction, *(station.authority for station in way))
        item, proposal = undecided(transaction, authority, number)
        if _way(transaction, authority, proposal.record_id) != way:
            raise RetryLater("record-moving", "The record was handed on meanwhile.")
        books = {code: Book(platform, transaction, row, now=now) for code, row in rows.items()}
        known = _known(books, way[0])
        edit = in_dots(transaction, rows[authority], item, proposal, known)
        for here, there in pairwise(way):
            edit = _carried(books, edit, here, there)
        now_at = way[-1]
        book = books[now_at.authority]
        known = book.known(now_at.record_id)
        by = person_elsewhere(actor, authority, now_at.authority)
        let_in(platform, transaction, book, known, edit, actor=by, reason=reason, now=now)
        decide(
            platform, transaction, item, proposal, FORWARDED, actor=actor, reason=reason, now=now
        )
        events.add(
            transaction,
            authority=now_at.authority,
            at=now,
            actor=by,
            action="edit-forwarded",
            subject=now_at.record_id,
            reason=reason,
        )


class _Station(NamedTuple):
    """A record that an edit goes by."""

    authority: str
    record_id: str


def _way(transaction: Transaction, authority: str, record_id: str) -> tuple[_Station, ...]:
    """From a record to where it is now: merged into others, and handed on."""
    way = [_Station(authority, record_id)]
    while following := _next(transaction, way[-1]):
        way.append(following)
    return tuple(way)


def _next(transaction: Transaction, station: _Station) -> _Station | None:
    for merged in merges.among(transaction, station.authority, [station.record_id]):
        return station._replace(record_id=merged.into_id)
    for departed in departures.among(transaction, station.authority, [station.record_id]):
        return station._replace(authority=departed.taker)
    return None


def _carried(books: Mapping[str, Book], edit: Edit, here: _Station, there: _Station) -> Edit:
    """An edit as it is called at the next station, still under its own dot."""
    if here.authority != there.authority:
        return crossed(edit, here.authority, there.authority)
    merged = _known(books, here)
    if merged.redirection is None:
        raise LookupError(f"{here.record_id} was merged into {there.record_id}.")
    return merged.redirection.edit(edit, merged.record, dot=edit.dot)


def _known(books: Mapping[str, Book], station: _Station) -> KnownRecord:
    found = books[station.authority].find(station.record_id)
    return found or KnownRecord.new(station.record_id)
