"""How much room a database takes, and what the processor does for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from bench.processor import cpu_seconds
from postgres import Cluster


def sqlite_bytes(folder: Path) -> int:
    """Of the database in a server's data folder."""
    with closing(sqlite3.connect(folder / "fieldward.db")) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def postgres_bytes(url: str) -> int:
    """Of one database, indexes included."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def gather_statistics(url: str) -> None:
    """What PostgreSQL does by itself within minutes: its plans need to know its tables."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def postgres_cpu(cluster: Cluster) -> Callable[[], float]:
    """What has been done for all of a cluster's processes, in seconds, whenever it is asked."""
    first_line, _, _ = (cluster.folder / "data" / "postmaster.pid").read_text().partition("\n")
    postmaster = int(first_line)
    return lambda: cpu_seconds(lambda each: postmaster in (each.process, each.parent))
