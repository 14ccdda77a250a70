"""Everything that the master key wraps, wherever it lies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fieldward_server.storage.driver import Row, Transaction, Value


class Place(NamedTuple):
    """A column with wrapped keys, and what names a row of its table within an authority."""

    table: str
    key: tuple[str, ...]
    column: str


def read(transaction: Transaction, authority: str, place: Place) -> list[Row]:
    """An authority's wrapped keys of one place, each with what names its row."""
    return transaction.execute(
        f"SELECT {', '.join((*place.key, place.column))} FROM {place.table}"  # noqa: S608 # our words
        f" WHERE authority = :authority AND {place.column} IS NOT NULL",
        authority=authority,
    )


def replace(
    transaction: Transaction, authority: str, place: Place, rows: Iterable[dict[str, Value]]
) -> None:
    """Store other wrapped keys in these rows."""
    named = " AND ".join(f"{name} = :{name}" for name in ("authority", *place.key))
    transaction.execute_many(
        f"UPDATE {place.table} SET {place.column} = :{place.column} WHERE {named}",  # noqa: S608 # our words
        [{"authority": authority, **row} for row in rows],
    )
