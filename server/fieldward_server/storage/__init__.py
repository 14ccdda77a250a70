"""What the service keeps: one storage, two databases, one SQL.

Topic modules beside this one hold the statements; drivers differ, statements do not. No policy is
decided here. The authority leads every key, and no statement spans two authorities except those
that say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fieldward_server import metrics
from fieldward_server.storage import migrations
from fieldward_server.storage.driver import AlreadyThere, Driver, Transaction
from fieldward_sync.errors import CallerMistake

__all__ = ["AlreadyThere", "Storage", "Transaction", "open_storage"]

SQLITE = "sqlite:///"


class Storage:
    """The database of a service, whichever it is."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that may write; an exception rolls all of it back."""
        with metrics.transaction("writing"), self._driver.transaction() as transaction:
            yield transaction

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A snapshot to read from; it takes no lock."""
        with metrics.transaction("reading"), self._driver.reading() as transaction:
            yield transaction

    @contextmanager
    def statements(self) -> Iterator[Transaction]:
        """For statements that read, each of its own moment: the quickest way."""
        with metrics.transaction("statement"), self._driver.statements() as transaction:
            yield transaction

    def pending_migrations(self) -> tuple[str, ...]:
        """What ``migrate`` would apply; ``CallerMistake("database-newer")`` as there."""
        return migrations.pending(self._driver)

    def migrate(self) -> tuple[str, ...]:
        """Bring the database up to this version of the service, and say what was applied.

        ``CallerMistake("database-newer")`` for a database that a later version has changed.
        """
        return migrations.apply(self._driver)

    def tables(self) -> frozenset[str]:
        """The names of all tables there are."""
        return self._driver.tables()

    def why_away(self) -> str:
        """Why the database is not reached now, see ``Driver.why_away``."""
        return self._driver.why_away()

    def close(self) -> None:
        """Let go of every connection."""
        self._driver.close()


def open_storage(url: str) -> Storage:
    """The storage at ``sqlite:///<path>`` (``sqlite:////…`` for an absolute path) or
    ``postgresql://…``. It is not migrated."""
    # Each driver is imported where it is wanted: the other's library need not even be loaded.
    if url.startswith(SQLITE):
        from fieldward_server.storage.sqlite import SqliteDriver

        return Storage(SqliteDriver(Path(url.removeprefix(SQLITE))))
    if url.startswith(("postgresql://", "postgres://")):
        from fieldward_server.storage.postgres import PostgresDriver

        return Storage(PostgresDriver(url))
    raise CallerMistake(
        "database-url", "A database is sqlite:///<path> or postgresql://<user>@<host>/<name>."
    )
