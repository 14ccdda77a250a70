"""Records: their latest view, and the rules that choose them for partitions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class StoredRecord:
    """A record's latest state; what it consists of are its edits."""

    authority: str
    record_id: str
    revision: int
    view: bytes
    shielded: int
    conflicts: int


@dataclass(frozen=True)
class RuleChange:
    """A rule that chooses a record from now on, or no longer does."""

    record_id: str
    rule: str
    applies: bool


_RULE_APPLIES = (
    "INSERT INTO record_rule (authority, rule, record_id) VALUES (:authority, :rule, :record_id)"
)
_RULE_APPLIES_NO_LONGER = (
    "DELETE FROM record_rule"
    " WHERE authority = :authority AND rule = :rule AND record_id = :record_id"
)


def find(transaction: Transaction, authority: str, record_id: str) -> StoredRecord | None:
    """One record."""
    rows = transaction.execute(
        "SELECT * FROM record WHERE authority = :authority AND record_id = :record_id",
        authority=authority,
        record_id=record_id,
    )
    return StoredRecord(**rows[0]) if rows else None


def put(transaction: Transaction, stored: Iterable[StoredRecord]) -> None:
    """Store the latest state of each of these records."""
    transaction.execute_many(
        "INSERT INTO record (authority, record_id, revision, view, shielded, conflicts)"
        " VALUES (:authority, :record_id, :revision, :view, :shielded, :conflicts)"
        " ON CONFLICT (authority, record_id) DO UPDATE SET revision = excluded.revision,"
        " view = excluded.view, shielded = excluded.shielded, conflicts = excluded.conflicts",
        [vars(record) for record in stored],
    )


def in_conflict(transaction: Transaction, authority: str) -> tuple[str, ...]:
    """The ids of the records with conflicts."""
    rows = transaction.execute(
        "SELECT record_id FROM record WHERE authority = :authority AND conflicts > 0"
        " ORDER BY record_id",
        authority=authority,
    )
    return tuple(row["record_id"] for row in rows)


def count(transaction: Transaction, authority: str) -> int:
    """How many records an authority has."""
    (row,) = transaction.execute(
        "SELECT count(*) AS records FROM record WHERE authority = :authority", authority=authority
    )
    return int(row["records"])


def change_rules(transaction: Transaction, authority: str, changes: Iterable[RuleChange]) -> None:
    """Store which rules choose records now, or no longer do; each change follows those before."""
    for change in changes:
        transaction.execute(
            _RULE_APPLIES if change.applies else _RULE_APPLIES_NO_LONGER,
            authority=authority,
            rule=change.rule,
            record_id=change.record_id,
        )


def chosen_by(transaction: Transaction, authority: str, rule: str) -> tuple[StoredRecord, ...]:
    """All records that a rule chooses."""
    rows = transaction.execute(
        "SELECT r.* FROM record_rule c JOIN record r"
        " ON r.authority = c.authority AND r.record_id = c.record_id"
        " WHERE c.authority = :authority AND c.rule = :rule",
        authority=authority,
        rule=rule,
    )
    return tuple(StoredRecord(**row) for row in rows)
