"""Merges: which record of an authority goes on in which other."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredMerge(NamedTuple):
    """A record that is closed, and where its edits go on."""

    authority: str
    record_id: str
    into_id: str
    members: bytes
    """Packed: the members of sets that are called otherwise there."""
    partitions: bytes
    """Packed: the partitions that it was in."""
    at: int


def add(transaction: Transaction, merge: StoredMerge) -> None:
    """Store a merge."""
    transaction.insert("merge", StoredMerge._fields, [merge])


def among(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> tuple[StoredMerge, ...]:
    """The merges that closed any of these records."""
    rows = transaction.execute(
        "SELECT * FROM merge WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return tuple(StoredMerge(**row) for row in rows)


def into(transaction: Transaction, authority: str, record_id: str) -> tuple[str, ...]:
    """The records that go on in this one."""
    rows = transaction.execute(
        "SELECT record_id FROM merge WHERE authority = :authority AND into_id = :into_id"
        " ORDER BY record_id",
        authority=authority,
        into_id=record_id,
    )
    return tuple(row["record_id"] for row in rows)
