"""Edits: those that merged, and those that wait in the inbox."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import attrgetter
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
    number: int = 0
    """In the order in which they came, from 1; given when it is stored."""
    decision: str = ""
    decided_at: int = 0


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
    transaction.insert("edit", StoredEdit._fields, sorted(merged, key=attrgetter("record_id")))


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
    """Keep a refused edit under the next number; the same again is kept once."""
    transaction.execute(
        "INSERT INTO inbox (authority, actor, counter, content_hash, content, practitioner, code,"
        " received_at, number) SELECT :authority, :actor, :counter, :content_hash, :content,"
        " :practitioner, :code, :received_at, coalesce(max(number), 0) + 1 FROM inbox"
        " WHERE authority = :authority ON CONFLICT DO NOTHING",
        authority=item.authority,
        actor=item.actor,
        counter=item.counter,
        content_hash=item.content_hash,
        content=item.content,
        practitioner=item.practitioner,
        code=item.code,
        received_at=item.received_at,
    )


def inbox(
    transaction: Transaction,
    authority: str,
    *,
    after: int = 0,
    at_most: int = 1 << 31,
    decided_too: bool = True,
) -> tuple[InboxItem, ...]:
    """The refused edits after a number, in the order they came."""
    rows = transaction.execute(
        "SELECT * FROM inbox WHERE authority = :authority AND number > :after"
        " AND (decision = '' OR :decided_too = 1) ORDER BY number LIMIT :at_most",
        authority=authority,
        after=after,
        at_most=at_most,
        decided_too=int(decided_too),
    )
    return tuple(InboxItem(**row) for row in rows)


def inbox_item(transaction: Transaction, authority: str, number: int) -> InboxItem | None:
    """The refused edit of this number."""
    rows = transaction.execute(
        "SELECT * FROM inbox WHERE authority = :authority AND number = :number",
        authority=authority,
        number=number,
    )
    return InboxItem(**rows[0]) if rows else None


def decide(transaction: Transaction, item: InboxItem, decision: str, *, at: int) -> None:
    """Store what a person decided about a refused edit; nothing of it goes."""
    transaction.execute(
        "UPDATE inbox SET decision = :decision, decided_at = :at"
        " WHERE authority = :authority AND number = :number",
        authority=item.authority,
        number=item.number,
        decision=decision,
        at=at,
    )
