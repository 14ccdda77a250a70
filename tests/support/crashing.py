"""A device's disk fails at every call that changes it, and everything is looked at afterwards.

Each scenario runs once to count its calls, then once for each call and each way to fail. Afterwards
the folder is opened again on a sound disk, and what was promised must hold.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from client_world import World
from faulty_disk import FAILURES, OUTLIVED, Crashed, Failure, FaultyDisk
from fieldward_client import CallerMistake, Device
from fieldward_client.checking.check import check_folder
from fieldward_client.disk import folder, reserve
from fieldward_client.disk.clock import TrustedClock

SAMPLE = 6
"""At most so many points of each scenario and way to fail; ``make crash`` tries them all."""
ALL_POINTS = "CRASH_AT_EVERY_POINT" in os.environ


@dataclass
class Case:
    """One run of a scenario: its world, and what was promised before the failure."""

    world: World
    accepted: list[str] = field(default_factory=list)
    """Edits whose call returned."""
    shown: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Look-ups whose call returned: what kind, and which records."""
    backups: list[tuple[object, ...]] = field(default_factory=list)
    """Of the server."""


Prepare = Callable[[Case], Device | None]
Step = Callable[[Case, Device | None], None]


@dataclass(frozen=True)
class Crash:
    """One way to fail."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    failure: Failure

    def everywhere(
        self,
        prepare: Prepare,
        act: Step,
        check: Callable[[Case], None],
        *,
        least_points: int = 1,
    ) -> None:
        """Run ``act`` with a failure at its first call to the disk, its second, and so on to the
        last; ``check`` after each. Unless all are asked for, some, spread over the whole.

        So many calls there are at least: none is forgotten when code moves.
        """
        points = _points_of(self.folder / "count", self.monkeypatch, prepare, act)
        assert points >= least_points
        stride = 1 if ALL_POINTS else -(-points // SAMPLE)
        first = 1 + random.Random(f"{act.__name__} {self.failure}").randrange(stride)
        for at in range(first, points + 1, stride):
            self._at(at, prepare, act, check)

    def _at(self, at: int, prepare: Prepare, act: Step, check: Callable[[Case], None]) -> None:
        case = Case(World(self.folder / str(at), self.monkeypatch))
        with put_in(FaultyDisk(), self.monkeypatch):
            device = prepare(case)
        disk = FaultyDisk(self.failure, at=at)
        with put_in(disk, self.monkeypatch):
            with suppress(Crashed, *OUTLIVED):
                act(case, device)
            with suppress(Crashed, KeyboardInterrupt):
                if device is not None:
                    device.close()
        if self.failure == "power":
            disk.lose_power()
        try:
            with put_in(FaultyDisk(), self.monkeypatch):
                require_sound(case)
                check(case)
                require_sound(case)
        except Exception as e:
            last = disk.calls[-1] if disk.calls else "nothing"
            raise AssertionError(f"{self.failure} at call {at} ({last})") from e


@pytest.fixture(params=FAILURES)
def crash(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crash:
    """A device's disk that fails, in each way."""
    return Crash(tmp_path, monkeypatch, request.param)


def _points_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, act: Step) -> int:
    """How many calls can fail."""
    case = Case(World(tmp_path, monkeypatch))
    with put_in(FaultyDisk(), monkeypatch):
        device = prepare(case)
    disk = FaultyDisk()
    with put_in(disk, monkeypatch):
        act(case, device)
        if device is not None:
            device.close()
    return len(disk.calls)


def require_sound(case: Case) -> None:
    """What a crash leaves is none of the damage that ``fieldward field fsck`` tells of."""
    device = folder.Folder(case.world.home())
    with suppress(CallerMistake):  # nothing was enrolled yet
        checked = check_folder(device, TrustedClock(device, case.world.clock))
        assert checked.is_sound, [each for each in checked.findings if each.weight == "damage"]


@contextmanager
def put_in(disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the device's folder use this disk."""
    with monkeypatch.context() as patch:
        patch.setattr(folder, "os", disk)
        patch.setattr(reserve, "os", disk)
        yield


# What several scenarios have in common.


def ready(case: Case) -> Device:
    return case.world.ready()


def sync(case: Case, device: Device | None) -> None:
    assert device is not None
    device.sync()


def it_reads_after_a_sync(case: Case) -> None:
    with case.world.open() as device:
        report = device.sync()
        assert report.outcome.value == "complete", report
        with device.session("clinic") as session:
            assert session.search(family="Okafor")
