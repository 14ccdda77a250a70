"""What everything is compared with: records streamed as lines of JSON into plain SQLite.

Flask sends one line a record, from a table; the client parses each and inserts it with the columns
that it would be searched by, in one durable transaction. Nothing is encrypted, signed or checked.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import urllib3
from flask import Flask, Response

from bench.timing import timed
from served import free_port

DATABASE_VARIABLE = "BASELINE_DATABASE"
PIECE_BYTES = 64 * 1024
GZIP_LEVEL = 6

_SCHEMA = """
    CREATE TABLE record (record_id TEXT PRIMARY KEY, family TEXT, given TEXT, born TEXT,
                         nhs_number TEXT, postcode TEXT, body TEXT NOT NULL);
    CREATE INDEX by_name ON record (family, given);
    CREATE INDEX by_birth ON record (born);
    CREATE INDEX by_number ON record (nhs_number);
    CREATE INDEX by_postcode ON record (postcode);
"""


@dataclass(frozen=True)
class Figures:
    """Seconds until a first search is answered; medians."""

    seconds: float
    gzip_seconds: float


def measure(lines: Sequence[str], folder: Path, *, rounds: int) -> Figures:
    """Stream these records, plain and compressed, several times each."""
    folder.mkdir()
    with serving(lines, folder) as url:

        def stream(name: str) -> float:
            return median(
                _received(f"{url}/{name}", folder / f"{name}-{number}.db", len(lines))
                for number in range(rounds)
            )

        return Figures(stream("plain"), stream("gzip"))


def create_app() -> Flask:
    """The server: every record there is, a line each."""
    app = Flask(__name__)

    @app.get("/plain")
    def plain() -> Response:
        return Response(_stored_lines(), content_type="application/x-ndjson")

    @app.get("/gzip")
    def zipped() -> Response:
        answer = Response(_zipped(_stored_lines()), content_type="application/x-ndjson")
        answer.headers["Content-Encoding"] = "gzip"
        return answer

    return app


@contextmanager
def serving(lines: Iterable[str], folder: Path) -> Iterator[str]:
    """The address of a server of these records, in a process of its own."""
    database = folder / "server.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE record (body TEXT NOT NULL)")
        connection.executemany("INSERT INTO record VALUES (?)", ((line,) for line in lines))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", "--bind", address, "--log-level", "warning"),
            *("--no-control-socket", "bench.baseline_ndjson:create_app()"),
        ],
        env={
            **os.environ,
            DATABASE_VARIABLE: str(database),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    try:
        _wait_for(f"http://{address}/")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def _stored_lines() -> Iterator[bytes]:
    with closing(sqlite3.connect(os.environ[DATABASE_VARIABLE])) as connection:
        for (body,) in connection.execute("SELECT body FROM record"):
            yield f"{body}\n".encode()


def _zipped(lines: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(GZIP_LEVEL, wbits=31)
    for line in lines:
        if piece := packer.compress(line):
            yield piece
    yield packer.flush()


def _received(url: str, database: Path, expected: int) -> float:
    """The seconds it takes to stream everything into a new database and search it."""
    with timed() as took, closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        with connection:
            connection.executemany(
                "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", map(_row, _lines_from(url))
            )
        connection.execute("SELECT body FROM record WHERE family = 'Smith' LIMIT 20").fetchall()
        (count,) = connection.execute("SELECT count(*) FROM record").fetchone()
    if count != expected:
        raise RuntimeError(f"{count} of {expected} records came through the plain stream")
    return took.seconds


def _lines_from(url: str) -> Iterator[str]:
    answer = urllib3.request("GET", url, preload_content=False)
    rest = b""
    for piece in answer.stream(PIECE_BYTES, decode_content=True):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode() for line in whole)


def _row(line: str) -> tuple[str | None, ...]:
    record = json.loads(line)
    name, address = record["name"], record.get("address", {})
    return (
        record["record_id"],
        name.get("family"),
        name.get("given"),
        record.get("born"),
        record.get("nhs_number"),
        address.get("postcode"),
        line,
    )


def _wait_for(url: str) -> None:
    urllib3.request("GET", url, retries=urllib3.Retry(connect=20, backoff_factor=0.1))
