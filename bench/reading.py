"""What a practitioner waits for: unlocking, opening, searching; and what it takes of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import islice
from random import Random
from statistics import median
from typing import cast

from bench.remembering import WAYS, Child, ask, in_the_open
from bench.results import Row, at_most
from bench.run import WHOLE, Run
from bench.stage import FieldDevice, Stage
from bench.timing import percentiles, timed, timed_argon2id
from fieldward_client import Session
from fieldward_sync.errors import CallerMistake
from fieldward_sync.matching.folding import fold
from fieldward_sync.matching.query import Terms


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
    """Opening records, and searching for them in every way of asking (``remembering``); each is on
    record before anything is shown."""
    held = run.large.enrol("looks-up", WHOLE)
    held.sync()
    children = _drawn(run, of_the_first=run.scale.records)
    chance = Random(7)
    asked = [each for way in WAYS for each in ask(children, way, chance)]
    with held.device.session(reason="home-visit") as session:
        session.search(family="Smith")  # opens the copy
        opened = [_seconds(partial(session.open, child["record_id"])) for child in children]
        searched = [_seconds(partial(_search, session, each.terms)) for each in asked]
    held.device.close()
    for what, seconds, (p50, p99) in (
        ("opening a record", opened, (5, 25)),
        ("a fuzzy search", searched, (10, 50)),
    ):
        median_seconds, worst_seconds = percentiles(seconds)
        yield at_most(f"{what}, p50", median_seconds * 1000, "ms", p50)
        yield at_most(f"{what}, p99", worst_seconds * 1000, "ms", p99)


def typing_rows(run: Run) -> Iterator[Row]:
    """The lists that come up while a name is typed, from its second letter on."""
    stage, count = run.empty_stage("typing", on_postgres=False), run.scale.typing
    stage.load_lines(run.children.lines[:count])
    stage.partition(WHOLE, "all")
    stage.seal()
    held = stage.enrol("types", WHOLE)
    held.sync()
    lists = []
    with held.device.session(reason="home-visit") as session:
        session.search(family="Smith")  # opens the copy
        for child in _drawn(run, of_the_first=count):
            typing, name = session.type_ahead(), "{given} {family}".format(**child["name"])
            begun = (name[:end] for end in range(2, len(name) + 1))
            lists += [_seconds(partial(typing.list, each)) for each in begun if len(fold(each)) > 1]
    held.device.close()
    median_seconds, worst_seconds = percentiles(lists)
    yield Row(f"a list while typing, {count:,} held, p50", median_seconds * 1000, "ms")
    yield at_most(f"a list while typing, {count:,} held, p99", worst_seconds * 1000, "ms", 30)


def memory_rows(run: Run) -> Iterator[Row]:
    """The most memory a client's process takes while a new image replaces an open one."""
    held = run.large.enrol("remembers", WHOLE)
    held.sync()
    held.device.close()
    peak = _peak_while_replacing(run.large, held)
    yield at_most("client memory, a new image replacing an open one", peak, "MB", 260)


def _drawn(run: Run, *, of_the_first: int) -> list[Child]:
    children = run.children.records(of_the_first)
    return list(islice(in_the_open(children, Random(7)), run.scale.look_ups))


def _search(session: Session, terms: Mapping[str, str]) -> None:
    with suppress(CallerMistake):  # too little to search by is said at once
        session.search(**cast(Terms, terms))


def _seconds(look_up: Callable[[], object]) -> float:
    with timed() as took:
        look_up()
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
