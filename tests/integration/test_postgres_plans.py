"""How PostgreSQL goes about what a look-up asks, whatever its statistics say of the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import cast

import psycopg
import pytest

from fieldward_server.storage import (
    Storage,
    Transaction,
    departures,
    edits,
    likenesses,
    memberships,
    open_storage,
    records,
    search_keys,
)
from fieldward_server.storage.departures import StoredDeparture
from fieldward_server.storage.driver import Row, Value
from fieldward_server.storage.edits import StoredEdit
from fieldward_server.storage.likenesses import StoredLikeness
from fieldward_server.storage.memberships import Member
from fieldward_server.storage.records import StoredRecord
from fieldward_server.storage.search_keys import Asked, SearchKey, Span
from postgres import Cluster, fresh_database

KNOWN, NEW = "E08000039", "E06000016"
MANY = 5_000

IDS = ["r-1", "r-2"]
ASKED = [Asked(["dr-1", "dr-2"], [Span("dr-3", "dr-4")])]

Look = Callable[[Transaction, str], object]

LOOKS: dict[str, Look] = {
    "keys and a span": lambda on, authority: search_keys.look_up(on, authority, ASKED, limit=10),
    "views": lambda on, authority: records.views(on, authority, IDS),
    "revisions": lambda on, authority: records.revisions(on, authority, IDS),
    "shielded": lambda on, authority: records.shielded_among(on, authority, IDS),
    "edits": lambda on, authority: edits.of_records(on, authority, IDS),
    "members": lambda on, authority: memberships.of_records(on, authority, IDS),
    "departures": lambda on, authority: departures.among(on, authority, IDS),
    "likenesses": lambda on, authority: likenesses.concerning(on, authority, IDS),
}
"""What enquiries, the search for duplicates and the book look up by keys or by ids."""
TWICE = frozenset(["keys and a span", "likenesses"])
"""Those that ask an index twice."""


class Explaining:
    """Says how a statement would be run, and finds nothing."""

    def __init__(self, real: Transaction) -> None:
        self._real = real
        self.plan = ""

    def execute(self, sql: str, /, **parameters: Value | list[str]) -> list[Row]:
        rows = self._real.execute(f"EXPLAIN {sql}", **parameters)
        self.plan += "\n".join(row["QUERY PLAN"] for row in rows)
        return []


@pytest.fixture(scope="module", params=[3, MANY], ids="counted at {}".format)
def storage(request: pytest.FixtureRequest, postgres: Cluster) -> Iterator[Storage]:
    """Two authorities with many records each. PostgreSQL last counted its rows when there were a
    few of one of them, or all of it."""
    counted: int = request.param
    with fresh_database(postgres) as url:
        storage = open_storage(url)
        storage.migrate()
        fill(storage, KNOWN, range(counted))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        fill(storage, KNOWN, range(counted, MANY))
        fill(storage, NEW, range(MANY))
        yield storage
        storage.close()


def fill(storage: Storage, authority: str, numbers: Iterable[int]) -> None:
    """Records, and a row of each in every table that is looked at."""
    each = [(f"r-{number}", number) for number in numbers]
    with storage.transaction() as transaction:
        transaction.execute("SET LOCAL session_replication_role = replica")  # nobody refers
        records.add(transaction, [StoredRecord(authority, it, 1, b"view", 0, 0) for it, _ in each])
        search_keys.add(transaction, [SearchKey(authority, f"d{it}", it) for it, _ in each])
        edits.add(
            transaction,
            [StoredEdit(authority, it, 0, "a", n, "", b"", b"", b"", 0) for it, n in each],
        )
        memberships.add(transaction, [Member(authority, "p", it, b"") for it, _ in each])
        departures.add(transaction, [StoredDeparture(authority, it, "", b"", 0) for it, _ in each])
        likenesses.add(
            transaction, [StoredLikeness(authority, it, it, 0, 0, "a", n) for it, n in each]
        )


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("authority", [KNOWN, NEW])
@pytest.mark.parametrize("way", [Storage.reading, Storage.statements])
def test_a_look_up_reads_what_it_asks_for_and_not_all_of_the_authority(
    storage: Storage,
    authority: str,
    way: Callable[[Storage], AbstractContextManager[Transaction]],
    look: str,
) -> None:
    with way(storage) as transaction:
        explaining = Explaining(transaction)
        LOOKS[look](cast(Transaction, explaining), authority)
    conditions = re.findall("Index Cond: (.*)", explaining.plan)
    assert len(conditions) == (2 if look in TWICE else 1), explaining.plan
    assert all(re.search(r"\bkey |_id = ", each) for each in conditions), explaining.plan
    filters = re.findall("Filter: (.*)", explaining.plan)
    assert filters == (["(record.shielded = 1)"] if look == "shielded" else []), explaining.plan
