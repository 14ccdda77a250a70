"""Records: their latest view, and the rules that choose them for partitions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredRecord(NamedTuple):
    """A record's latest state; what it consists of are its edits."""

    authority: str
    record_id: str
    revision: int
    view: bytes
    shielded: int
    conflicts: int
    disputes: int = 0
    """Those that are open."""


class Choice(NamedTuple):
    """A rule that chooses a record."""

    authority: str
    rule: str
    record_id: str


def find(transaction: Transaction, authority: str, record_id: str) -> StoredRecord | None:
    """One record."""
    rows = transaction.execute(
        "SELECT * FROM record WHERE authority = :authority AND record_id = :record_id",
        authority=authority,
        record_id=record_id,
    )
    return StoredRecord(**rows[0]) if rows else None


def add(transaction: Transaction, made: Iterable[StoredRecord]) -> None:
    """Store new records."""
    transaction.insert("record", StoredRecord._fields, sorted(made, key=attrgetter("record_id")))


def change(transaction: Transaction, changed: Iterable[StoredRecord]) -> None:
    """Store the latest state of records that are there."""
    transaction.replace("record", ("authority", "record_id"), StoredRecord._fields, changed)


def revisions(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> dict[str, int]:
    """The revisions of those of these records that there are, by id."""
    rows = transaction.execute(
        "SELECT record_id, revision FROM record"
        " WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return {row["record_id"]: row["revision"] for row in rows}


def views(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> dict[str, bytes]:
    """The views of those of these records that there are, by id."""
    rows = transaction.execute(
        "SELECT record_id, view FROM record"
        " WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return {row["record_id"]: row["view"] for row in rows}


def shielded_among(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> frozenset[str]:
    """Those of these records that are shielded."""
    rows = transaction.execute(
        "SELECT record_id FROM record WHERE authority = :authority AND shielded = 1"
        " AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return frozenset(row["record_id"] for row in rows)


def shielded(
    transaction: Transaction, authority: str, *, after: str, at_most: int
) -> tuple[str, ...]:
    """The ids of the next records that are shielded, after an id; none that goes on in another
    record or with another authority."""
    rows = transaction.execute(
        "SELECT record_id FROM record r WHERE authority = :authority AND shielded = 1"
        " AND record_id > :after"
        " AND NOT EXISTS (SELECT 1 FROM merge m"
        "  WHERE m.authority = r.authority AND m.record_id = r.record_id)"
        " AND NOT EXISTS (SELECT 1 FROM departure d"
        "  WHERE d.authority = r.authority AND d.record_id = r.record_id)"
        " ORDER BY record_id LIMIT :at_most",
        authority=authority,
        after=after,
        at_most=at_most,
    )
    return tuple(row["record_id"] for row in rows)


def shielded_views(transaction: Transaction, authority: str) -> dict[str, bytes]:
    """The views of all records that are shielded, by id."""
    rows = transaction.execute(
        "SELECT record_id, view FROM record WHERE authority = :authority AND shielded = 1",
        authority=authority,
    )
    return {row["record_id"]: row["view"] for row in rows}


def in_conflict(
    transaction: Transaction, authority: str, *, after: str, at_most: int
) -> tuple[str, ...]:
    """The ids of the next records with conflicts, after an id."""
    rows = transaction.execute(
        "SELECT record_id FROM record WHERE authority = :authority AND conflicts > 0"
        " AND record_id > :after ORDER BY record_id LIMIT :at_most",
        authority=authority,
        after=after,
        at_most=at_most,
    )
    return tuple(row["record_id"] for row in rows)


def disputed(
    transaction: Transaction, authority: str, *, after: str, at_most: int
) -> tuple[str, ...]:
    """The ids of the next records with open disputes, after an id."""
    rows = transaction.execute(
        "SELECT record_id FROM record WHERE authority = :authority AND disputes > 0"
        " AND record_id > :after ORDER BY record_id LIMIT :at_most",
        authority=authority,
        after=after,
        at_most=at_most,
    )
    return tuple(row["record_id"] for row in rows)


def count(transaction: Transaction, authority: str) -> int:
    """How many records an authority has."""
    (row,) = transaction.execute(
        "SELECT count(*) AS records FROM record WHERE authority = :authority", authority=authority
    )
    return int(row["records"])


def choose(transaction: Transaction, choices: Iterable[Choice]) -> None:
    """Store that these rules choose these records from now on."""
    transaction.insert(
        "record_rule", Choice._fields, sorted(choices, key=attrgetter("rule", "record_id"))
    )


def choose_no_longer(transaction: Transaction, choices: Iterable[Choice]) -> None:
    """Store that these rules, which did, do not choose these records any more."""
    transaction.execute_many(
        "DELETE FROM record_rule"
        " WHERE authority = :authority AND rule = :rule AND record_id = :record_id",
        [choice._asdict() for choice in choices],
    )
