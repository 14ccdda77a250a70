"""On-line enquiries: who is found in an authority's whole index, and how soon at fifty a second.

The index holds what enquiries read and nothing else (``whole_index``).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from random import Random
from statistics import mean

import msgspec
import psycopg

from bench.enquiry_load import Asker, Job, Told
from bench.remembering import TWO_OF_THREE, Score, Search, Way, ask
from bench.results import Row, at_least, at_most
from bench.run import Run
from bench.scale import Scale
from bench.stage import Stage
from bench.timing import percentiles, timed
from bench.whole_index import WholeIndex
from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.services.records.index_search import search_index
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Ranking

DEVICES = 20
WARMING = 100
"""Enquiries that come before those that count."""
WITH_BIRTH_DATE = Way("name and birth date, one wrong", ("name", "born"), 1)
WITH_POSTCODE = Way("name and postcode, one wrong", ("name", "postcode"), 1)
COMMON_SURNAMES = ("Smith", "Jones", "Khan", "Brown", "Patel")
ANSWERED = ("shown", "nothing", "too-many")


def enquiry_rows(run: Run) -> Iterator[Row]:
    """The same over an index of more than a million records, on both databases."""
    index = WholeIndex(run.folder / "index", children=run.scale.index)
    with timed() as took:
        for _ in index.make():
            pass
    yield Row(f"{index.children:,} views and their search keys made", took.seconds, "s")
    for database, on_postgres in (("SQLite", False), ("PostgreSQL", True)):
        stage = run.empty_stage(f"index-{database}", on_postgres=on_postgres)
        with timed() as took:
            for _ in fill(stage, index):
                pass
        yield Row(f"an index filled in past the book, {database}", took.seconds, "s")
        yield from rows_on(stage, index, database, run.scale)


def fill(stage: Stage, index: WholeIndex) -> Iterator[str]:
    """Fill in a stage's database; says how far it is."""
    yield from index.fill(stage.platform.storage)
    if stage.database_url is not None:
        yield "vacuuming"
        # What PostgreSQL does by itself within minutes: its plans need to know its tables.
        with psycopg.connect(stage.database_url, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE) record, search_key")


def rows_on(stage: Stage, index: WholeIndex, database: str, scale: Scale) -> Iterator[Row]:
    """Quality, one search after the other; then the load of a peak, twice."""
    what = f"{index.children:,} records, {database}"
    chance = Random(7)
    asked = ask(index.drawn(chance), TWO_OF_THREE, chance)
    score = Score.of(asked, _in(stage), searches=scale.searches)
    yield from score.budgeted_rows(f"{what}, {TWO_OF_THREE.name}", first=90)
    enquiries = WARMING + scale.enquiries_a_second * scale.enquiry_seconds
    children = index.drawn(chance)
    ways = [ask(children, way, chance) for way in (WITH_BIRTH_DATE, WITH_POSTCODE)]
    terms = [next(ways[number % len(ways)]).terms for number in range(enquiries)]
    spent = stage.server_cpu_seconds()
    told = _load(stage, terms, scale)
    spent = stage.server_cpu_seconds() - spent
    yield from _speed_rows(f"enquiries by name and one more, {what}", told)
    # Without the database's own, where it has processes of its own.
    yield Row(f"enquiries by name and one more, {what}: CPU", spent / len(terms) * 1000, "ms")
    yield at_most(f"enquiries without an answer, {what}", _unanswered(told), "enquiries", 0)
    surnames = [{"family": name} for name in islice(cycle(COMMON_SURNAMES), enquiries)]
    told = _load(stage, surnames, scale)
    yield from _speed_rows(f"a common surname alone, {what}", told)
    bounded = sum(each.outcome == "too-many" for each in told) / len(told)
    yield at_least(f"a common surname alone: more is asked for, {what}", bounded * 100, "%", 100)


def _in(stage: Stage) -> Search:
    """As the server searches, and nobody else meanwhile."""

    def search(query: Query) -> Ranking:
        with stage.platform.storage.reading() as transaction:
            return search_index(transaction, AUTHORITY, query, now=stage.now)

    return search


def _load(stage: Stage, terms: Iterable[Mapping[str, str]], scale: Scale) -> list[Told]:
    """What comes of these enquiries, made by a process of its own."""
    stage.now = int(time.time())
    job = Job(
        url=stage.url,
        askers=[asker_of(stage.device()) for _ in range(DEVICES)],
        a_second=scale.enquiries_a_second,
        asked=[dict(each) for each in terms],
        warming=WARMING,
    )
    job_file, told_file = (stage.folder / name for name in ("enquiries", "told"))
    job_file.write_bytes(msgspec.msgpack.encode(job))
    subprocess.run(
        [sys.executable, "-m", "bench.enquiry_load", job_file, told_file],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    return msgspec.msgpack.decode(told_file.read_bytes(), type=list[Told])


def asker_of(device: FieldDevice) -> Asker:
    """A device of the tests, as another process needs to know it."""
    return Asker(
        authority=device.authority,
        incarnation=device.trust.incarnation,
        device=device.name,
        generation=device.generation,
        practitioner=device.practitioner,
        signing_key=device.signing.private_bytes_raw(),
        edit_key=device.trust.edit_key,
        next_counter=device.counter + 1,
    )


def _speed_rows(what: str, told: Sequence[Told]) -> Iterator[Row]:
    seconds = [each.seconds for each in told]
    _, worst_seconds = percentiles(seconds)
    yield at_most(f"{what}: mean", mean(seconds) * 1000, "ms", 20)
    yield at_most(f"{what}: p99", worst_seconds * 1000, "ms", 100)


def _unanswered(told: Iterable[Told]) -> int:
    return sum(each.outcome not in ANSWERED for each in told)
