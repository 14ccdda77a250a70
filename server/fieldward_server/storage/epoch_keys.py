"""The keys of partitions, one for each key epoch; what is stored is wrapped."""

from __future__ import annotations

from fieldward_server.storage.driver import Transaction


def begin(
    transaction: Transaction, authority: str, partition_id: str, *, epoch: int, wrapped: bytes
) -> None:
    """Store the key of a new key epoch: what is sealed from now on is sealed with it."""
    transaction.execute(
        "INSERT INTO partition_key (authority, partition_id, epoch, wrapped)"
        " VALUES (:authority, :partition_id, :epoch, :wrapped)",
        authority=authority,
        partition_id=partition_id,
        epoch=epoch,
        wrapped=wrapped,
    )
    transaction.execute(
        "UPDATE partition SET key_epoch = :epoch"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
        epoch=epoch,
    )


def note(transaction: Transaction, authority: str, *, at: int) -> None:
    """Date the keys of key epochs that have not been seen before."""
    transaction.execute(
        "UPDATE partition_key SET seen_at = :at WHERE authority = :authority AND seen_at IS NULL",
        authority=authority,
        at=at,
    )


def in_force_from(transaction: Transaction, authority: str, *, before: int) -> tuple[str, ...]:
    """The partitions whose key in force was seen first before that time, by id."""
    rows = transaction.execute(
        "SELECT p.partition_id FROM partition p JOIN partition_key k"
        " ON k.authority = p.authority AND k.partition_id = p.partition_id"
        " AND k.epoch = p.key_epoch"
        " WHERE p.authority = :authority AND k.seen_at < :before ORDER BY p.partition_id",
        authority=authority,
        before=before,
    )
    return tuple(row["partition_id"] for row in rows)


def find(transaction: Transaction, authority: str, partition_id: str, epoch: int) -> bytes:
    """The wrapped key of a key epoch."""
    (row,) = transaction.execute(
        "SELECT wrapped FROM partition_key WHERE authority = :authority"
        " AND partition_id = :partition_id AND epoch = :epoch",
        authority=authority,
        partition_id=partition_id,
        epoch=epoch,
    )
    wrapped: bytes = row["wrapped"]
    return wrapped


def of_several_epochs(transaction: Transaction, authority: str) -> tuple[tuple[str, str], ...]:
    """The authority's partitions that have keys of several epochs: authority and id."""
    rows = transaction.execute(
        "SELECT partition_id FROM partition_key WHERE authority = :authority"
        " GROUP BY partition_id HAVING count(*) > 1 ORDER BY partition_id",
        authority=authority,
    )
    return tuple((authority, row["partition_id"]) for row in rows)


def forget(
    transaction: Transaction, authority: str, partition_id: str, *, before_epoch: int
) -> int:
    """Remove the keys of a partition's key epochs before this one; how many went."""
    rows = transaction.execute(
        "DELETE FROM partition_key WHERE authority = :authority"
        " AND partition_id = :partition_id AND epoch < :before_epoch RETURNING epoch",
        authority=authority,
        partition_id=partition_id,
        before_epoch=before_epoch,
    )
    return len(rows)
