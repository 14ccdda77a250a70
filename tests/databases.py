"""Every contract is held against both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import psycopg
import pytest

from fieldward_server.storage import Storage, open_storage
from fieldwork import World
from postgres import Cluster, fresh_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database a test is run on."""
    kind: str = request.param
    return kind


@pytest.fixture
def empty_database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The address of a database without a table."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'fieldward.db'}"
    url: str = request.getfixturevalue("postgres_database")
    return url


NewDatabase = Callable[[], str]


@pytest.fixture
def new_database(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[NewDatabase]:
    """Gives the addresses of databases of one kind, each new and empty, gone after the test."""
    if database_kind == "sqlite":
        numbers = count()
        yield lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with ExitStack() as opened:
        yield lambda: opened.enter_context(fresh_database(cluster))


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Cluster) -> Iterator[str]:
    """One PostgreSQL database for many tests: to make one takes longer than most of them."""
    with fresh_database(postgres) as url:
        storage = open_storage(url)
        storage.migrate()
        storage.close()
        yield url


@pytest.fixture
def database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The address of a migrated database without a row."""
    if database_kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'fieldward.db'}"
        storage = open_storage(url)
        storage.migrate()
        storage.close()
        yield url
    else:
        yield (url := request.getfixturevalue("migrated_postgres"))
        empty_all_tables(url)


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    """A storage that has been migrated."""
    opened = open_storage(database_url)
    yield opened
    opened.close()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A service on a new database."""
    made = World.on(database_url, tmp_path)
    yield made
    made.platform.storage.close()


def empty_all_tables(url: str) -> None:
    """Take back what a test has written."""
    storage = open_storage(url)
    tables = storage.tables() - {"migration"}
    storage.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(tables)}".encode())
