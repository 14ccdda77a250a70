"""PostgreSQL through psycopg: for more than one machine.

A commit is acknowledged once it is durable, and on the synchronous standbys too where the server
names any (``synchronous_standby_names``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from itertools import chain, islice
from typing import TypeAlias, cast

import msgspec
import psycopg
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from fieldward_server.storage.driver import (
    AlreadyThere,
    Row,
    Transaction,
    Value,
    inserting,
    replacing,
)
from fieldward_server.storage.migrations import RECORD_OF_STEPS
from fieldward_sync.errors import CallerMistake, RetryLater

MAX_CONNECTIONS = 8
"""Of one process, for transactions; and as many for statements by themselves."""
WAIT_SECONDS = 10
ASK_SECONDS = 5
"""For an answer, where it is asked why there is no connection."""
_SERVER = "connection to server"
"""With this libpq begins to say of a host what came of it, if it has an address."""

_MANY = 50
"""Fewer rows are written one by one: nobody waits for them, and for all at once twice."""

_OPTIONS = (
    "synchronous_commit=on",
    # A plan that was made while a table was small would be kept while a load makes it large.
    "plan_cache_mode=force_custom_plan",
)
_OF_STATEMENTS = (
    # Tables are joined in the order in which they are written: who signed a request is found by
    # keys alone, and to weigh other orders takes longer than to run the statement.
    "join_collapse_limit=1",
)
_OWN_WORDS = {
    "INTEGER": "BIGINT",
    "BLOB": "BYTEA",
    "TEXT": 'TEXT COLLATE "C"',
    "WITHOUT ROWID": "",  # it keeps a table's rows in no order
}
_GIVES_ROWS = re.compile(r"\s*(SELECT|WITH|EXPLAIN)\b|.*\bRETURNING\b", re.DOTALL)
_TO_TRANSLATE = re.compile(rf"\b(?:{'|'.join(_OWN_WORDS)})\b|(IN )?:([a-z0-9_]+)|%")

# What the pool says of each attempt is for a log. Without one, Python would print all of it.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())

_Pool: TypeAlias = ConnectionPool[Connection[DictRow]]

_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresDriver:
    """Connections to one database, opened when they are first needed: those that only read have a
    pool of their own, since to say so for each statement takes longer than to read a row."""

    def __init__(self, url: str) -> None:
        self._url = _unambiguous(url)
        self._pool = _pool(url)
        self._reading_pool = _pool(url, *_OF_STATEMENTS, configure=_only_read)
        self._types: dict[tuple[str, ...], list[int]] = {}
        """Of a table's columns, once they have been asked for."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._transaction(_WRITING) as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        with self._transaction(_READING) as transaction:
            yield transaction

    @contextmanager
    def statements(self) -> Iterator[Transaction]:
        with _translated(), _connected(self._reading_pool) as connection:
            yield _PostgresTransaction(connection, ExitStack(), self._types)

    def prepare(self) -> None:
        with self.transaction() as transaction:
            # IF NOT EXISTS alone fails for the second of two who create a table at once.
            transaction.execute("SELECT pg_advisory_xact_lock(0)")
            transaction.execute(RECORD_OF_STEPS)

    def settle(self) -> None:
        # Statistics tell how many rows each authority has, and lag behind. One that they do not
        # know yet would be taken for having none, and all its rows be read to find a few of them.
        # It has to be said before there are any: what there is of them stays.
        with self.transaction() as transaction:
            columns = transaction.execute(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
                " JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = current_schema() AND c.relkind = 'r'"
                " AND a.attname = 'authority' AND a.attstattarget <> 0"
            )
            for column in columns:
                transaction.execute(
                    f"ALTER TABLE {column['relname']} ALTER authority SET STATISTICS 0"
                )

    def tables(self) -> frozenset[str]:
        with self.reading() as transaction:
            rows = transaction.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
            return frozenset(row["tablename"] for row in rows)

    def why_away(self) -> str:
        try:
            psycopg.connect(self._url, connect_timeout=ASK_SECONDS).close()
        except psycopg.OperationalError as e:
            return _in_short(str(e))
        return ""

    def close(self) -> None:
        for pool in (self._pool, self._reading_pool):
            pool.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Transaction]:
        # What gives no rows waits for nobody: it travels with the next statement that does, or
        # with the commit. So does the statement that begins the transaction, if it is one of ours:
        # psycopg would wait for it, and once more after the commit.
        with _translated(), _connected(self._pool) as connection, ExitStack() as pipeline:
            pipeline.enter_context(connection.pipeline())
            connection.execute(begin)
            yield _PostgresTransaction(connection, pipeline, self._types)
            connection.execute("COMMIT")


def _in_short(said: str) -> str:
    """What libpq says of each host that it tried, without its further questions."""
    every = said.rpartition("All failures were:")[2].splitlines()
    hosts = [line for line in every if line and not line[0].isspace()]
    return "; ".join(host[max(0, host.find(_SERVER)) :] for host in hosts)


def _unambiguous(url: str) -> str:
    """An address as it is; ``CallerMistake("database-url")`` for one that libpq cannot read, or
    would read otherwise than it is meant: it would take a part of the password for a host, and
    name it when that is not reached."""
    before_host = url.partition("//")[2].partition("?")[0].rpartition("@")[0]
    try:
        psycopg.conninfo.conninfo_to_dict(url)
        is_read = not {"@", "/"} & {*before_host}
    except psycopg.ProgrammingError:  # it quotes what it cannot read
        is_read = False
    if not is_read:
        raise CallerMistake(
            "database-url",
            "database_url is not an address that PostgreSQL's library can read.",
            next_step="Write postgresql://<user>:<password>@<host>/<name>, and in the password %40"
            " for @, %2F for /, %3F for ? and %25 for %.",
        )
    return url


