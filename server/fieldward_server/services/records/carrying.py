"""Carrying a record from one authority's book into another's: what comes, and what stays behind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from fieldward_server.services.records.book import Book
from fieldward_server.services.records.crossings import crossed
from fieldward_server.services.records.known_records import KnownRecord, read_edit
from fieldward_server.storage import Transaction, departures, edits, merges
from fieldward_server.storage.departures import StoredDeparture
from fieldward_sync.encoding import pack
from fieldward_sync.projection import settled_by_rule
from fieldward_sync.records import Edit


def here_already(known: KnownRecord | None) -> bool:
    """Whether an authority has a record of its own by that name. One that only shields whoever
    comes is none: a restore makes it for a record that the backup lacks."""
    if known is None:
        return False
    if known.redirection is not None:  # it goes wherever the one goes that it was merged into
        return True
    return known.departed_from is None and not all(map(settled_by_rule, known.record.live))


def is_another(here: KnownRecord | None, coming: KnownRecord, giver: str, taker: str) -> bool:
    """Whether a record that comes is not the one that the taker has, or had, by that name: what
    went from here comes back with all that it left with."""
    if here is None or here.departed_from is None:
        return here_already(here)
    return not here.numbers.keys() <= {
        crossed(edit, giver, taker).dot for edit in coming.record.edits.values()
    }


def carry_in(
    transaction: Transaction, taking: Book, record_id: str, *, givers: Iterable[str]
) -> None:
    """Open a record in the taker's book, with every edit that these authorities have of it; and
    what the taker itself has of it from before, and of those that had been merged into it."""
    coming = [each for giver in givers for each in _coming(transaction, giver, taking, record_id)]
    known = taking.find(record_id) or KnownRecord.new(record_id)
    if coming or known.numbers:  # else a backup has it nowhere
        taking.take_in(known, coming)
    departures.remove(
        transaction, taking.authority, _with_merged(transaction, taking.authority, record_id)
    )


def leave_behind(
    transaction: Transaction,
    giving: Book,
    record_id: str,
    *,
    taker: str,
    partitions: Collection[str],
    now: int,
) -> None:
    """Close a record in the giver's book, which was in these partitions: what is left of it, and of
    those that had been merged into it, is shown to nobody, and redacted where it may be held."""
    known = giving.find(record_id)
    if known is not None:
        giving.close(known, known.departed(frozenset(partitions)))
    for each in _with_merged(transaction, giving.authority, record_id):
        merged = giving.find(each)
        own = merged.redirection.partitions if merged and merged.redirection else partitions
        row = StoredDeparture(giving.authority, each, taker, pack(tuple(sorted(own))), now)
        departures.add(transaction, [row])


def _coming(
    transaction: Transaction, giver: str, taking: Book, record_id: str
) -> Iterator[tuple[Edit, int]]:
    for stored in edits.of_record(transaction, giver, record_id):
        yield crossed(read_edit(stored), giver, taking.authority), stored.received_at


def _with_merged(transaction: Transaction, authority: str, record_id: str) -> list[str]:
    """A record, and those that go on in it, by whatever way."""
    found = [record_id]
    for each in found:
        found += merges.into(transaction, authority, each)
    return found
