"""Lines that the shield register is to have of what has been committed, until it has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class WaitingLine(NamedTuple):
    """A line that waits to be written."""

    authority: str
    number: int
    """In the order of an authority's commits."""
    entry: bytes
    """Packed, as the register knows it."""


def add(transaction: Transaction, authority: str, entry: bytes) -> None:
    """Have a line wait, after those that do. Its authority is locked."""
    transaction.execute(
        "INSERT INTO register_line (authority, number, entry) VALUES (:authority,"
        " (SELECT coalesce(max(number), 0) + 1 FROM register_line WHERE authority = :authority),"
        " :entry)",
        authority=authority,
        entry=entry,
    )


def of_authority(transaction: Transaction, authority: str) -> tuple[WaitingLine, ...]:
    """An authority's lines that wait, in their order."""
    rows = transaction.execute(
        "SELECT authority, number, entry FROM register_line WHERE authority = :authority"
        " ORDER BY number",
        authority=authority,
    )
    return tuple(WaitingLine(**row) for row in rows)


def waiting(transaction: Transaction) -> tuple[str, ...]:
    """The authorities with lines that wait: of all that there are."""
    rows = transaction.execute("SELECT DISTINCT authority FROM register_line ORDER BY authority")
    return tuple(row["authority"] for row in rows)


def remove(transaction: Transaction, lines: Iterable[WaitingLine]) -> None:
    """Note that these are written."""
    transaction.execute_many(
        "DELETE FROM register_line WHERE authority = :authority AND number = :number",
        [{"authority": line.authority, "number": line.number} for line in lines],
    )
