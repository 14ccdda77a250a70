"""Edits: those that merged, and those that wait in the inbox."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class StoredEdit(NamedTuple):
    """A merged edit and the verdict on it.

    ``proposal_hash`` tells a repetition from another content under the same dot.
    """

    authority: str
    record_id: str
    number: int
    actor: str
    counter: int
    origin: str
    body: bytes
    proposal_hash: bytes
    verdict: bytes
    received_at: int


@dataclass(frozen=True)
class InboxItem:
    """A refused edit as it came; ``counter`` is 0 where nobody could read it."""

    authority: str
    actor: str
    counter: int
    content_hash: bytes
    content: bytes
    practitioner: str
    code: str
    received_at: int


def of_record(transaction: Transaction, authority: str, record_id: str) -> tuple[StoredEdit, ...]:
    """A record's edits, in the order of their numbers."""
    return of_records(transaction, authority, [record_id])


def of_records(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> tuple[StoredEdit, ...]:
    """The edits of these records, by record and number."""
    rows = transaction.execute(
        "SELECT * FROM edit WHERE authority = :authority AND record_id IN :record_ids"
        " ORDER BY record_id, number",
        authority=authority,
        record_ids=list(record_ids),
    )
    return tuple(StoredEdit(**row) for row in rows)


def find(transaction: Transaction, authority: str, actor: str, counter: int) -> StoredEdit | None:
    """The edit with this dot."""
    rows = transaction.execute(
        "SELECT * FROM edit WHERE authority = :authority AND actor = :actor AND counter = :counter",
        authority=authority,
        actor=actor,
        counter=counter,
    )
    return StoredEdit(**rows[0]) if rows else None


def add(transaction: Transaction, merged: Iterable[StoredEdit]) -> None:
    """Store merged edits."""
    transaction.insert("edit", StoredEdit._fields, merged)


def refused(
    transaction: Transaction, authority: str, actor: str, counter: int
) -> tuple[InboxItem, ...]:
    """What was refused under this dot, the first that came first."""
    rows = transaction.execute(
        "SELECT * FROM inbox"
        " WHERE authority = :authority AND actor = :actor AND counter = :counter"
        " ORDER BY received_at",
        authority=authority,
        actor=actor,
        counter=counter,
    )
    return tuple(InboxItem(**row) for row in rows)


def refuse(transaction: Transaction, item: InboxItem) -> None:
    """Keep a refused edit; the same again is kept once."""
    transaction.execute(
        "INSERT INTO inbox (authority, actor, counter, content_hash, content, practitioner, code,"
        " received_at) VALUES (:authority, :actor, :counter, :content_hash, :content,"
        " :practitioner, :code, :received_at) ON CONFLICT DO NOTHING",
        **vars(item),
    )


def inbox(transaction: Transaction, authority: str) -> tuple[InboxItem, ...]:
    """All refused edits, in the order they came."""
    rows = transaction.execute(
        "SELECT * FROM inbox WHERE authority = :authority ORDER BY received_at, actor, counter",
        authority=authority,
    )
    return tuple(InboxItem(**row) for row in rows)
