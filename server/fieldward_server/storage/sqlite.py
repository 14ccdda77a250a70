"""SQLite through sqlite-utils: the embedded default, nothing to install."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from threading import Lock

import msgspec
from filelock import FileLock, Timeout
from sqlite_utils import Database

from fieldward_server.durable import OWNER_ONLY
from fieldward_server.storage.driver import AlreadyThere, Row, Transaction, Value, replacing
from fieldward_server.storage.migrations import RECORD_OF_STEPS
from fieldward_sync.errors import CallerMistake, Error, LocalDataDamaged, RetryLater

BUSY_SECONDS = 30
LOOK_AGAIN_SECONDS = 0.003
"""Where another process has the turn: a fraction of what the quickest write takes."""

_OF_ALL = ("foreign_keys = ON",)
_OF_READERS = (*_OF_ALL, "query_only = ON")
_OF_WRITERS = (
    *_OF_ALL,
    "synchronous = FULL",
    # A thousand loaded records change some 25 MB of pages here and there. In SQLite's own 2 MB they
    # are written and read again before they are committed, and after each 4 MB all of them are
    # copied from the log to their places.
    "cache_size = -65536",
    "wal_autocheckpoint = 4000",
)

_PAGE_BYTES = 8192
"""Of a database that is new. A load changes a row or two on each of thousands of pages, and the
processor handles each of them twice. Larger ones would spare it more, but a small commit writes
whole pages too."""
_TOGETHER = 100
"""Rows of one statement: a statement for each takes twice as long."""

_LISTS = re.compile(r"\bIN (:[a-z0-9_]+)")

_BUSY = RetryLater, "database-busy", "The database cannot take this now."
_DAMAGED = LocalDataDamaged, "database-damaged", "The database file is damaged."
_AWAY = CallerMistake, "database-url", "The database file cannot be opened there."

_OURS: dict[int, tuple[type[Error], str, str]] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: _BUSY,
    sqlite3.SQLITE_IOERR: _BUSY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _AWAY,
}

_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


class SqliteDriver:
    """Connections to one file. Each is used by one thread at a time and then by the next."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # SQLite lets one write at a time, and has the others look again less and less often, up to
        # a tenth of a second later: whoever writes here waits for a turn instead.
        self._turn_of_threads = Lock()
        self._turn_of_processes = FileLock(path.with_name(f"{path.name}-turn"), mode=OWNER_ONLY)
        self._writers: list[Database] = []
        self._readers: list[Database] = []

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        # Not a deferred BEGIN, as sqlite-utils' own atomic() makes: of two that read first and
        # then write, SQLite refuses one however long it may wait.
        with (
            self._turn(),
            self._connection(self._writers, writing=True) as database,
            self._turn_of_processes.acquire(BUSY_SECONDS, LOOK_AGAIN_SECONDS),
        ):
            yield from _transaction(database, "BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        with self._connection(self._readers, writing=False) as database:
            yield from _transaction(database, "BEGIN")

    @contextmanager
    def statements(self) -> Iterator[Transaction]:
        with self._connection(self._readers, writing=False) as database:
            yield _SqliteTransaction(database)

    def prepare(self) -> None:
        with suppress(OSError):  # where nothing can be made, opening it says so
            self._path.touch(mode=OWNER_ONLY)  # whatever the folder lets others do
        with self._connection(self._writers, writing=True) as database, _translated():
            database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            database.enable_wal()
            database.execute(RECORD_OF_STEPS)

    def settle(self) -> None:
        """Nothing: it plans by its indexes alone."""

    def tables(self) -> frozenset[str]:
        with self._connection(self._readers, writing=False) as database, _translated():
            return frozenset(database.table_names())

    def why_away(self) -> str:
        return ""

    def close(self) -> None:
        for pool in (self._writers, self._readers):
            while pool:
                pool.pop().conn.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Of this process's threads; a turn that does not come is a database that is busy."""
        family, code, message = _BUSY
        if not self._turn_of_threads.acquire(timeout=BUSY_SECONDS):
            raise family(code, message)
        try:
            yield
        except Timeout as e:
            raise family(code, message) from e
        finally:
            self._turn_of_threads.release()

    @contextmanager
    def _connection(self, pool: list[Database], *, writing: bool) -> Iterator[Database]:
        try:
            database = pool.pop()
        except IndexError:
            with _translated():
                database = self._connect(writing=writing)
        try:
            yield database
        finally:
            pool.append(database)

    def _connect(self, *, writing: bool) -> Database:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        for setting in _OF_WRITERS if writing else _OF_READERS:
            connection.execute(f"PRAGMA {setting}")
        return Database(connection, recursive_triggers=False, execute_plugins=False)


class _SqliteTransaction:
    def __init__(self, database: Database) -> None:
        self._database = database

    def execute(self, sql: str, /, **parameters: Value | list[str]) -> list[Row]:
        own = {
            name: _json(value) if isinstance(value, list) else value
            for name, value in parameters.items()
        }
        with _translated():
            cursor = self._database.conn.execute(_in_own_words(sql), own)
            rows = cursor.fetchall()
        if not rows:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def send(self, sql: str, /, **parameters: Value | list[str]) -> Callable[[], list[Row]]:
        rows = self.execute(sql, **parameters)
        return lambda: rows

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        with _translated():
            self._database.conn.executemany(sql, rows)

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], /
    ) -> None:
        one, many = _inserting(table, tuple(columns))
        remaining = iter(rows)
        with _translated():
            while len(together := list(islice(remaining, _TOGETHER))) == _TOGETHER:
                self._database.conn.execute(many, list(chain.from_iterable(together)))
            self._database.conn.executemany(one, together)

    def replace(
        self,
        table: str,
        key: Sequence[str],
        columns: Sequence[str],
        rows: Iterable[Sequence[Value]],
        /,
    ) -> None:
        sql = replacing(table, key, columns, f"VALUES {_row(columns)}")
        with _translated():
            self._database.conn.executemany(sql, rows)