def _pool(
    url: str, *options: str, configure: Callable[[Connection[DictRow]], None] | None = None
) -> _Pool:
    set_at_start = " ".join(f"-c {option}" for option in (*_OPTIONS, *options))
    return ConnectionPool(
        url,
        kwargs={"autocommit": True, "row_factory": dict_row, "options": set_at_start},
        connection_class=Connection[DictRow],
        configure=configure,
        min_size=0,
        max_size=MAX_CONNECTIONS,
        timeout=WAIT_SECONDS,
        open=False,
    )


def _only_read(connection: Connection[DictRow]) -> None:
    # Not as an option at the start: libpq would take the primary for a server that cannot write
    # (``target_session_attrs=read-write``).
    connection.execute("SET default_transaction_read_only = on")


@contextmanager
def _connected(pool: _Pool) -> Iterator[Connection[DictRow]]:
    pool.open()
    with pool.connection() as connection:
        yield connection


class _PostgresTransaction:
    def __init__(
        self,
        connection: Connection[DictRow],
        pipeline: ExitStack,
        types: dict[tuple[str, ...], list[int]],
    ) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._types = types

    def execute(self, sql: str, /, **parameters: Value | list[str]) -> list[Row]:
        rows = self.send(sql, **parameters)
        return rows() if _gives_rows(sql) else []

    def send(self, sql: str, /, **parameters: Value | list[str]) -> Callable[[], list[Row]]:
        own = {
            name: _json(value) if isinstance(value, list) else value
            for name, value in parameters.items()
        }
        cursor = self._connection.execute(_in_own_words(sql), own, binary=True)
        return cast(Callable[[], list[Row]], cursor.fetchall)

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        own = _in_own_words(sql)
        for row in rows:
            self._connection.execute(own, row)

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], /
    ) -> None:
        remaining = iter(rows)
        first = list(islice(remaining, _MANY))
        if len(first) < _MANY:
            self._one_by_one(inserting(table, columns, _values(columns)), first)
            return
        copy_in = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        with _translated(), self._alone(), self._connection.cursor() as cursor:
            types = self._types_of(table, columns)
            with cursor.copy(copy_in) as copy:
                copy.set_types(types)
                for row in chain(first, remaining):
                    copy.write_row(row)

    def replace(
        self,
        table: str,
        key: Sequence[str],
        columns: Sequence[str],
        rows: Iterable[Sequence[Value]],
        /,
    ) -> None:
        given = list(rows)
        if len(given) < _MANY:
            self._one_by_one(replacing(table, key, columns, _values(columns)), given)
            return
        with self._alone():
            types = [self._connection.adapters.types[oid] for oid in self._types_of(table, columns)]
            # No join with what is there: a plan for it may be to read all that an authority has.
            arrays = ", ".join(f"%b::{each.name}[]" for each in types)
            sql = replacing(table, key, columns, f"SELECT * FROM unnest({arrays})")  # noqa: S608 # our names
            self._connection.execute(sql, [*map(list, zip(*given, strict=True))])

    def _one_by_one(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        for row in rows:
            self._connection.execute(sql, row)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """For what cannot travel with other statements: a COPY, or one so long that psycopg would
        wait for what comes of it before all of it has gone."""
        self._pipeline.close()
        yield
        self._pipeline.enter_context(self._connection.pipeline())

    def _types_of(self, table: str, columns: Sequence[str]) -> list[int]:
        """The types of columns, which the database does not ask for where many rows are written."""
        if (table, *columns) not in self._types:
            none = f"SELECT {', '.join(columns)} FROM {table} LIMIT 0"  # noqa: S608 # our names
            described = self._connection.execute(none).description or []
            self._types[table, *columns] = [column.type_code for column in described]
        return self._types[table, *columns]


@contextmanager
def _translated() -> Iterator[None]:
    """PostgreSQL's passing errors as ours; a mistake in the SQL itself stays what it is."""
    try:
        yield
    except psycopg.errors.UniqueViolation as e:
        raise AlreadyThere from e
    # An OperationalError is also a deadlock, or a server that goes away.
    except (psycopg.OperationalError, PoolTimeout) as e:
        raise RetryLater("database-busy", "The database cannot take this now.") from e


@lru_cache(maxsize=1024)
def _gives_rows(sql: str) -> bool:
    return _GIVES_ROWS.match(sql) is not None


def _values(columns: Sequence[str]) -> str:
    return f"VALUES ({', '.join(['%s'] * len(columns))})"


def _json(texts: list[str]) -> str:
    return msgspec.json.encode(texts).decode()


@lru_cache(maxsize=1024)
def _in_own_words(sql: str) -> str:
    """The portable SQL (``driver``) as psycopg and PostgreSQL word it."""
    return _TO_TRANSLATE.sub(_own_word, sql)


def _own_word(found: re.Match[str]) -> str:
    if found[1]:
        # An array that a plan does not see: it would weigh every element.
        return f"= ANY (ARRAY(SELECT json_array_elements_text(%({found[2]})s::json)))"
    if found[2]:
        return f"%({found[2]})s"
    return "%%" if found[0] == "%" else _OWN_WORDS[found[0]]
