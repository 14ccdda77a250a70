"""A sync with nothing new: what it costs the server, however much the device holds."""

from __future__ import annotations

from collections.abc import Iterator

from bench.results import Row, at_most
from bench.run import CASELOAD, WHOLE, Run
from bench.stage import Stage
from bench.timing import timed


def quiet_sync_rows(run: Run) -> Iterator[Row]:
    """The processor's time in all of the server's processes, for each fully signed sync."""
    stage, scale = run.large, run.scale
    few = server_milliseconds(stage, CASELOAD, syncs=scale.quiet_syncs)
    yield at_most(f"sync with nothing new, {scale.caseload:,} held, server CPU", few, "ms", 2)
    stage.load_lines(run.children.lines[scale.records :])
    stage.seal()
    many = server_milliseconds(stage, WHOLE, syncs=scale.quiet_syncs)
    yield at_most(
        f"sync with nothing new, {scale.many:,} held, server CPU", many, "ms", 2, baseline=few
    )


def server_milliseconds(stage: Stage, partition: str, *, syncs: int, name: str = "quiet") -> float:
    """What a sync costs the server of a new device of this partition, once nothing is new."""
    device = stage.enrol(f"{name}-{partition}", partition)
    for _ in range(3):
        device.sync()  # the first are not quiet: what they brought is confirmed
    before = stage.server_cpu_seconds()
    with timed() as took:
        for _ in range(syncs):
            device.sync()
    spent = stage.server_cpu_seconds() - before
    device.device.close()
    assert spent <= took.seconds * 2, "more than two cores can have done"
    return spent / syncs * 1000