def _transaction(database: Database, begin: str) -> Iterator[Transaction]:
    with _translated():
        database.execute(begin)
    try:
        yield _SqliteTransaction(database)
        with _translated():
            database.execute("COMMIT")
    finally:
        if database.conn.in_transaction:
            database.execute("ROLLBACK")


@lru_cache(maxsize=128)
def _inserting(table: str, columns: tuple[str, ...]) -> tuple[str, str]:
    """The statements that add one row, and so many together. They say FAIL because the transaction
    is rolled back anyway: else SQLite would copy each page, to take back a part of them."""
    row = _row(columns)
    into = f"INSERT OR FAIL INTO {table} ({', '.join(columns)}) VALUES"
    return f"{into} {row}", f"{into} {', '.join([row] * _TOGETHER)}"


def _row(columns: Sequence[str]) -> str:
    return f"({', '.join('?' * len(columns))})"


def _json(texts: list[str]) -> str:
    return msgspec.json.encode(texts).decode()


@lru_cache(maxsize=1024)
def _in_own_words(sql: str) -> str:
    """The portable SQL (``driver``) as SQLite words it: it has no lists, but reads JSON."""
    return _LISTS.sub(r"IN (SELECT value FROM json_each(\1))", sql)


class _Translation:
    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, sqlite3.DatabaseError):
            told = getattr(error, "sqlite_errorcode", 0)
            if told in _TAKEN:
                raise AlreadyThere from error
            ours = _OURS.get(told & 0xFF)
            if ours is not None:
                family, code, message = ours
                raise family(code, message) from error


_TRANSLATION = _Translation()
"""One for all: every statement runs in it, and a generator for each would take longer."""


def _translated() -> _Translation:
    """SQLite's errors as ours; a mistake in the SQL itself stays what it is."""
    return _TRANSLATION
