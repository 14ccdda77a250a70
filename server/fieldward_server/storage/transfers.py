"""Transfers of records to another authority: a row of the same content for each of the two."""

from __future__ import annotations

from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredTransfer(NamedTuple):
    """A record that was offered to another authority, as one of the two has it on record."""

    authority: str
    transfer_id: str
    """The same with both."""
    record_id: str
    giver: str
    taker: str
    state: str
    offered_at: int
    ended_at: int = 0
    """0 while it is open."""


def put(transaction: Transaction, transfer: StoredTransfer) -> None:
    """Store a transfer as it is now."""
    transaction.execute(
        "INSERT INTO transfer (authority, transfer_id, record_id, giver, taker, state, offered_at,"
        " ended_at) VALUES (:authority, :transfer_id, :record_id, :giver, :taker, :state,"
        " :offered_at, :ended_at) ON CONFLICT (authority, transfer_id)"
        " DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at",
        **transfer._asdict(),
    )


def find(transaction: Transaction, authority: str, transfer_id: str) -> StoredTransfer | None:
    """One transfer, as an authority has it on record."""
    rows = transaction.execute(
        "SELECT * FROM transfer WHERE authority = :authority AND transfer_id = :transfer_id",
        authority=authority,
        transfer_id=transfer_id,
    )
    return StoredTransfer(**rows[0]) if rows else None


def of_record(
    transaction: Transaction, authority: str, record_id: str, *, state: str
) -> tuple[StoredTransfer, ...]:
    """An authority's transfers of a record that are in this state."""
    rows = transaction.execute(
        "SELECT * FROM transfer WHERE authority = :authority AND record_id = :record_id"
        " AND state = :state",
        authority=authority,
        record_id=record_id,
        state=state,
    )
    return tuple(StoredTransfer(**row) for row in rows)


def of_authority(
    transaction: Transaction, authority: str, *, state: str, after: str = "", at_most: int = 1 << 31
) -> tuple[StoredTransfer, ...]:
    """The next of an authority's transfers after one, given and taken: in this state or, where it
    is empty, in any."""
    rows = transaction.execute(
        "SELECT * FROM transfer WHERE authority = :authority AND transfer_id > :after"
        " AND (:state = '' OR state = :state) ORDER BY transfer_id LIMIT :at_most",
        authority=authority,
        state=state,
        after=after,
        at_most=at_most,
    )
    return tuple(StoredTransfer(**row) for row in rows)
