"""The names of sealed files: those that manifests list, and those dropped lately."""

from __future__ import annotations

from collections.abc import Iterable

from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.partitions import Partition


def list_only(
    transaction: Transaction, partition: Partition, *, listed: Iterable[str], now: int
) -> None:
    """Record which files a partition's manifest lists from ``now`` on; others are dropped."""
    key = {"authority": partition.authority, "partition_id": partition.partition_id}
    transaction.execute(
        "UPDATE sealed_file SET dropped_at = :now WHERE authority = :authority"
        " AND partition_id = :partition_id AND dropped_at IS NULL",
        **key,
        now=now,
    )
    transaction.execute_many(
        "INSERT INTO sealed_file (authority, partition_id, name)"
        " VALUES (:authority, :partition_id, :name)"
        " ON CONFLICT (authority, name) DO UPDATE SET dropped_at = NULL",
        [{**key, "name": name} for name in listed],
    )


def dropped(
    transaction: Transaction, authority: str, *, before: int, at_most: int
) -> tuple[str, ...]:
    """The names of some files that were dropped before this time."""
    rows = transaction.execute(
        "SELECT name FROM sealed_file WHERE authority = :authority AND dropped_at < :before"
        " LIMIT :at_most",
        authority=authority,
        before=before,
        at_most=at_most,
    )
    return tuple(row["name"] for row in rows)


def forget(transaction: Transaction, authority: str, names: Iterable[str]) -> None:
    """Files that are gone are no longer known from here on."""
    transaction.execute(
        "DELETE FROM sealed_file WHERE authority = :authority AND name IN :names",
        authority=authority,
        names=list(names),
    )


def listed(transaction: Transaction, authority: str) -> tuple[str, ...]:
    """The names of the files that an authority's manifests list."""
    rows = transaction.execute(
        "SELECT name FROM sealed_file WHERE authority = :authority AND dropped_at IS NULL",
        authority=authority,
    )
    return tuple(row["name"] for row in rows)


def some_listed(transaction: Transaction, *, at_most: int) -> tuple[str, ...]:
    """The names of some files that manifests list, whoever's."""
    rows = transaction.execute(
        "SELECT f.name FROM sealed_file f JOIN partition p"
        " ON p.authority = f.authority AND p.partition_id = f.partition_id"
        " WHERE f.dropped_at IS NULL AND p.manifest IS NOT NULL LIMIT :at_most",
        at_most=at_most,
    )
    return tuple(row["name"] for row in rows)


def known(transaction: Transaction, authority: str) -> frozenset[str]:
    """The names of the files of an authority that are listed, or were until lately."""
    rows = transaction.execute(
        "SELECT name FROM sealed_file WHERE authority = :authority", authority=authority
    )
    return frozenset(row["name"] for row in rows)
