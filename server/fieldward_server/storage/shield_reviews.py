"""Reviews of shields: when somebody last looked at one, and by when somebody is to look again."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredReview(NamedTuple):
    """The last review of a record's shield. Times are in seconds since 1970 UTC."""

    authority: str
    record_id: str
    at: int
    by: str
    again_by: int


def put(transaction: Transaction, review: StoredReview) -> None:
    """Store a review, in place of the one before."""
    transaction.replace("shield_review", ("authority", "record_id"), StoredReview._fields, [review])


def among(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> dict[str, StoredReview]:
    """The last reviews of those of these records that had one, by id."""
    rows = transaction.execute(
        "SELECT * FROM shield_review WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return {row["record_id"]: StoredReview(**row) for row in rows}
