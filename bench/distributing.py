"""How partitions get to devices: images built, first syncs, changes; beside the plain stream."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from statistics import median

from bench import baseline_ndjson
from bench.results import Row, at_least, at_most
from bench.run import CASELOAD, WHOLE, Run
from bench.stage import FieldDevice, Stage, Travelled
from bench.timing import timed


def image_rows(run: Run) -> Iterator[Row]:
    """Building the large partition's image, off the request path."""
    seconds = run.large.image_seconds
    yield at_most(f"image of {run.scale.records:,} records built", seconds, "s", 15)


def first_sync_rows(run: Run) -> Iterator[Row]:
    """First syncs, from an enrolled device to an answered search; bytes of all bodies."""
    stage, count = run.large, run.scale.records
    lines = run.children.lines[:count]
    plain = baseline_ndjson.measure(lines, run.folder / "baseline", rounds=run.scale.rounds)
    took, travelled = _first_syncs(run, stage, WHOLE)
    yield at_most(f"first sync, {count:,} records", took, "s", 1, baseline=plain.seconds)
    yield at_least("first sync, times the plain stream's speed", plain.seconds / took, "times", 5)
    yield Row("the plain stream, with gzip", plain.gzip_seconds, "s")
    zipped = len(gzip.compress("\n".join(lines).encode(), 6))
    yield at_most(
        "first sync, on the wire",
        travelled.both_ways / count,
        "bytes/record",
        220,
        baseline=zipped / count,
    )
    files = _sealed_files(stage)
    took, travelled = _first_syncs(run, stage, CASELOAD)
    caseload = run.scale.caseload
    yield at_most(f"first sync, a caseload of {caseload:,}", took * 1000, "ms", 300)
    yield at_most("first sync, a caseload, on the wire", travelled.both_ways / 1000, "KB", 250)
    made = _sealed_files(stage) - files
    yield at_most("files sealed for further devices of a partition", made, "files", 0)


def change_rows(run: Run) -> Iterator[Row]:
    """Changes of 1 % that are sealed already, pulled and searchable."""
    stage = run.large
    devices = [_holding(stage, f"pulls-{each}", WHOLE) for each in range(run.scale.rounds)]
    stage.load_lines(run.children.changed(run.scale.changes))
    stage.seal()
    rounds, travelled = [], Travelled()
    for held in devices:
        travelled = held.wire.begin()
        with timed() as took:
            held.sync()
            _search(held)
        rounds.append(took.seconds)
        held.device.close()
    count = run.scale.changes
    yield at_most(f"{count:,} records changed, pulled", median(rounds) * 1000, "ms", 100)
    yield Row(f"{count:,} records changed, on the wire", travelled.both_ways / 1000, "KB")


def _first_syncs(run: Run, stage: Stage, partition: str) -> tuple[float, Travelled]:
    """The median of several devices' first syncs, and what travelled for the last."""
    rounds, travelled = [], Travelled()
    for number in range(run.scale.rounds):
        new = stage.enrol(f"{partition}-{number}", partition)
        travelled = new.wire.begin()
        with timed() as took:
            new.sync()
            _search(new)
        rounds.append(took.seconds)
        new.device.close()
    return median(rounds), travelled


def _holding(stage: Stage, name: str, partition: str) -> FieldDevice:
    """A device that has synced and opened what it holds."""
    device = stage.enrol(name, partition)
    device.sync()
    _search(device)
    return device


def _search(held: FieldDevice) -> None:
    with held.device.session(reason="home-visit") as session:
        session.search(family="Smith")


def _sealed_files(stage: Stage) -> int:
    return sum(1 for file in stage.files_folder.rglob("*") if file.is_file())
