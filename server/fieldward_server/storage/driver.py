"""What a database driver gives: transactions that run the project's portable SQL.

SQL is written once, for both databases: named ``:parameters``, ``IN :parameter`` for a list of
texts, ``RETURNING``, ``ON CONFLICT``, and the types ``INTEGER`` (64 bits), ``TEXT`` (compared by
its bytes) and ``BLOB``. Flags are 0 and 1. ``WITHOUT ROWID`` behind a table says that its rows are
kept in the order of its primary key, where the database can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Value = str | int | bytes | None
Row = Mapping[str, Any]
"""A row by column name; each topic's module turns it into a typed value."""


class AlreadyThere(Exception):
    """A row with the same key is there: somebody else has added it since it was looked for."""


class Transaction(Protocol):
    """An open transaction. It ends with the block that it was opened for."""

    def execute(self, sql: str, /, **parameters: Value | list[str]) -> list[Row]:
        """Run one statement; its rows, none for a statement that gives none.

        That one may fail later: when the next that gives rows is run, or at the commit."""

    def send(self, sql: str, /, **parameters: Value | list[str]) -> Callable[[], list[Row]]:
        """Run one statement whose rows are asked for later: those of several that are sent one
        after the other are waited for once."""

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        """Run one statement for each of these sets of parameters."""

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], /
    ) -> None:
        """Add new rows, in the quickest way that the database has for many. Quicker still are those
        in the order of their keys: each goes to a page that the one before has brought into
        memory. ``AlreadyThere``, which may come later where they are few."""

    def replace(
        self,
        table: str,
        key: Sequence[str],
        columns: Sequence[str],
        rows: Iterable[Sequence[Value]],
        /,
    ) -> None:
        """Put rows where those with the same primary ``key`` are, likewise. No two have the same:
        the database would not know which is the later."""


def inserting(table: str, columns: Sequence[str], rows: str) -> str:
    """The statement that adds ``rows``, which are in the database's own words."""
    return f"INSERT INTO {table} ({', '.join(columns)}) {rows}"


def replacing(table: str, key: Sequence[str], columns: Sequence[str], rows: str) -> str:
    """The statement that puts them in place of those with the same key."""
    others = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    conflict = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {others}"
    return f"{inserting(table, columns, rows)} {conflict}"


class Driver(Protocol):
    """One kind of database. What a commit acknowledged survives a crash of the server.

    All of them raise ``RetryLater`` where the database is busy or away: nothing was changed.
    """

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write; an exception rolls all of it back.

        Statements see what was committed before each of them, so whoever reads in order to write
        first takes the row lock that guards it (``authorities.lock``).
        """

    def reading(self) -> AbstractContextManager[Transaction]:
        """A snapshot: everything in it is of one moment, nothing is locked, nothing is written."""

    def statements(self) -> AbstractContextManager[Transaction]:
        """For statements that read: each is of one moment by itself, and goes to the database and
        back once."""

    def prepare(self) -> None:
        """Before the first migration: the record of migrations (``RECORD_OF_STEPS``), and what has
        to be set once for the whole database. Called again, or by several at once, harmless."""

    def settle(self) -> None:
        """After the last migration: whatever the database should know of the tables there are now.
        Called again, it changes nothing."""

    def tables(self) -> frozenset[str]:
        """The names of all tables there are."""

    def why_away(self) -> str:
        """Why nothing is reached there now, for who runs the service alone: it names hosts and
        users, never a password. Empty if something is, or there is nothing to reach."""

    def close(self) -> None:
        """Let go of every connection."""
