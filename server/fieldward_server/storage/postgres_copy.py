"""Copies of a PostgreSQL database, through its own pg_dump and pg_restore."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from fieldward_server import durable
from fieldward_server.storage.incarnations import SERVING
from fieldward_sync.errors import CallerMistake, RetryLater

PASSWORD = "password"


class PostgresCopier:
    """Copies one database. See ``copies.Copier``."""

    kind = "postgresql"

    def __init__(self, url: str) -> None:
        given: dict[str, Any] = conninfo_to_dict(url)
        # Not in the arguments, which every user of the machine can read.
        self._password = str(given.pop(PASSWORD, None) or "")
        self._url = url
        self._address = make_conninfo(**given)

    def write(self, file: Path) -> None:
        """See ``Copier.write``. Writers go on meanwhile: it reads one snapshot."""
        file.touch(mode=durable.OWNER_ONLY, exist_ok=False)
        self._run(
            *("pg_dump", "--format=custom", "--no-owner", "--no-privileges"),
            *(f"--exclude-table-data={SERVING}", f"--file={file}", f"--dbname={self._address}"),
        )
        self._run("pg_restore", "--list", str(file))
        durable.sync(file)

    def is_empty(self) -> bool:
        """See ``Copier.is_empty``."""
        try:
            with psycopg.connect(self._url) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() LIMIT 1"
                )
                return found.fetchone() is None
        except psycopg.OperationalError as e:
            raise RetryLater("database-busy", "The database cannot take this now.") from e

    def load(self, file: Path) -> None:
        """See ``Copier.load``."""
        self._run(
            *("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner"),
            *("--no-privileges", f"--dbname={self._address}", str(file)),
        )

    def _run(self, program: str, *arguments: str) -> None:
        found = shutil.which(program)
        if found is None:
            raise CallerMistake(
                "no-database-tools",
                f"There is no {program} here.",
                next_step="Install PostgreSQL's client programs, of the server's version or later.",
            )
        environ = {**os.environ, "PGPASSWORD": self._password} if self._password else None
        done = subprocess.run(
            [found, *arguments],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["it does not say why"]
            raise RetryLater("copy-failed", f"{program} failed: {said[-1][:300]}")
