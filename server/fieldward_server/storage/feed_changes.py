"""The numbered changes of each partition's feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class FeedEntry(NamedTuple):
    """A change of one record, or its removal."""

    authority: str
    partition_id: str
    number: int
    record_id: str
    removed: int
    at: int


@dataclass(frozen=True)
class FeedChange:
    """The latest change of one record beyond an image, and its view unless it has left."""

    number: int
    record_id: str
    removed: int
    at: int
    view: bytes


def append(transaction: Transaction, entries: Iterable[FeedEntry]) -> None:
    """Write changes into their feeds. A number is taken once: the database sees to it."""
    transaction.insert("feed", FeedEntry._fields, entries)


def since(
    transaction: Transaction, authority: str, partition_id: str, *, after: int
) -> tuple[FeedChange, ...]:
    """For each record that changed after this feed number, its latest change."""
    rows = transaction.execute(
        "SELECT f.number, f.record_id, f.removed, f.at, r.view"
        " FROM (SELECT record_id, max(number) AS number FROM feed WHERE authority = :authority"
        "  AND partition_id = :partition_id AND number > :after GROUP BY record_id) latest"
        " JOIN feed f ON f.authority = :authority AND f.partition_id = :partition_id"
        "  AND f.number = latest.number"
        " JOIN record r ON r.authority = :authority AND r.record_id = f.record_id"
        " ORDER BY f.number",
        authority=authority,
        partition_id=partition_id,
        after=after,
    )
    return tuple(
        FeedChange(**{**row, "view": b"" if row["removed"] else row["view"]}) for row in rows
    )


def forget(
    transaction: Transaction, authority: str, partition_id: str, *, before: int, at_most: int
) -> int:
    """Remove the first changes of a feed, as far as its image has them and they are of before this
    time; how many went. What stays has no holes, whatever the clock did."""
    rows = transaction.execute(
        "DELETE FROM feed WHERE authority = :authority AND partition_id = :partition_id"
        " AND number < (SELECT coalesce(min(CASE WHEN first.at >= :before"
        "   OR first.number > first.image_feed THEN first.number END), max(first.number) + 1)"
        "  FROM (SELECT f.number, f.at, p.image_feed FROM feed f JOIN partition p"
        "    ON p.authority = f.authority AND p.partition_id = f.partition_id"
        "   WHERE f.authority = :authority AND f.partition_id = :partition_id"
        "   ORDER BY f.number LIMIT :at_most) first) RETURNING number",
        authority=authority,
        partition_id=partition_id,
        before=before,
        at_most=at_most,
    )
    return len(rows)
