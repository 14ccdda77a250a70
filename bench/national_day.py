"""``python -m bench.national_day``: a day of the whole country on one machine, scaled.

    python -m bench.national_day [--scale 1/1000] [--small] [--output FILE]

So large a part of England, its devices and its day's requests, in so large a part of the day: what
comes in each second is what comes in each second of the whole country's. It all goes to one
authority, which is the harder case: all wait for the same locks. Then the busiest hour is repeated
with more and more of everything until something breaks. The rows are kept in
``bench/results/day.json``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random

from bench.day_events import HOURS, busiest_hour, day_events
from bench.day_load import (
    EDIT,
    ENQUIRY,
    ENROLMENT,
    FIRST,
    KINDS,
    LOOK_UP,
    QUIET,
    Event,
    Phase,
    Told,
)
from bench.day_stage import DayStage, Spent, day_staged
from bench.page import keep
from bench.results import DAY, Row, as_lines, at_most
from bench.timing import percentiles
from postgres import fresh_database, postgres_cluster

ONE_AFTER_THE_OTHER = 1
TOO_LATE_SECONDS = 1.0
"""ContactPoint's promise for an answer."""
FASTER = (1, 2, 3, 4, 6, 8, 12, 16)
"""Times the busiest hour's rate, until something breaks."""


@dataclass(frozen=True)
class DayScale:
    """How large the day is, and how long each of its measurements."""

    part: Fraction
    """Of England."""
    each: int = 150
    """Requests of each kind whose cost is measured one after the other."""
    window_seconds: float = 10.0
    """For how long each rate is kept up when the rate is raised."""
    steps: Sequence[int] = FASTER


SMALL = DayScale(Fraction(1, 50_000), each=3, window_seconds=0.3, steps=(1, 2))


def rows_on(stage: DayStage, scale: DayScale, database: str) -> Iterator[Row]:
    """Costs one after the other, a day, the busiest hour, and what is too much."""
    what = f"{database}, {stage.records:,} records"
    yield from _costs(stage, scale, what)
    yield from _day(stage, scale, what)
    yield from _more_and_more(stage, scale, what)


def _costs(stage: DayStage, scale: DayScale, what: str) -> Iterator[Row]:
    """What a request of each kind costs the processor, one after the other."""
    everybody = range(len(stage.devices))
    some = [Random(7).randrange(len(stage.devices)) for _ in range(scale.each)]
    for kind in KINDS:
        # Each enrols and fetches once; then nothing new is left to fetch.
        whose = everybody if kind in (ENROLMENT, FIRST) else some
        spent = stage.play(Phase([Event(0, kind, it) for it in whose], ONE_AFTER_THE_OTHER))
        _require_answers(spent.told)
        server, database = (it / len(whose) * 1000 for it in (spent.server, spent.database))
        budget = 2.0 if kind == QUIET else None
        row = f"{kind}, {what}: server CPU"
        yield Row(row, server, "ms") if budget is None else at_most(row, server, "ms", budget)
        if stage.has_processes_of_its_own:
            yield Row(f"{kind}, {what}: the database's CPU", database, "ms")


def _day(stage: DayStage, scale: DayScale, what: str) -> Iterator[Row]:
    """From the first hour to the last."""
    part, before = float(scale.part), stage.database_bytes()
    spent = stage.play(Phase(list(day_events(HOURS, part=part, devices=len(stage.devices)))))
    told = spent.told
    yield Row(f"a day, {what}: requests", len(told), "requests")
    yield Row(f"a day, {what}: without an answer", _refused(told), "requests")
    for kind in (QUIET, LOOK_UP, EDIT, ENQUIRY):
        yield from _times(f"a day, {what}: {kind}", [it.seconds for it in told if it.kind == kind])
    yield Row(f"a day of the whole country, {what}: server CPU", spent.server / part / 3600, "h")
    if stage.has_processes_of_its_own:
        seconds = spent.database / part / 3600
        yield Row(f"a day of the whole country, {what}: the database's CPU", seconds, "h")
    grown = (stage.database_bytes() - before) / part
    yield Row(f"a day of the whole country, {what}: the database grows", grown / 1e9, "GB")


