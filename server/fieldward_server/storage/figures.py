"""Figures about all that is stored. Their statements span authorities, and count only."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class PartitionFigures:
    """An authority's partitions: how far their files are behind."""

    authority: str
    partitions: int
    behind: int
    """Partitions with changes that no file has yet."""
    changes: int
    """How many changes those are."""
    kept: int
    """How many changes their feeds still have."""


@dataclass(frozen=True)
class DeviceFigures:
    """An authority's devices that stand alike."""

    authority: str
    access: str
    devices: int
    unsent_edits: int
    """As they last said themselves."""


@dataclass(frozen=True)
class IncidentFigures:
    """An authority's incidents of one kind."""

    authority: str
    kind: str
    incidents: int


def of_partitions(transaction: Transaction) -> tuple[PartitionFigures, ...]:
    """Each authority's partitions."""
    rows = transaction.execute(
        "SELECT authority, count(*) AS partitions,"
        " sum(CASE WHEN feed > manifest_feed THEN 1 ELSE 0 END) AS behind,"
        " sum(feed - manifest_feed) AS changes,"
        " sum(coalesce(feed + 1 - (SELECT min(f.number) FROM feed f"
        "   WHERE f.authority = partition.authority"
        "   AND f.partition_id = partition.partition_id), 0)) AS kept"
        " FROM partition GROUP BY authority"
    )
    return tuple(
        PartitionFigures(
            row["authority"],
            row["partitions"],
            int(row["behind"]),
            int(row["changes"]),
            int(row["kept"]),
        )
        for row in rows
    )


def of_devices(transaction: Transaction) -> tuple[DeviceFigures, ...]:
    """Each authority's devices, by access."""
    rows = transaction.execute(
        "SELECT authority, access, count(*) AS devices, sum(pending_edits) AS unsent_edits"
        " FROM device GROUP BY authority, access"
    )
    return tuple(
        DeviceFigures(row["authority"], row["access"], row["devices"], int(row["unsent_edits"]))
        for row in rows
    )


def of_incidents(transaction: Transaction) -> tuple[IncidentFigures, ...]:
    """Each authority's incidents, by kind."""
    rows = transaction.execute(
        "SELECT authority, kind, count(*) AS incidents FROM incident GROUP BY authority, kind"
    )
    return tuple(IncidentFigures(**row) for row in rows)
