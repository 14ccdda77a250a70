"""Which records are in which partitions, and which the rules would have there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.records import StoredRecord


class Member(NamedTuple):
    """A record in a partition, and what it contributes to the partition's digest."""

    authority: str
    partition_id: str
    record_id: str
    element: bytes


def of_records(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> tuple[Member, ...]:
    """Which partitions these records are in."""
    rows = transaction.execute(
        "SELECT authority, partition_id, record_id, element FROM member"
        " WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return tuple(Member(**row) for row in rows)


def count_covered(
    transaction: Transaction,
    authority: str,
    *,
    partition_ids: Collection[str],
    rules: Collection[str] = (),
) -> int:
    """How many records are in any of these partitions or chosen by any of these rules."""
    (row,) = transaction.execute(
        "SELECT count(*) AS records FROM (SELECT record_id FROM member"
        " WHERE authority = :authority AND partition_id IN :partition_ids"
        " UNION SELECT record_id FROM record_rule"
        " WHERE authority = :authority AND rule IN :rules) covered",
        authority=authority,
        partition_ids=list(partition_ids),
        rules=list(rules),
    )
    return int(row["records"])


def coming(
    transaction: Transaction, authority: str, partition_id: str, rules: Collection[str]
) -> tuple[StoredRecord, ...]:
    """The records that any of these rules chooses and that are not in the partition."""
    rows = transaction.execute(
        "SELECT * FROM record WHERE authority = :authority AND record_id IN"
        " (SELECT record_id FROM record_rule WHERE authority = :authority AND rule IN :rules"
        "  EXCEPT SELECT record_id FROM member"
        "  WHERE authority = :authority AND partition_id = :partition_id)",
        authority=authority,
        partition_id=partition_id,
        rules=list(rules),
    )
    return tuple(StoredRecord(**row) for row in rows)


def going(
    transaction: Transaction, authority: str, partition_id: str, rules: Collection[str]
) -> tuple[Member, ...]:
    """The records of a partition that none of these rules chooses."""
    rows = transaction.execute(
        "SELECT authority, partition_id, record_id, element FROM member"
        " WHERE authority = :authority AND partition_id = :partition_id AND record_id NOT IN"
        " (SELECT record_id FROM record_rule WHERE authority = :authority AND rule IN :rules)",
        authority=authority,
        partition_id=partition_id,
        rules=list(rules),
    )
    return tuple(Member(**row) for row in rows)


def add(transaction: Transaction, members: Iterable[Member]) -> None:
    """Store that these records are in a partition from now on."""
    transaction.insert("member", Member._fields, sorted(members, key=attrgetter("record_id")))


def change(transaction: Transaction, members: Iterable[Member]) -> None:
    """Store what records that are in a partition contribute to its digest now."""
    key = ("authority", "partition_id", "record_id")
    transaction.replace("member", key, Member._fields, members)


def remove(
    transaction: Transaction, authority: str, partition_id: str, record_ids: Iterable[str]
) -> None:
    """Store that these records are not in a partition any more."""
    transaction.execute_many(
        "DELETE FROM member WHERE authority = :authority AND partition_id = :partition_id"
        " AND record_id = :record_id",
        [
            {"authority": authority, "partition_id": partition_id, "record_id": record_id}
            for record_id in record_ids
        ],
    )


def views(transaction: Transaction, authority: str, partition_id: str) -> tuple[bytes, ...]:
    """The views of all records in a partition."""
    rows = transaction.execute(
        "SELECT r.view FROM member m JOIN record r"
        " ON r.authority = m.authority AND r.record_id = m.record_id"
        " WHERE m.authority = :authority AND m.partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
    )
    return tuple(row["view"] for row in rows)
