"""The stage of a national day: a part of England in one authority, its devices in a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from bench.database import gather_statistics, postgres_bytes, postgres_cpu, sqlite_bytes
from bench.day_events import DEVICES
from bench.day_load import Editable, Job, Newcomer, Phase, PhaseTold, Told
from bench.processor import busy_seconds
from bench.stage import PHONE, SEED, Stage, as_line, in_caseload, staged
from bench.timing import timed
from children import AUTHORITY
from fieldward_server.population import CHILDREN_OF_ENGLAND, generate
from postgres import Cluster

CASELOAD = 1_000
"""Children of a team, whose devices share one partition."""
CHILDREN_OF_A_DEVICE = CHILDREN_OF_ENGLAND // DEVICES
"""Those of the caseload that one person edits and asks for."""
_SEAL_EVERY_SECONDS = 30


@dataclass(frozen=True)
class Spent:
    """What came of a phase, and what the processor did meanwhile, in seconds."""

    told: list[Told]
    seconds: float
    asked_seconds: float
    """Until the last was due."""
    server: float
    database: float
    load: float
    busy: float
    """All cores, whoever they worked for."""
    cores: int

    @property
    def others(self) -> float:
        """Of whoever else is on the machine."""
        return max(0.0, self.busy - self.server - self.database - self.load)


@dataclass
class DayStage:
    """A served authority, and devices that do what a phase says."""

    stage: Stage
    records: int
    url: str | None
    database_cpu: Callable[[], float] | None
    devices: list[Newcomer] = field(default_factory=list)
    load: subprocess.Popen[str] | None = None

    @property
    def has_processes_of_its_own(self) -> bool:
        """Whether the database does not work within the server's processes."""
        return self.database_cpu is not None

    def database_bytes(self) -> int:
        """How large it is."""
        if self.url is None:
            return sqlite_bytes(self.stage.folder / "server")
        return postgres_bytes(self.url)

    def play(self, phase: Phase) -> Spent:
        """Have the devices do all of it."""
        assert self.load is not None
        assert self.load.stdin is not None
        assert self.load.stdout is not None
        before = self._spent()
        with timed() as took:
            self.load.stdin.write(msgspec.json.encode(phase).decode() + "\n")
            self.load.stdin.flush()
            line = self.load.stdout.readline()
        if not line:
            raise RuntimeError("the devices' process has ended")
        server, database, busy = (
            after - earlier for after, earlier in zip(self._spent(), before, strict=True)
        )
        told = msgspec.json.decode(line, type=PhaseTold)
        asked = max((event.due for event in phase.events), default=0.0)
        return Spent(
            told=told.told,
            seconds=took.seconds,
            asked_seconds=asked or took.seconds,
            server=server,
            database=database,
            load=told.cpu_seconds,
            busy=busy,
            cores=len(os.sched_getaffinity(0)),
        )

    def _spent(self) -> tuple[float, float, float]:
        database = 0.0 if self.database_cpu is None else self.database_cpu()
        return self.stage.server_cpu_seconds(), database, busy_seconds()


@contextmanager
def day_staged(
    folder: Path, *, part: Fraction, url: str | None = None, cluster: Cluster | None = None
) -> Iterator[DayStage]:
    """That part of England, its devices invited, for the length of the block."""
    children = int(CHILDREN_OF_ENGLAND * part)
    with ExitStack() as resources:
        stage = resources.enter_context(
            staged(folder, url, FIELDWARD_SEAL_EVERY_SECONDS=str(_SEAL_EVERY_SECONDS))
        )
        day = DayStage(stage, children, url, None if cluster is None else postgres_cpu(cluster))
        teams = _load(stage, children)
        day.devices = list(_newcomers(stage, teams, int(DEVICES * part)))
        stage.seal()
        if url is not None:
            gather_statistics(url)
        day.load = resources.enter_context(_load_process(stage, day.devices))
        yield day


def _load(stage: Stage, count: int) -> list[list[dict[str, Any]]]:
    """Load the children, and make a partition of each caseload; the children by caseload."""
    children = [in_caseload(it) for it in generate(authority=AUTHORITY, children=count, seed=SEED)]
    teams = [children[at : at + CASELOAD] for at in range(0, count, CASELOAD)]
    for number, team in enumerate(teams):
        for child in team:
            child["involvements"]["c1"]["team"] = f"HV-{number:04}"
        stage.partition(f"team-{number}", f"team:HV-{number:04}")
    stage.load_lines(map(as_line, children))
    return teams


def _newcomers(stage: Stage, teams: list[list[dict[str, Any]]], count: int) -> Iterator[Newcomer]:
    """So many people with a device each, spread over the caseloads."""
    stage.now = int(time.time())
    for number in range(max(2, count)):
        turn, which = divmod(number, len(teams))
        open_ones = [child for child in teams[which] if "shield" not in child]
        first = turn * CHILDREN_OF_A_DEVICE % len(open_ones)
        practitioner = f"p-{number + 2}"
        stage.practitioner(practitioner)
        yield Newcomer(
            code=stage.code(f"team-{which}", practitioner=practitioner),
            caseload=[
                Editable(
                    record_id=child["record_id"],
                    shown=[v.number for v in stage.view(child["record_id"]).at(PHONE)],
                    terms={"family": child["name"]["family"], "born": child["born"]},
                )
                for child in open_ones[first : first + CHILDREN_OF_A_DEVICE]
            ],
        )


@contextmanager
def _load_process(stage: Stage, devices: list[Newcomer]) -> Iterator[subprocess.Popen[str]]:
    job_file = stage.folder / "day"
    job_file.write_bytes(msgspec.json.encode(Job(stage.url, devices)))
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.day_load", job_file],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    with process:
        yield process
        process.stdin.close()
