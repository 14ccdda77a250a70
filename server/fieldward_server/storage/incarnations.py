"""The incarnations that a database has lived through, and what each began with.

Beside them stands which incarnation may serve. That table is in no backup: whatever is restored,
and by whatever means the backup was made here, it serves nothing until somebody says so.
"""

from __future__ import annotations

from fieldward_server.storage.driver import Transaction

SERVING = "serving"
"""The table that no backup holds."""

FIRST_NUMBERS = 1 << 32
"""Orders and key epochs of an incarnation are numbered from so many times what it is above the
first, so that none has a number that the history cut off by a restore gave out."""


def begin(transaction: Transaction, authority: str, incarnation: int, *, at: int) -> None:
    """Begin an incarnation with what the database holds now: what each record has of edits, and
    numbers for orders and key epochs that no earlier incarnation gave out."""
    transaction.execute(
        "INSERT INTO incarnation (authority, incarnation, began_at)"
        " VALUES (:authority, :incarnation, :at)",
        authority=authority,
        incarnation=incarnation,
        at=at,
    )
    transaction.execute(
        "INSERT INTO carried_over (authority, record_id, incarnation, number)"
        " SELECT authority, record_id, :incarnation, revision FROM record"
        " WHERE authority = :authority",
        authority=authority,
        incarnation=incarnation,
    )
    above = (incarnation - 1) * FIRST_NUMBERS
    transaction.execute(
        "UPDATE device SET order_number = :above WHERE authority = :authority"
        " AND order_number < :above",
        authority=authority,
        above=above,
    )
    transaction.execute(
        "UPDATE partition SET key_epoch = :above WHERE authority = :authority"
        " AND key_epoch < :above",
        authority=authority,
        above=above,
    )


def began_at(transaction: Transaction, authority: str) -> int:
    """When the latest incarnation began: a device may have been heard until then, of which this
    database knows nothing."""
    (row,) = transaction.execute(
        "SELECT max(began_at) AS began_at FROM incarnation WHERE authority = :authority",
        authority=authority,
    )
    return int(row["began_at"])


def carried_over(transaction: Transaction, authority: str, record_id: str, *, since: int) -> int:
    """Up to which of a record's numbers this database and the incarnation ``since`` agree, of
    which there have been later ones; 0 if it never was this database's."""
    (row,) = transaction.execute(
        "SELECT coalesce(min(c.number), 0) AS number FROM incarnation i"
        " LEFT JOIN carried_over c ON c.authority = i.authority"
        " AND c.incarnation = i.incarnation AND c.record_id = :record_id"
        " WHERE i.authority = :authority AND i.incarnation ="
        " (SELECT min(n.incarnation) FROM incarnation n WHERE n.authority = :authority"
        "  AND n.incarnation > :since)"
        " AND EXISTS (SELECT 1 FROM incarnation b WHERE b.authority = :authority"
        "  AND b.incarnation = :since)",
        authority=authority,
        record_id=record_id,
        since=since,
    )
    return int(row["number"])


def serve(transaction: Transaction, authority: str, incarnation: int) -> None:
    """Let an authority serve in this incarnation, and in no other."""
    transaction.execute(
        "INSERT INTO serving (authority, incarnation) VALUES (:authority, :incarnation)"
        " ON CONFLICT (authority) DO UPDATE SET incarnation = excluded.incarnation",
        authority=authority,
        incarnation=incarnation,
    )


def unpublish(transaction: Transaction, authority: str, *, file_epochs: bytes) -> None:
    """No partition has files any more: what was published before shows what may be hidden now.

    ``file_epochs`` are those of no file.
    """
    transaction.execute(
        "UPDATE partition SET manifest = NULL, manifest_feed = 0, image_feed = 0,"
        " image_records = 0, file_epochs = :file_epochs WHERE authority = :authority",
        authority=authority,
        file_epochs=file_epochs,
    )


def stop_serving(transaction: Transaction) -> None:
    """No authority serves any more, of all that there are."""
    transaction.execute("DELETE FROM serving")
