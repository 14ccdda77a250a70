"""How PostgreSQL goes about what a look-up asks, for an authority that its statistics never saw."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import cast

import psycopg
import pytest

from fieldward_server.storage import Storage, Transaction, open_storage, records, search_keys
from fieldward_server.storage.driver import Row, Value
from fieldward_server.storage.records import StoredRecord
from fieldward_server.storage.search_keys import Asked, SearchKey, Span

KNOWN, NEW = "E08000039", "E06000016"
MANY = 5_000


class Explaining:
    """Says how a statement would be run, and finds nothing."""

    def __init__(self, real: Transaction) -> None:
        self._real = real
        self.plan = ""

    def execute(self, sql: str, /, **parameters: Value | list[str]) -> list[Row]:
        rows = self._real.execute(f"EXPLAIN {sql}", **parameters)
        self.plan += "\n".join(row["QUERY PLAN"] for row in rows)
        return []


@pytest.fixture
def storage(postgres_database: str) -> Iterator[Storage]:
    """An authority that was there when statistics were made, and one that came afterwards."""
    storage = open_storage(postgres_database)
    storage.migrate()
    fill(storage, KNOWN)
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("ANALYZE")
    fill(storage, NEW)
    yield storage
    storage.close()


def fill(storage: Storage, authority: str) -> None:
    ids = [f"r-{number}" for number in range(MANY)]
    with storage.transaction() as transaction:
        records.add(transaction, [StoredRecord(authority, each, 1, b"view", 0, 0) for each in ids])
        search_keys.add(transaction, [SearchKey(authority, f"d{each}", each) for each in ids])


@pytest.mark.parametrize("authority", [KNOWN, NEW])
@pytest.mark.parametrize("way", [Storage.reading, Storage.statements])
def test_a_look_up_reads_what_it_asks_for_and_not_all_of_the_authority(
    storage: Storage, authority: str, way: Callable[[Storage], AbstractContextManager[Transaction]]
) -> None:
    with way(storage) as transaction:
        explaining = Explaining(transaction)
        asked = Asked(["dr-1", "dr-2"], [Span("dr-3", "dr-4")])
        search_keys.look_up(cast(Transaction, explaining), authority, [asked], limit=10)
        records.views(cast(Transaction, explaining), authority, ["r-1", "r-2"])
    conditions = re.findall("Index Cond: (.*)", explaining.plan)
    assert len(conditions) == 3
    assert all("key " in each or "record_id = ANY" in each for each in conditions), explaining.plan
    assert "Filter" not in explaining.plan
