"""Every contract is held against both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldward_server.storage import Storage, open_storage
from fieldwork import World


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new and empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fieldward.db'}"
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def storage(database_url: str) -> Iterator[Storage]:
    """A new storage that has been migrated."""
    opened = open_storage(database_url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A service on a new database."""
    made = World(database_url, tmp_path)
    yield made
    made.platform.storage.close()
