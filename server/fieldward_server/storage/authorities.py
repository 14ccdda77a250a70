"""Authorities: one row each, which is also the lock of whoever writes for one."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Authority:
    """An authority as stored; ``answer_key`` and ``edit_seed`` are wrapped."""

    authority: str
    name: str
    incarnation: int
    state_number: int
    """Counts everything that changes what some device may hold."""
    event_number: int
    edit_counter: int
    """Of the server's own edits."""
    root_key: bytes
    trust: bytes
    trust_version: int
    answer_key: bytes
    edit_seed: bytes


def add(
    transaction: Transaction,
    *,
    authority: str,
    name: str,
    incarnation: int,
    root_key: bytes,
    trust: bytes,
    trust_version: int,
    answer_key: bytes,
    edit_seed: bytes,
) -> bool:
    """Whether it was added; it is left as it is if it was there."""
    return bool(
        transaction.execute(
            "INSERT INTO authority (authority, name, incarnation, state_number, event_number,"
            " edit_counter, root_key, trust, trust_version, answer_key, edit_seed)"
            " VALUES (:authority, :name, :incarnation, 0, 0, 0,"
            " :root_key, :trust, :trust_version, :answer_key, :edit_seed)"
            " ON CONFLICT DO NOTHING RETURNING authority",
            authority=authority,
            name=name,
            incarnation=incarnation,
            root_key=root_key,
            trust=trust,
            trust_version=trust_version,
            answer_key=answer_key,
            edit_seed=edit_seed,
        )
    )


def find(transaction: Transaction, authority: str) -> Authority | None:
    """The authority, without locking it."""
    rows = transaction.execute(
        "SELECT * FROM authority WHERE authority = :authority", authority=authority
    )
    return Authority(**rows[0]) if rows else None


def lock(transaction: Transaction, authority: str) -> Authority | None:
    """The authority; until the transaction ends, nobody else writes for it."""
    rows = transaction.execute(
        "UPDATE authority SET state_number = state_number WHERE authority = :authority RETURNING *",
        authority=authority,
    )
    return Authority(**rows[0]) if rows else None


def next_state(transaction: Transaction, authority: str) -> int:
    """A state number that nobody had before."""
    (row,) = transaction.execute(
        "UPDATE authority SET state_number = state_number + 1 WHERE authority = :authority"
        " RETURNING state_number",
        authority=authority,
    )
    return int(row["state_number"])


def next_edit_counter(transaction: Transaction, authority: str) -> int:
    """A counter for an edit of the server's own."""
    (row,) = transaction.execute(
        "UPDATE authority SET edit_counter = edit_counter + 1 WHERE authority = :authority"
        " RETURNING edit_counter",
        authority=authority,
    )
    return int(row["edit_counter"])


def codes(transaction: Transaction) -> tuple[str, ...]:
    """All authorities of this database, by code."""
    rows = transaction.execute("SELECT authority FROM authority ORDER BY authority")
    return tuple(row["authority"] for row in rows)
