"""``python -m bench.national``: enquiries over an index as large as England's, on both databases.

    python -m bench.national --folder FOLDER [--small] [--output FILE]

Takes hours, and some 60 GB in the folder, where everything stays that was done: a run that was
interrupted goes on where it was, and a database that was measured is not measured again unless its
rows there (``SQLite.json``, ``PostgreSQL.json``) are removed. The rows are kept in
``bench/results/national.json``. Exit code 1 if a budget does not hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.enquiring import fill, rows_on
from bench.page import keep
from bench.results import NATIONAL, Row, as_lines
from bench.scale import FULL, SMALL
from bench.stage import staged
from bench.whole_index import WholeIndex
from postgres import kept_cluster

CHILDREN = 11_000_000
CHILDREN_OF_A_SMALL_ONE = 2_000


def main(arguments: Sequence[str]) -> int:
    """Make, fill in, measure; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.national")
    parser.add_argument("--folder", type=Path, required=True, help="where to keep what is done")
    parser.add_argument("--small", action="store_true", help="tiny sizes: does it run?")
    parser.add_argument("--output", type=Path, help="where to keep the rows")
    asked = parser.parse_args(arguments)
    children = CHILDREN_OF_A_SMALL_ONE if asked.small else CHILDREN
    index = WholeIndex(asked.folder / "index", children=children)
    _tell_all(index.make())
    rows: list[Row] = []
    for database in ("SQLite", "PostgreSQL"):
        rows += _rows_of(database, index, asked.folder, small=asked.small)
    output = asked.output or (None if asked.small else NATIONAL)
    if output is not None:
        keep(rows, output)
    return 0 if asked.small or all(row.holds is not False for row in rows) else 1


def _rows_of(database: str, index: WholeIndex, folder: Path, *, small: bool) -> list[Row]:
    kept = folder / f"{database}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=list[Row])
    with _database(database, folder) as url, staged(folder / database, url) as stage:
        _tell_all(f"{database}: {told}" for told in fill(stage, index))
        rows = list(rows_on(stage, index, database, SMALL if small else FULL))
    for line in as_lines(rows):
        _tell(line)
    kept.write_bytes(msgspec.json.encode(rows))
    return rows


@contextmanager
def _database(database: str, folder: Path) -> Iterator[str | None]:
    """The address of one that stays in the folder; ``None`` for SQLite, which is a stage's own."""
    if database == "SQLite":
        yield None
        return
    with kept_cluster(folder / "cluster") as cluster:
        yield cluster.dsn("postgres")


def _tell_all(lines: Iterable[str]) -> None:
    for line in lines:
        _tell(f"{datetime.now(UTC):%H:%M:%S} {line}")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
