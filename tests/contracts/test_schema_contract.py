"""The schema as the databases have it: what sharding by authority needs (design §10)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from databases import Migrated
from fieldward_server.storage import open_storage

HOUSEKEEPING = {"migration", "turn"}
"""The tables that belong to no authority and stay where they are when the others are sharded."""

AUTHORITY = "authority"


@dataclass(frozen=True, order=True)
class Key:
    """Columns that are unique together."""

    table: str
    columns: tuple[str, ...]
    primary: bool


@dataclass(frozen=True, order=True)
class Reference:
    """Columns that have to stand in another table."""

    table: str
    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """What a database says of its own tables."""

    tables: frozenset[str]
    keys: frozenset[Key]
    references: frozenset[Reference]

    def against_sharding(self) -> list[str]:
        """Everything that would hinder it, in words."""
        sharded = self.tables - HOUSEKEEPING
        keyed = {key.table for key in self.keys if key.primary}
        return sorted(
            [
                *(f"{table} has no primary key" for table in sharded - keyed),
                *(
                    f"a key of {key.table} does not begin with the authority"
                    for key in self.keys
                    if key.table in sharded and key.columns[0] != AUTHORITY
                ),
                *(
                    f"{it.table} refers to {it.to_table} without the authority on both sides"
                    for it in self.references
                    if (it.columns[0], it.to_columns[0]) != (AUTHORITY, AUTHORITY)
                ),
            ]
        )


def schema_of(url: str) -> Schema:
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return _of_sqlite(connection)
    with psycopg.connect(url) as connected:
        return _of_postgres(connected)


def _of_sqlite(connection: sqlite3.Connection) -> Schema:
    tables = _names(connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"))
    primary = {
        table: _names(
            connection.execute(
                "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,)
            )
        )
        for table in tables
    }
    keys = {Key(table, columns, primary=True) for table, columns in primary.items() if columns}
    references: set[Reference] = set()
    for table in tables:
        for (index,) in connection.execute(
            "SELECT name FROM pragma_index_list(?) WHERE origin <> 'pk' AND \"unique\"", (table,)
        ).fetchall():
            columns = _names(
                connection.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,))
            )
            keys.add(Key(table, columns, primary=False))
        found = defaultdict(list)
        for number, to_table, column, to_column in connection.execute(
            'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq',
            (table,),
        ):
            found[number, to_table].append((column, to_column))
        for (_, to_table), pairs in found.items():
            named = tuple(to for _, to in pairs)
            # Without columns of its own, a reference means the other table's primary key.
            meant = primary[to_table] if named == (None,) * len(pairs) else named
            references.add(Reference(table, tuple(own for own, _ in pairs), to_table, meant))
    return Schema(frozenset(tables), frozenset(keys), frozenset(references))


def _of_postgres(connection: psycopg.Connection) -> Schema:
    tables = _names(
        connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    )
    keys: set[Key] = set()
    references: set[Reference] = set()
    for kind, table, columns, to_table, to_columns in connection.execute(
        "SELECT contype, conrelid::regclass::text, own.names, confrelid::regclass::text, far.names"
        " FROM pg_constraint,"
        " LATERAL (SELECT array_agg(attname ORDER BY place) AS names"
        "  FROM unnest(conkey) WITH ORDINALITY AS at (number, place)"
        "  JOIN pg_attribute ON attrelid = conrelid AND attnum = number) AS own,"
        " LATERAL (SELECT array_agg(attname ORDER BY place) AS names"
        "  FROM unnest(confkey) WITH ORDINALITY AS at (number, place)"
        "  JOIN pg_attribute ON attrelid = confrelid AND attnum = number) AS far"
        " WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u', 'f')"
    ):
        if kind == "f":
            references.add(Reference(table, tuple(columns), to_table, tuple(to_columns)))
        else:
            keys.add(Key(table, tuple(columns), primary=kind == "p"))
    return Schema(frozenset(tables), frozenset(keys), frozenset(references))


def _names(rows: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for (name,) in rows)


def test_the_authority_leads_every_key_and_no_reference_leaves_it(database_url: str) -> None:
    schema = schema_of(database_url)
    assert schema.against_sharding() == []
    assert len(schema.tables) > 20
    assert len(schema.references) > 20
    assert schema.tables >= HOUSEKEEPING


def test_both_databases_have_the_same_tables_keys_and_references(
    migrated_sqlite: Path, migrated_postgres: Migrated
) -> None:
    assert schema_of(f"sqlite:///{migrated_sqlite}") == schema_of(migrated_postgres.url)


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("CREATE TABLE stray (authority TEXT)", "stray has no primary key"),
        (
            "CREATE TABLE stray (id TEXT, authority TEXT, PRIMARY KEY (id, authority))",
            "a key of stray does not begin with the authority",
        ),
        (
            "CREATE TABLE stray (authority TEXT, id TEXT UNIQUE, PRIMARY KEY (authority, id))",
            "a key of stray does not begin with the authority",
        ),
        (
            "CREATE TABLE stray (authority TEXT, giver TEXT REFERENCES authority,"
            " PRIMARY KEY (authority, giver))",
            "stray refers to authority without the authority on both sides",
        ),
        (
            "CREATE TABLE stray (authority TEXT, giver TEXT, record_id TEXT,"
            " PRIMARY KEY (authority, record_id),"
            " FOREIGN KEY (giver, record_id) REFERENCES record)",
            "stray refers to record without the authority on both sides",
        ),
    ],
)
def test_what_would_hinder_sharding_is_found(
    empty_database_url: str, table: str, found: str
) -> None:
    storage = open_storage(empty_database_url)
    storage.migrate()
    with storage.transaction() as transaction:
        transaction.execute(table)
    storage.close()
    assert schema_of(empty_database_url).against_sharding() == [found]
