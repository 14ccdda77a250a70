"""Notices: what became of edits after their verdicts, until whoever made them has read it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredNotice(NamedTuple):
    """A notice for one practitioner, wherever they next sync."""

    authority: str
    notice_id: bytes
    practitioner: str
    notice: bytes
    at: int
    read_at: int | None


def add(transaction: Transaction, notices: Iterable[StoredNotice]) -> None:
    """Store new notices."""
    transaction.insert("notice", StoredNotice._fields, notices)


def unread(
    transaction: Transaction,
    authority: str,
    practitioner: str,
    *,
    after: tuple[int, bytes],
    at_most: int,
) -> tuple[StoredNotice, ...]:
    """What a practitioner has not read yet, the oldest first, from the first after this time and id
    on."""
    at, notice_id = after
    rows = transaction.execute(
        "SELECT * FROM notice WHERE authority = :authority AND practitioner = :practitioner"
        " AND read_at IS NULL AND (at, notice_id) > (:at, :notice_id)"
        " ORDER BY at, notice_id LIMIT :at_most",
        authority=authority,
        practitioner=practitioner,
        at=at,
        notice_id=notice_id,
        at_most=at_most,
    )
    return tuple(StoredNotice(**row) for row in rows)


def mark_read(
    transaction: Transaction,
    authority: str,
    practitioner: str,
    notice_ids: Collection[bytes],
    *,
    at: int,
) -> None:
    """A practitioner has read these; others' they cannot mark."""
    transaction.execute_many(
        "UPDATE notice SET read_at = :at WHERE authority = :authority"
        " AND practitioner = :practitioner AND notice_id = :notice_id AND read_at IS NULL",
        [
            {
                "authority": authority,
                "practitioner": practitioner,
                "notice_id": notice_id,
                "at": at,
            }
            for notice_id in notice_ids
        ],
    )


def forget(
    transaction: Transaction,
    authority: str,
    *,
    before: int,
    at_most: int,
    never_told: Collection[str],
    wiped: Collection[str],
) -> int:
    """Remove some notices that were read before this time, or are of before it and for somebody
    whose devices all have one of these accesses, or one of these states of a wipe; how many went.
    """
    rows = transaction.execute(
        "DELETE FROM notice WHERE authority = :authority AND notice_id IN"
        " (SELECT n.notice_id FROM notice n WHERE n.authority = :authority"
        "  AND (n.read_at < :before OR (n.at < :before AND NOT EXISTS"
        "   (SELECT 1 FROM holder h JOIN device d ON d.authority = h.authority"
        "     AND d.device = h.device AND d.generation = h.generation"
        "    WHERE h.authority = n.authority AND h.practitioner = n.practitioner"
        "     AND NOT d.access IN :never_told AND NOT d.wipe IN :wiped)))"
        "  LIMIT :at_most) RETURNING notice_id",
        authority=authority,
        before=before,
        at_most=at_most,
        never_told=list(never_told),
        wiped=list(wiped),
    )
    return len(rows)
