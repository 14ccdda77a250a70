"""What the index holds of a record beside its edits: what it shows, what chooses and finds it.

All of it follows from the record alone. What its edits are called, and its place in any feed, is
not in it: so of a record that is new it can be written before those are known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.storage import AlreadyThere, Transaction, records, search_keys
from fieldward_server.storage.records import Choice, StoredRecord
from fieldward_server.storage.search_keys import SearchKey
from fieldward_sync.errors import RetryLater
from fieldward_sync.projection import is_shielded

WORTH_WRITING_AHEAD = 100
"""New records at once: fewer are written as quickly while the authority is locked."""


class Move(NamedTuple):
    """A record as the index has it, and as it is now."""

    before: KnownRecord
    after: KnownRecord
    chosen: bool = True
    """Whether other rules may choose it than before."""
    searched: bool = True
    """Whether it may be found under other keys than before."""


def write_rows(transaction: Transaction, authority: str, moves: Collection[Move]) -> None:
    """Have the index hold these records as they are now, and nothing else of them."""
    new = [_stored(authority, move.after) for move in moves if not move.before.numbers]
    changed = [_stored(authority, move.after) for move in moves if move.before.numbers]
    records.add(transaction, new)
    records.change(transaction, changed)
    _write_choices(transaction, authority, [move for move in moves if move.chosen])
    _write_search_keys(transaction, authority, [move for move in moves if move.searched])


def write_ahead(
    transaction: Transaction, authority: str, new: Mapping[str, KnownRecord]
) -> Mapping[str, KnownRecord]:
    """Have the index hold those of these records that nobody has made yet, before the authority is
    locked: others may write meanwhile. What it holds of them now, by id.

    Each has to be accepted as it is in the same transaction (``Book.take_over``). ``RetryLater``
    where somebody else makes one of them at this moment.
    """
    if len(new) < WORTH_WRITING_AHEAD:
        return {}
    made = records.revisions(transaction, authority, new.keys())
    ahead = {record_id: known for record_id, known in new.items() if record_id not in made}
    moves = [Move(KnownRecord.new(record_id), known) for record_id, known in ahead.items()]
    try:
        write_rows(transaction, authority, moves)
    except AlreadyThere as e:
        raise RetryLater(
            "database-busy", "Somebody else brings the same records at this moment."
        ) from e
    return ahead


def _write_choices(transaction: Transaction, authority: str, moves: Collection[Move]) -> None:
    chosen = [
        Choice(authority, rule, move.after.record.record_id)
        for move in moves
        for rule in move.after.rules - move.before.rules
    ]
    chosen_no_longer = [
        Choice(authority, rule, move.after.record.record_id)
        for move in moves
        for rule in move.before.rules - move.after.rules
    ]
    records.choose(transaction, chosen)
    records.choose_no_longer(transaction, chosen_no_longer)


def _write_search_keys(transaction: Transaction, authority: str, moves: Collection[Move]) -> None:
    found = [
        SearchKey(authority, key, move.after.record.record_id)
        for move in moves
        for key in move.after.index_keys - move.before.index_keys
    ]
    found_no_longer = [
        SearchKey(authority, key, move.after.record.record_id)
        for move in moves
        for key in move.before.index_keys - move.after.index_keys
    ]
    search_keys.add(transaction, found)
    search_keys.remove(transaction, found_no_longer)


def _stored(authority: str, known: KnownRecord) -> StoredRecord:
    return StoredRecord(
        authority=authority,
        record_id=known.record.record_id,
        revision=known.revision,
        view=known.view_bytes,
        shielded=int(is_shielded(known.record)),
        conflicts=len(known.conflicts),
        disputes=sum(dispute.is_open for dispute in known.disputes),
    )
