"""Copies of a SQLite database, through SQLite's own online backup."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fieldward_server import durable
from fieldward_server.storage.incarnations import SERVING
from fieldward_server.storage.sqlite import BUSY_SECONDS
from fieldward_sync.errors import CallerMistake, RetryLater

UNFINISHED = ".restoring"
LOGS = ("-wal", "-journal")
"""What SQLite adds to a database's name for the files that hold changes of it."""


class SqliteCopier:
    """Copies one file. See ``copies.Copier``."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, file: Path) -> None:
        """See ``Copier.write``. Writers go on meanwhile."""
        with (
            _translated(),
            closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as source,
            closing(sqlite3.connect(file, isolation_level=None)) as copy,
        ):
            source.backup(copy)  # in one step, and so of one moment
            copy.execute("PRAGMA journal_mode = DELETE")  # nothing of it in a second file
            copy.execute(f"DELETE FROM {SERVING}")  # noqa: S608 # a name of ours
            found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
            if found != ["ok"]:
                raise RetryLater("copy-failed", "The copy of the database is damaged.")
        file.chmod(durable.OWNER_ONLY)
        durable.sync(file)

    def is_empty(self) -> bool:
        """See ``Copier.is_empty``."""
        return not self._path.exists()

    def load(self, file: Path) -> None:
        """See ``Copier.load``. The database has its name once all of it is on the disk."""
        self._require_alone()
        unfinished = self._path.with_name(self._path.name + UNFINISHED)
        with _translated():
            self._path.parent.mkdir(mode=durable.OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            shutil.copyfile(file, unfinished)
            unfinished.chmod(durable.OWNER_ONLY)
            durable.sync(unfinished)
            os.replace(unfinished, self._path)
            durable.sync(self._path.parent)

    def _require_alone(self) -> None:
        """What a crash left beside a database that was moved away, SQLite would play into this."""
        for log in (self._path.with_name(self._path.name + end) for end in LOGS):
            if log.exists():
                raise CallerMistake(
                    "database-not-empty",
                    f"{log} is still here: the last changes of the database that was.",
                    next_step="Move it to where that database is now, then restore again.",
                )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as e:
        raise RetryLater("copy-failed", f"The database was not copied: {e}.") from e
    except OSError as e:
        raise RetryLater("copy-failed", f"The copy was not written: {e.strerror}.") from e
