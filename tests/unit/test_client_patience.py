"""Waiting in line: as long as told, told of, interruptible, and not for ever."""

from __future__ import annotations

import pytest

from fieldward_client import SyncProgress
from fieldward_client.wire import patience
from fieldward_client.wire.guard import Guard
from fieldward_client.wire.patience import SPREAD_SECONDS, Patience
from fieldward_sync.problems import Crowded


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(patience, "sleep", slept.append)
    return slept


class Server:
    """Lets one in after so many refusals."""

    def __init__(self, *seconds: int) -> None:
        self.refusals = list(seconds)

    def __call__(self) -> str:
        if self.refusals:
            raise Crowded(self.refusals.pop(0))
        return "in"


def test_it_waits_as_long_as_told_and_a_little_longer(slept: list[float]) -> None:
    assert Patience(100, lambda _: None, Guard()).until_let_in(Server(3, 5)) == "in"
    assert 8 <= sum(slept) <= 8 + 2 * SPREAD_SECONDS


def test_not_all_come_back_at_once(slept: list[float]) -> None:
    waits = set()
    for _ in range(20):
        Patience(100, lambda _: None, Guard()).until_let_in(Server(1))
        waits.add(sum(slept))
        slept.clear()
    assert len(waits) == 20


def test_each_second_is_told(slept: list[float]) -> None:
    told: list[SyncProgress] = []
    Patience(100, told.append, Guard()).until_let_in(Server(3))
    assert {progress.step for progress in told} == {"wait"}
    assert [progress.done for progress in told] == list(range(told[0].total + 1))
    assert max(slept) <= 1


def test_patience_ends(slept: list[float]) -> None:
    limited = Patience(10, lambda _: None, Guard())
    with pytest.raises(Crowded):
        limited.until_let_in(Server(4, 4, 4))
    assert sum(slept) <= 10
    with pytest.raises(Crowded):
        limited.until_let_in(Server(4))


def test_who_has_no_patience_does_not_wait(slept: list[float]) -> None:
    with pytest.raises(Crowded):
        Patience(0, lambda _: None, Guard()).until_let_in(Server(1))
    assert not slept


def test_a_person_who_has_had_enough_ends_the_wait(slept: list[float]) -> None:
    def enough(progress: SyncProgress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Patience(100, enough, Guard()).until_let_in(Server(30))
    assert len(slept) == 2
