"""A whole database in one file, of one moment, and back.

The copy lacks which incarnation may serve (``incarnations.SERVING``): whatever is brought back from
it serves nothing until a restore is finished.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from fieldward_server.storage import SQLITE


class Copier(Protocol):
    """Copies one database while it is in use, or fills one that is empty."""

    kind: str
    """Which database: a copy goes back only into one of its kind."""

    def write(self, file: Path) -> None:
        """Write a checked copy to a new file, durably; ``RetryLater("copy-failed")`` if it fails.

        ``CallerMistake("no-database-tools")`` where the database's own programs are missing.
        """

    def is_empty(self) -> bool:
        """Whether there is nothing in this database, not even a table."""

    def load(self, file: Path) -> None:
        """Fill an empty database from a copy: all of it or, if it fails, nothing.

        Raises as ``write``, and ``CallerMistake("database-not-empty")`` where a part of an earlier
        database is left that would get into this one.
        """


def copier(url: str) -> Copier:
    """The copier of the database at this address (see ``open_storage``)."""
    if url.startswith(SQLITE):
        from fieldward_server.storage.sqlite_copy import SqliteCopier

        return SqliteCopier(Path(url.removeprefix(SQLITE)))
    from fieldward_server.storage.postgres_copy import PostgresCopier

    return PostgresCopier(url)
