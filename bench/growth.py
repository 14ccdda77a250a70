"""How cost grows: a first sync with what is held, and the server's work with how many hold it.

First syncs of a caseload and of the large partition, and syncs with nothing new at 1,000 and at
100,000 records, have their rows in ``distributing`` and ``quiet_sync``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from bench.quiet_sync import server_milliseconds
from bench.results import Row, at_most
from bench.run import CASELOAD, WHOLE, Run
from bench.stage import CASELOAD_TEAM, Stage, with_phone
from bench.timing import timed

TIMES_THE_COST_OF_ONE = 2.0
"""What is measured in milliseconds is never quite the same twice."""


def growth_rows(run: Run) -> Iterator[Row]:
    """On SQLite, where the server's processor does all of the work."""
    stage, count = run.empty_stage("growth", on_postgres=False), run.scale.typing
    stage.load_lines(run.children.lines[:count])
    stage.partition(CASELOAD, f"team:{CASELOAD_TEAM}")
    stage.partition(WHOLE, "all")
    stage.seal()
    yield from _first_sync_rows(run, stage, count)
    yield from _device_rows(run, stage)


def _first_sync_rows(run: Run, stage: Stage, count: int) -> Iterator[Row]:
    rounds, received = [], 0
    for number in range(run.scale.rounds):
        new = stage.enrol(f"grows-{number}", WHOLE)
        travelled = new.wire.begin()
        with timed() as took:
            new.sync()
            with new.device.session(reason="home-visit") as session:
                session.search(family="Smith")
        rounds.append(took.seconds)
        received = travelled.both_ways
        new.device.close()
    yield Row(f"first sync, {count:,} records", median(rounds) * 1000, "ms")
    yield Row(f"first sync, {count:,} records, on the wire", received / count, "bytes/record")


def _device_rows(run: Run, stage: Stage) -> Iterator[Row]:
    """What a change costs to seal, and a sync with nothing new, with so many devices."""
    stage.now = int(time.time())
    holding, sealing, quiet = 0, 0.0, 0.0
    for devices in run.scale.devices:
        while holding < devices - 1:
            stage.device(CASELOAD).sync()
            holding += 1
        # The last one is the SDK's, and is measured.
        milliseconds = server_milliseconds(
            stage, CASELOAD, syncs=run.scale.quiet_syncs // 2, name=f"of-{devices}"
        )
        holding += 1
        spent, files = _sealing(run, stage, devices)
        what = f"a partition of {devices} devices"
        if not sealing:
            sealing, quiet = spent, milliseconds
            yield Row(f"{what}: a change of 1 % sealed, CPU", spent, "ms")
            yield Row(f"{what}: a sync with nothing new, server CPU", milliseconds, "ms")
        else:
            for work, value, of_one in (
                ("a change of 1 % sealed, CPU", spent, sealing),
                ("a sync with nothing new, server CPU", milliseconds, quiet),
            ):
                budget = of_one * TIMES_THE_COST_OF_ONE
                yield at_most(f"{what}: {work}", value, "ms", budget, baseline=of_one)
        # One for each of the two partitions that hold the records.
        yield at_most(f"{what}: files sealed for it", files, "files", 2)


def _sealing(run: Run, stage: Stage, turn: int) -> tuple[float, int]:
    """Milliseconds of the processor's for sealing a change, and the files that it made."""
    some = run.children.in_the_open(max(1, run.scale.caseload // 100))
    stage.load_lines(with_phone(record, f"0114 497 {turn:04}") for record in some)
    before = _files(stage)
    spent = time.process_time()
    stage.seal()
    return (time.process_time() - spent) * 1000, len(_files(stage) - before)


def _files(stage: Stage) -> set[str]:
    return {file.name for file in stage.files_folder.rglob("*") if file.is_file()}
