"""Every contract is held against both databases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from fieldward_server.services.records import record_rows
from fieldward_server.services.records.record_rows import WORTH_WRITING_AHEAD
from fieldward_server.storage import Storage, open_storage
from postgres import Cluster, fresh_database
from service_world import World


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


@dataclass(frozen=True)
class Migrated:
    """One database for many tests: to make one takes longer than most of them."""

    url: str
    tables: frozenset[str]
    """Those that tests write to."""

    @classmethod
    def on(cls, url: str) -> Migrated:
        """An empty database, migrated."""
        with closing(open_storage(url)) as storage:
            storage.migrate()
            return cls(url, storage.tables() - {"migration"})


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "fieldward.db"
    Migrated.on(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Cluster) -> Iterator[Migrated]:
    """A PostgreSQL database to be emptied."""
    with fresh_database(postgres) as url:
        yield Migrated.on(url)


@pytest.fixture
def database_url(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The address of a migrated database without a row."""
    if database_kind == "sqlite":
        file = tmp_path / "fieldward.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), file)
        yield f"sqlite:///{file}"
    else:
        migrated: Migrated = request.getfixturevalue("migrated_postgres")
        yield migrated.url
        empty(migrated)


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


@pytest.fixture(params=[1, WORTH_WRITING_AHEAD], ids=["ahead", "under the lock"])
def written_ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether new records are written before their authority is locked, however few; or, being few,
    not."""
    monkeypatch.setattr(record_rows, "WORTH_WRITING_AHEAD", request.param)
    return bool(request.param == 1)


def empty(migrated: Migrated) -> None:
    """Take back what a test has written."""
    # Row by row: for tables as small as these TRUNCATE takes a hundred times as long. In any order,
    # so that no table is asked whether another still names its rows.
    deletes = "; ".join(f"DELETE FROM {table}" for table in sorted(migrated.tables))  # noqa: S608
    with psycopg.connect(migrated.url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(deletes.encode())
