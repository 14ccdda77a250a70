"""Departures: which records an authority has handed to another, and has a closed copy of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredDeparture(NamedTuple):
    """A record that has gone to another authority. It need not be here: a backup may lack it."""

    authority: str
    record_id: str
    taker: str
    partitions: bytes
    """Packed: the partitions that it was in."""
    at: int


def add(transaction: Transaction, departed: Iterable[StoredDeparture]) -> None:
    """Store that these have gone."""
    transaction.insert("departure", StoredDeparture._fields, departed)


def remove(transaction: Transaction, authority: str, record_ids: Collection[str]) -> None:
    """Store that these have come back."""
    transaction.execute(
        "DELETE FROM departure WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )


def among(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> tuple[StoredDeparture, ...]:
    """Those of these records that have gone."""
    rows = transaction.execute(
        "SELECT * FROM departure WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return tuple(StoredDeparture(**row) for row in rows)