def _more_and_more(stage: DayStage, scale: DayScale, what: str) -> Iterator[Row]:
    """The busiest hour, and more and more of it, until too much comes too late."""
    for times in scale.steps:
        events = busiest_hour(scale.window_seconds, times=times, devices=len(stage.devices))
        spent = stage.play(Phase(list(events)))
        _, late = percentiles([it.seconds for it in spent.told])
        if times == 1:
            yield Row(f"the busiest hour, {what}: requests", len(spent.told) / spent.seconds, "/s")
            yield from _times(f"the busiest hour, {what}", [it.seconds for it in spent.told])
            needed = (spent.server + spent.database) / spent.asked_seconds
            yield Row(f"the busiest hour, {what}: server and database", needed, "cores")
        if late > TOO_LATE_SECONDS or _refused(spent.told) or times == scale.steps[-1]:
            yield from _breaking(spent, times, late, what)
            return


def _breaking(spent: Spent, times: int, late: float, what: str) -> Iterator[Row]:
    """Which resource was used up: a part of all cores' time, whoever had it."""
    cores = spent.cores * spent.seconds
    yield Row(f"the rate that is too much, {what}: times the busiest hour's", times, "times")
    yield Row(f"at that rate, {what}: asked for", len(spent.told) / spent.asked_seconds, "/s")
    yield Row(f"at that rate, {what}: answered", len(spent.told) / spent.seconds, "/s")
    yield Row(f"at that rate, {what}: p99", late * 1000, "ms")
    yield Row(f"at that rate, {what}: without an answer", _refused(spent.told), "requests")
    shares = {
        "the processor is busy": spent.busy,
        "of it for the server": spent.server,
        "of it for the database": spent.database,
        "of it for the devices that ask": spent.load,
        "of it for others on the machine": spent.others,
    }
    for name, seconds in shares.items():
        yield Row(f"at that rate, {what}: {name}", seconds / cores * 100, "%")


def _times(what: str, seconds: Sequence[float]) -> Iterator[Row]:
    if len(seconds) < 2:
        return
    for name, value in zip(("p50", "p99"), percentiles(seconds), strict=True):
        yield Row(f"{what}, {name}", value * 1000, "ms")


def _refused(told: Sequence[Told]) -> int:
    return sum(bool(each.refused) for each in told)


def _require_answers(told: Sequence[Told]) -> None:
    """A cost that is measured is that of an answer."""
    for each in told:
        if each.refused:
            raise RuntimeError(f"a request was refused: {each}")


def measure(scale: DayScale) -> Iterator[Row]:
    """The same on both databases."""
    with ExitStack() as resources:
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="fieldward-day-")))
        with day_staged(folder / "SQLite", part=scale.part) as stage:
            yield from rows_on(stage, scale, "SQLite")
        cluster = resources.enter_context(postgres_cluster(durable=True))
        url = resources.enter_context(fresh_database(cluster))
        with day_staged(folder / "PostgreSQL", part=scale.part, url=url, cluster=cluster) as stage:
            yield from rows_on(stage, scale, "PostgreSQL")


def main(arguments: Sequence[str]) -> int:
    """Have the day; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.national_day")
    parser.add_argument("--scale", type=Fraction, default=Fraction(1, 1000), help="of England")
    parser.add_argument("--small", action="store_true", help="tiny sizes: does it run?")
    parser.add_argument("--output", type=Path, help="where to keep the rows")
    asked = parser.parse_args(arguments)
    rows = []
    for row in measure(SMALL if asked.small else DayScale(asked.scale)):
        rows.append(row)
        _, line = as_lines([row])
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    output = asked.output or (None if asked.small else DAY)
    if output is not None:
        keep(rows, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
