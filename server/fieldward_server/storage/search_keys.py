"""Search keys: under which of them each record of an authority's index is found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


class SearchKey(NamedTuple):
    """A record under one of its keys."""

    authority: str
    key: str
    record_id: str


class Span(NamedTuple):
    """All keys from ``first`` on and before ``past``."""

    first: str
    past: str


class Asked(NamedTuple):
    """Keys, and spans of keys, that are looked up."""

    keys: Collection[str]
    spans: Sequence[Span] = ()


class Found(NamedTuple):
    """What a look-up found."""

    rows: list[tuple[str, str]]
    """Keys, and the records that they find."""
    cut: bool
    """There was more than the limit allowed to be read."""


def add(transaction: Transaction, keys: Iterable[SearchKey]) -> None:
    """Let records be found under keys that they did not have."""
    transaction.insert("search_key", SearchKey._fields, sorted(keys, key=attrgetter("key")))


def remove(transaction: Transaction, keys: Iterable[SearchKey]) -> None:
    """Let records be found under these keys no more."""
    transaction.execute_many(
        "DELETE FROM search_key"
        " WHERE authority = :authority AND key = :key AND record_id = :record_id",
        [key._asdict() for key in keys],
    )


def look_up(
    transaction: Transaction, authority: str, asked: Sequence[Asked], *, limit: int
) -> list[Found]:
    """What is found for each of those ``asked``: the records under any of its keys and in any of
    its spans. Of its keys together, and of each of its spans, at most ``limit`` rows are read."""
    found = [Found([], False) for _ in asked]
    parts = [part for number, each in enumerate(asked) for part in _parts(number, each)]
    if not parts:
        return found
    # One statement for all: each costs a way to the database and back.
    rows = transaction.execute(
        " UNION ALL ".join(part.sql for part in parts),
        authority=authority,
        limit=limit + 1,
        **{name: value for part in parts for name, value in part.values.items()},
    )
    read = defaultdict[str, list[tuple[str, str]]](list)
    for row in rows:
        read[row["part"]].append((row["key"], row["record_id"]))
    for part in parts:
        before, more = found[part.asked], read[part.name]
        found[part.asked] = Found(before.rows + more[:limit], before.cut or len(more) > limit)
    return found


class _Part(NamedTuple):
    """What is read up to the limit."""

    asked: int
    """For which of those that are asked."""
    name: str
    condition: str
    values: Mapping[str, str | list[str]]

    @property
    def sql(self) -> str:
        """What reads it."""
        return (
            f"SELECT * FROM (SELECT '{self.name}' AS part, key, record_id FROM search_key"  # noqa: S608 # our words
            f" WHERE authority = :authority AND {self.condition} LIMIT :limit) {self.name}"
        )


def _parts(number: int, asked: Asked) -> Iterator[_Part]:
    if asked.keys:
        keys = f"keys_{number}"
        yield _Part(number, keys, f"key IN :{keys}", {keys: list(asked.keys)})
    for at, span in enumerate(asked.spans):
        name = f"span_{number}_{at}"
        first, past = f"{name}_first", f"{name}_past"
        between = f"key >= :{first} AND key < :{past}"
        yield _Part(number, name, between, {first: span.first, past: span.past})
