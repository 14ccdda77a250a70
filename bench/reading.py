"""What a practitioner waits for: unlocking, opening, searching; and what it takes of memory."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from statistics import median
from typing import Any

from bench.results import Row, at_most
from bench.run import WHOLE, Run
from bench.stage import FieldDevice, Stage
from bench.timing import percentiles, timed, timed_argon2id
from fieldward_client import Session

LEAST_LETTERS = 5
"""Of a name that is searched for with a slip in it."""


def unlock_rows(run: Run) -> Iterator[Row]:
    """From the passphrase to an answered search, Argon2id apart."""
    held = run.large.enrol("unlocks", WHOLE)
    held.sync()
    rounds, argon2id = [], []
    for _ in range(run.scale.rounds):
        held.device.close()
        with timed() as took, timed_argon2id() as derived:
            held.reopen()
            with held.device.session(reason="home-visit") as session:
                session.search(family="Smith")
        rounds.append(took.seconds - derived.seconds)
        argon2id.append(derived.seconds)
    held.device.close()
    count = run.scale.records
    yield at_most(f"unlock and open {count:,} records", median(rounds) * 1000, "ms", 500)
    yield Row("Argon2id, on top of that", median(argon2id) * 1000, "ms")


def look_up_rows(run: Run) -> Iterator[Row]:
    """Opening records and searching for names with a slip, each on record before it is shown."""
    held = run.large.enrol("looks-up", WHOLE)
    held.sync()
    records = list(islice(_searchable(run), run.scale.look_ups))
    with held.device.session(reason="home-visit") as session:
        session.search(family="Smith")  # opens the copy
        opened = [_timed(session, open_record, record) for record in records]
        searched = [_timed(session, search_with_slip, record) for record in records]
    held.device.close()
    for what, seconds, (p50, p99) in (
        ("opening a record", opened, (5, 25)),
        ("a fuzzy search", searched, (10, 50)),
    ):
        median_seconds, worst_seconds = percentiles(seconds)
        yield at_most(f"{what}, p50", median_seconds * 1000, "ms", p50)
        yield at_most(f"{what}, p99", worst_seconds * 1000, "ms", p99)


def memory_rows(run: Run) -> Iterator[Row]:
    """The most memory a client's process takes while a new image replaces an open one."""
    held = run.large.enrol("remembers", WHOLE)
    held.sync()
    held.device.close()
    peak = _peak_while_replacing(run.large, held)
    yield at_most("client memory, a new image replacing an open one", peak, "MB", 260)


def open_record(session: Session, record: Mapping[str, Any]) -> None:
    """Open a record by its id."""
    session.open(record["record_id"])


def search_with_slip(session: Session, record: Mapping[str, Any]) -> None:
    """Search for a record's child with two letters of the family name in the wrong order."""
    family, given = record["name"]["family"], record["name"]["given"]
    session.search(family=family[:-2] + family[-1] + family[-2], given=given[:3])


def _searchable(run: Run) -> Iterator[dict[str, Any]]:
    """Records at random, of those with names long enough for a slip and a beginning."""
    chance = random.Random(7)
    while True:
        record = json.loads(run.children.lines[chance.randrange(run.scale.records)])
        if len(record["name"]["family"]) >= LEAST_LETTERS and len(record["name"]["given"]) > 2:
            yield record


def _timed(
    session: Session,
    look_up: Callable[[Session, Mapping[str, Any]], None],
    record: Mapping[str, Any],
) -> float:
    with timed() as took:
        look_up(session, record)
    return took.seconds


def _peak_while_replacing(stage: Stage, held: FieldDevice) -> float:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.client_life", held.home],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdout.readline()  # it has its copy open
        for file in stage.files_folder.rglob("*"):
            if file.is_file():
                file.unlink()  # a lost file is a new image
        stage.seal()
        said, _ = client.communicate("go on\n")
    return float(said)
