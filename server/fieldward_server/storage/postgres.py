"""PostgreSQL through psycopg: for more than one machine.

A commit is acknowledged once it is durable, and on the synchronous standbys too where the server
names any (``synchronous_standby_names``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import cast

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from fieldward_server.storage.driver import Row, Transaction, Value
from fieldward_server.storage.migrations import RECORD_OF_STEPS
from fieldward_sync.errors import RetryLater

MAX_CONNECTIONS = 8
"""Of one process."""
WAIT_SECONDS = 10

_OWN_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA", "TEXT": 'TEXT COLLATE "C"'}
_TO_TRANSLATE = re.compile(r"\b(?:INTEGER|BLOB|TEXT)\b|:([a-z_]+)|%")


class PostgresDriver:
    """A pool of connections to one database, opened when it is first needed."""

    def __init__(self, url: str) -> None:
        self._pool: ConnectionPool[Connection[DictRow]] = ConnectionPool(
            url,
            kwargs={"row_factory": dict_row, "options": "-c synchronous_commit=on"},
            connection_class=Connection[DictRow],
            min_size=0,
            max_size=MAX_CONNECTIONS,
            timeout=WAIT_SECONDS,
            open=False,
        )

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._connection(writing=True) as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        with self._connection(writing=False) as transaction:
            yield transaction

    def prepare(self) -> None:
        with self.transaction() as transaction:
            # IF NOT EXISTS alone fails for the second of two who create a table at once.
            transaction.execute("SELECT pg_advisory_xact_lock(0)")
            transaction.execute(RECORD_OF_STEPS)

    def tables(self) -> frozenset[str]:
        with self.reading() as transaction:
            rows = transaction.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
            return frozenset(row["tablename"] for row in rows)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def _connection(self, *, writing: bool) -> Iterator[Transaction]:
        with _translated():
            self._pool.open()
            with self._pool.connection() as connection:
                connection.read_only = not writing
                connection.isolation_level = (
                    IsolationLevel.READ_COMMITTED if writing else IsolationLevel.REPEATABLE_READ
                )
                yield _PostgresTransaction(connection)


class _PostgresTransaction:
    def __init__(self, connection: Connection[DictRow]) -> None:
        self._connection = connection

    def execute(self, sql: str, /, **parameters: Value) -> list[Row]:
        cursor = self._connection.execute(_in_own_words(sql), parameters)
        # Not cursor.description: to describe every column takes longer than to fetch a row.
        has_rows = cursor.pgresult is not None and cursor.pgresult.nfields
        return cast(list[Row], cursor.fetchall()) if has_rows else []

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(_in_own_words(sql), rows)


@contextmanager
def _translated() -> Iterator[None]:
    """PostgreSQL's passing errors as ours; a mistake in the SQL itself stays what it is."""
    try:
        yield
    # An OperationalError is also a deadlock, or a server that goes away.
    except (psycopg.OperationalError, PoolTimeout) as e:
        raise RetryLater("database-busy", "The database cannot take this now.") from e


@lru_cache(maxsize=1024)
def _in_own_words(sql: str) -> str:
    """The portable SQL (``driver``) as psycopg and PostgreSQL word it."""
    return _TO_TRANSLATE.sub(_own_word, sql)


def _own_word(found: re.Match[str]) -> str:
    if found[1]:
        return f"%({found[1]})s"
    return "%%" if found[0] == "%" else _OWN_TYPES[found[0]]
