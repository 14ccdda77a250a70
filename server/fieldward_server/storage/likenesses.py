"""Likenesses: records that were shielded because they may be of the same child as another (H5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction

SAME, DIFFERENT = "same", "different"
"""What a person decides; empty while nobody has."""


class StoredLikeness(NamedTuple):
    """A record was shielded because it is like one that is; ``actor`` and ``counter`` name the
    raise."""

    authority: str
    record_id: str
    like_id: str
    bits: int
    at: int
    actor: str
    counter: int
    decision: str = ""
    decided_at: int = 0


def add(transaction: Transaction, found: Iterable[StoredLikeness]) -> None:
    """Store new ones; one that was decided and is found again waits again."""
    key = ("authority", "record_id", "like_id")
    transaction.replace("likeness", key, StoredLikeness._fields, found)


def find(
    transaction: Transaction, authority: str, record_id: str, like_id: str
) -> StoredLikeness | None:
    """What is known of a record's likeness to another."""
    rows = transaction.execute(
        "SELECT * FROM likeness WHERE authority = :authority AND record_id = :record_id"
        " AND like_id = :like_id",
        authority=authority,
        record_id=record_id,
        like_id=like_id,
    )
    return StoredLikeness(**rows[0]) if rows else None


def concerning(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> tuple[StoredLikeness, ...]:
    """Those in which any of these records is on either side."""
    rows = transaction.execute(
        "SELECT * FROM likeness WHERE authority = :authority AND record_id IN :record_ids"
        " UNION SELECT * FROM likeness WHERE authority = :authority AND like_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return tuple(StoredLikeness(**row) for row in rows)


def undecided(
    transaction: Transaction, authority: str, *, after: str, at_most: int
) -> tuple[StoredLikeness, ...]:
    """The next that wait for a person, after a record; none of a record that another authority
    has."""
    rows = transaction.execute(
        "SELECT * FROM likeness WHERE authority = :authority AND decision = ''"
        " AND record_id > :after AND NOT EXISTS (SELECT 1 FROM departure d"
        "  WHERE d.authority = likeness.authority AND d.record_id = likeness.record_id)"
        " ORDER BY record_id, like_id LIMIT :at_most",
        authority=authority,
        after=after,
        at_most=at_most,
    )
    return tuple(StoredLikeness(**row) for row in rows)


def decide(transaction: Transaction, likeness: StoredLikeness, decision: str, *, at: int) -> None:
    """Store what a person decided."""
    transaction.execute(
        "UPDATE likeness SET decision = :decision, decided_at = :at WHERE authority = :authority"
        " AND record_id = :record_id AND like_id = :like_id",
        authority=likeness.authority,
        record_id=likeness.record_id,
        like_id=likeness.like_id,
        decision=decision,
        at=at,
    )


def decide_all(
    transaction: Transaction, authority: str, record_id: str, decision: str, *, at: int
) -> None:
    """Store the same decision of everything that waits about a record."""
    transaction.execute(
        "UPDATE likeness SET decision = :decision, decided_at = :at WHERE authority = :authority"
        " AND record_id = :record_id AND decision = ''",
        authority=authority,
        record_id=record_id,
        decision=decision,
        at=at,
    )
