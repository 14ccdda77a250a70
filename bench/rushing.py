"""Hundreds of first syncs at once, and what somebody else's quiet sync takes meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import msgspec

from bench.enquiring import asker_of
from bench.results import Row, at_most
from bench.run import CASELOAD, Run
from bench.rush_load import Fetched, Rush
from bench.stage import FieldDevice, Stage
from bench.timing import percentiles, timed
from fieldward_sync.encoding import encode

PAUSE_SECONDS = 0.02
"""Between one quiet sync and the next."""


def rush_rows(run: Run) -> Iterator[Row]:
    """From the moment at which all ask to the one at which the last has its copy."""
    stage, scale = run.large, run.scale
    quiet = stage.enrol("quiet-in-a-rush", CASELOAD)
    for _ in range(3):
        quiet.sync()  # the first are not quiet: what they brought is confirmed
    alone = iter(range(scale.rush))
    before = _quiet_seconds(quiet, lambda: next(alone, None) is not None)
    with _rush(stage, devices=scale.rush) as process:
        meanwhile = _quiet_seconds(quiet, lambda: process.poll() is None)
    quiet.device.close()
    if process.returncode:
        raise RuntimeError("not every device got its copy")
    fetched = msgspec.msgpack.decode((stage.folder / "fetched").read_bytes(), type=list[Fetched])
    what = f"{scale.rush} first syncs at once, a caseload of {scale.caseload:,}"
    yield Row(f"{what}: the last is done", max(each.seconds for each in fetched), "s")
    yield Row(f"{what}: times told to wait", sum(each.waits for each in fetched), "times")
    twice = sum(each.received for each in fetched) - scale.rush * fetched[0].received
    yield at_most(f"{what}: fetched twice", twice, "bytes", 0)
    for name, which in (("p50", 0), ("p99", 1)):
        yield Row(
            f"somebody else's quiet sync meanwhile, {name}",
            percentiles(meanwhile)[which] * 1000,
            "ms",
            baseline=percentiles(before)[which] * 1000,
        )


def _quiet_seconds(quiet: FieldDevice, go_on: Callable[[], bool]) -> list[float]:
    """How long each of these syncs took; one that is not complete ends the measurement."""
    taken: list[float] = []
    while go_on() or not taken:
        with timed() as took:
            quiet.sync()
        taken.append(took.seconds)
        time.sleep(PAUSE_SECONDS)
    return taken


def _rush(stage: Stage, *, devices: int) -> subprocess.Popen[bytes]:
    stage.now = int(time.time())
    enrolled = [stage.device(CASELOAD) for _ in range(devices)]
    requests = [(asker_of(each), encode(each.request())) for each in enrolled]
    job_file, fetched_file = (stage.folder / name for name in ("rush", "fetched"))
    job_file.write_bytes(msgspec.msgpack.encode(Rush(stage.url, requests)))
    return subprocess.Popen(
        [sys.executable, "-m", "bench.rush_load", job_file, fetched_file],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
