"""Search keys: under which of them each record of an authority's index is found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from fieldward_server.storage.driver import Row, Transaction


class SearchKey(NamedTuple):
    """A record under one of its keys."""

    authority: str
    key: str
    record_id: str


class Span(NamedTuple):
    """All keys from ``first`` on and before ``past``."""

    first: str
    past: str


class Found(NamedTuple):
    """What a look-up found."""

    rows: list[tuple[str, str]]
    """Keys, and the records that they find."""
    cut: bool
    """There was more than the limit allowed to be read."""


def add(transaction: Transaction, keys: Iterable[SearchKey]) -> None:
    """Let records be found under keys that they did not have."""
    # In the order in which they are kept, most of them meet a page that is in memory already.
    transaction.insert("search_key", SearchKey._fields, sorted(keys))


def remove(transaction: Transaction, keys: Iterable[SearchKey]) -> None:
    """Let records be found under these keys no more."""
    transaction.execute_many(
        "DELETE FROM search_key"
        " WHERE authority = :authority AND key = :key AND record_id = :record_id",
        [key._asdict() for key in keys],
    )


def look_up(
    transaction: Transaction,
    authority: str,
    keys: Collection[str],
    spans: Iterable[Span] = (),
    *,
    limit: int,
) -> Found:
    """The records under any of these keys, and in any of these spans of keys: of the keys together
    and of each span at most ``limit`` rows are read."""
    found = Found([], False)
    if keys:
        rows = transaction.execute(
            "SELECT key, record_id FROM search_key"
            " WHERE authority = :authority AND key IN :keys LIMIT :limit",
            authority=authority,
            keys=list(keys),
            limit=limit + 1,
        )
        found = _with(found, rows, limit)
    for span in spans:
        rows = transaction.execute(
            "SELECT key, record_id FROM search_key"
            " WHERE authority = :authority AND key >= :first AND key < :past LIMIT :limit",
            authority=authority,
            first=span.first,
            past=span.past,
            limit=limit + 1,
        )
        found = _with(found, rows, limit)
    return found


def _with(found: Found, rows: list[Row], limit: int) -> Found:
    read = [(row["key"], row["record_id"]) for row in rows[:limit]]
    return Found(found.rows + read, found.cut or len(rows) > limit)
