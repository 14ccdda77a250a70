"""The figures behind docs/decisions/0001: how a device's store might come to hold its records.

Every way starts from bytes as they were downloaded and ends where the first look-up is answered.

    python bench/store_choice.py [--records 73000]

``sqlcipher3`` is measured where it is installed.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date as day
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from fieldward_sync.distribution import FileContext, FileEntry, open_file, seal_file
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.images import Image
from fieldward_sync.matching.image_keys import ImageKeys
from fieldward_sync.matching.query import Query
from fieldward_sync.views import View, ViewValue

KEY = os.urandom(32)
ROUNDS = 3
LOOK_UPS = 2_000
SYLLABLES = (
    *("an", "bel", "cor", "da", "el", "fin", "gar", "ho", "is", "jen", "ka", "lor", "mi"),
    *("na", "ol", "per", "qui", "ra", "sen", "tor", "ul", "ven", "wy", "za"),
)
SCHEMA = """
    CREATE TABLE record (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE,
                         view BLOB NOT NULL);
    CREATE TABLE search_key (key TEXT NOT NULL, record INTEGER NOT NULL,
                             PRIMARY KEY (key, record)) WITHOUT ROWID;
"""


class Figures(NamedTuple):
    """One round of one way: seconds until the first look-up, seconds for one later look-up."""

    ready: float
    look_up: float


def make_view(number: int, chance: random.Random) -> View:
    """A record of about 500 bytes: names, birth date, address, school, GP, three involvements."""

    def name() -> str:
        return "".join(chance.choices(SYLLABLES, k=3)).title()

    def date() -> str:
        return f"{chance.randint(2008, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"

    postcode = f"RM{chance.randint(1, 20)} {chance.randint(1, 9)}{chance.choice('ABDEFGH')}X"
    values: dict[str, Any] = {
        "address": {"kind": "current", "lines": [f"{name()} Road"], "postcode": postcode},
        "born": date(),
        "gp.name": f"{name()} Surgery",
        "name.family": name(),
        "name.given": name(),
        "nhs_number": str(chance.randint(4_000_000_000, 4_999_999_999)),
        "school.name": f"{name()} School",
        "sex": chance.choice(("female", "male")),
    }
    for member in range(3):
        values[f"involvements/{member}.phone"] = f"07{chance.randint(10**8, 10**9 - 1)}"
        values[f"involvements/{member}.role"] = "health-visitor"
        values[f"involvements/{member}.since"] = date()
    return View(
        f"r-{number:08}",
        1,
        False,
        tuple(ViewValue(path, 1, value) for path, value in sorted(values.items())),
    )


def image_in_memory(sealed: bytes, entry: FileEntry, ids: Sequence[str], folder: Path) -> Figures:
    """What we do: open the sealed image as it came, in memory."""
    del folder
    started = time.perf_counter()
    image = Image.open(open_file(sealed, entry=entry, key=KEY))
    image.candidates(Query(beginning="anb"), today=day(2026, 1, 1))
    ready = time.perf_counter() - started
    look_up = timed_look_ups(image.view, ids)
    image.close()
    return Figures(ready, look_up)


def rows_inserted(rows: bytes, ids: Sequence[str], connection: Any) -> Figures:
    """The usual way: parse what came, insert it row by row with the same search keys, commit."""
    started = time.perf_counter()
    connection.executescript(SCHEMA)
    views = unpack(tuple[View, ...], rows)
    connection.executemany("INSERT INTO record VALUES (?, ?, ?)", numbered(views))
    connection.executemany("INSERT INTO search_key VALUES (?, ?)", key_rows(views))
    connection.commit()
    connection.execute("SELECT record FROM search_key WHERE key >= 'nanb' LIMIT 1").fetchone()
    ready = time.perf_counter() - started

    def view(record_id: str) -> View:
        (data,) = connection.execute(
            "SELECT view FROM record WHERE record_id = ?", (record_id,)
        ).fetchone()
        return View.read(data)

    look_up = timed_look_ups(view, ids)
    connection.close()
    return Figures(ready, look_up)


def numbered(views: Sequence[View]) -> Iterator[tuple[int, str, bytes]]:
    return ((number, view.record_id, view.to_bytes()) for number, view in enumerate(views))


def key_rows(views: Sequence[View]) -> Iterator[tuple[str, int]]:
    keys = ImageKeys()
    for number, view in enumerate(views):
        yield from ((key, number) for key in keys.of(view))


def timed_look_ups(view: Callable[[str], View | None], ids: Sequence[str]) -> float:
    started = time.perf_counter()
    for record_id in ids:
        view(record_id)
    return (time.perf_counter() - started) / len(ids)


def durable(connection: Any, *, key: bytes | None = None) -> Any:
    """A connection that survives a power loss, as a device's store has to."""
    if key is not None:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    """Print a table of medians."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=73_000)
    count = arguments.parse_args().records
    chance = random.Random(7)
    views = [make_view(number, chance) for number in range(count)]
    ids = [view.record_id for view in chance.choices(views, k=LOOK_UPS)]
    rows = pack(tuple(views))
    started = time.perf_counter()
    image = Image.build(views)
    body = image.to_bytes()
    image.close()
    context = FileContext("E08000039", 1, "whole", 1, "image", 0, count)
    sealed, entry = seal_file(body, context=context, key=KEY, entropy=os.urandom)
    built = time.perf_counter() - started

    ways: dict[str, Callable[[Path], Figures]] = {
        "sealed image, opened in memory": lambda folder: image_in_memory(
            sealed, entry, ids, folder
        ),
        "rows into SQLite, in the clear": lambda folder: rows_inserted(
            rows, ids, durable(sqlite3.connect(folder / "plain.db"))
        ),
    }
    if find_spec("sqlcipher3"):
        sqlcipher: Any = import_module("sqlcipher3").dbapi2
        ways["rows into SQLCipher"] = lambda folder: rows_inserted(
            rows, ids, durable(sqlcipher.connect(str(folder / "cipher.db")), key=KEY)
        )

    tell(f"{count} records of {len(rows) / count:.0f} bytes; SQLite {sqlite3.sqlite_version}")
    tell(
        f"image: {len(body) / count:.0f} bytes a record open, {len(sealed) / count:.0f} sealed,"
        f" {len(sealed) / 1e6:.1f} MB; built and sealed once, by the server, in {built:.1f} s"
    )
    for name, way in ways.items():
        rounds = []
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(way(Path(folder)))
        ready, look_up = median(r.ready for r in rounds), median(r.look_up for r in rounds)
        tell(f"{name:32} ready in {ready:5.2f} s   a look-up by id {look_up * 1e6:5.0f} µs")


if __name__ == "__main__":
    main()
