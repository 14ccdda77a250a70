"""Scheduled work, offered by several workers on one database, is done by one of them."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, tzinfo
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from api_actors import AUTHORITY, START, Board
from fieldward_server.jobs import LONGEST_RUN_SECONDS, TURN_SECONDS, Job, jobs, run_once, start_jobs
from fieldward_server.logs import EventFormatter, event
from fieldward_server.services.distribution.partitions import list_partitions
from fieldward_server.services.platform import Platform
from fieldward_server.services.upkeep.turns import take_turn
from fieldward_sync.errors import RetryLater

WORKERS = 4
EVERY_SECONDS = 30
A_YEAR_SECONDS = 365 * 24 * 3600


@pytest.fixture(params=["sqlite", "postgresql"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    on_postgres = request.param == "postgresql"
    board = Board(tmp_path, request.getfixturevalue("postgres_database") if on_postgres else None)
    yield board
    board.close()


class Work:
    """A job that says when it was run."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.job = Job("work", EVERY_SECONDS, self._run)

    def _run(self, _: Platform, now: int) -> int:
        self.runs.append(now)
        return 1


def test_a_job_that_all_workers_offer_at_once_is_run_by_one(board: Board) -> None:
    work, start = Work(), Barrier(WORKERS)

    def offer(worker: int) -> bool:
        platform = board.another_platform()
        start.wait()
        return run_once(platform, work.job, holder=f"worker-{worker}", now=board.clock)

    with ThreadPoolExecutor(WORKERS) as workers:
        ran = list(workers.map(offer, range(WORKERS)))
    assert (sorted(ran), work.runs) == ([False, False, False, True], [START])


def test_the_next_run_is_anybodys_once_it_is_due(board: Board) -> None:
    work = Work()

    def offer(worker: str) -> bool:
        return run_once(board.platform, work.job, holder=worker, now=board.clock)

    assert offer("first")
    board.clock.seconds += EVERY_SECONDS - 1
    assert not offer("second")
    board.clock.seconds += 1
    assert offer("second")
    assert work.runs == [START, START + EVERY_SECONDS]


def test_a_worker_that_died_at_work_is_followed_by_another(board: Board) -> None:
    work = Work()
    take_turn(
        board.platform,
        job=work.job.name,
        holder="dead",
        now=START,
        seconds=TURN_SECONDS,
        longest=work.job.longest_seconds,
    )
    board.clock.seconds += TURN_SECONDS - 1
    assert not run_once(board.platform, work.job, holder="other", now=board.clock)
    board.clock.seconds += 1
    assert run_once(board.platform, work.job, holder="other", now=board.clock)


def test_a_worker_that_is_long_at_work_is_followed_by_nobody(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Counter[int]()

    def take(*args: Any, now: int, **more: Any) -> bool:
        taken = take_turn(*args, now=now, **more)
        kept[now] += taken
        return taken

    def while_it_runs(_: Platform, __: int) -> int:
        for _minutes in (2, 4, 6):
            board.clock.seconds += TURN_SECONDS - 1
            until(lambda: kept[board.clock.seconds] > 0)
            assert not run_once(board.platform, Work().job, holder="other", now=board.clock)
        return 1

    monkeypatch.setattr("fieldward_server.jobs.take_turn", take)
    monkeypatch.setattr("fieldward_server.jobs.KEEP_TURN_EVERY_SECONDS", 0.05)
    job = Job("work", EVERY_SECONDS, while_it_runs)
    assert run_once(board.platform, job, holder="slow", now=board.clock)


def test_a_run_that_was_taken_for_stuck_takes_no_turn_from_who_followed(board: Board) -> None:
    def offer(worker: str, run: Callable[[Platform, int], int]) -> bool:
        job = Job("work", EVERY_SECONDS, run)
        return run_once(board.platform, job, holder=worker, now=board.clock)

    def while_the_other_runs(_: Platform, __: int) -> int:
        slow.set()
        assert ended.wait(30)
        return 1

    def while_it_is_stuck(_: Platform, __: int) -> int:
        board.clock.seconds += LONGEST_RUN_SECONDS + TURN_SECONDS
        followed.append(workers.submit(offer, "other", while_the_other_runs))
        assert slow.wait(30)
        return 1

    slow, ended, followed = Event(), Event(), list[Future[bool]]()
    with ThreadPoolExecutor(1) as workers:
        assert offer("stuck", while_it_is_stuck)
        thirds = offer("third", Work().job.run)
        ended.set()
        assert followed[0].result()
    assert not thirds


def test_a_turn_that_was_taken_by_a_wrong_clock_stops_nobody(board: Board) -> None:
    """A clock that ran years ahead when its worker died."""
    work = Work()
    board.clock.seconds += 2 * A_YEAR_SECONDS
    assert run_once(board.platform, work.job, holder="dead", now=board.clock)
    board.clock.seconds = START
    assert run_once(board.platform, work.job, holder="other", now=board.clock)
    assert not run_once(board.platform, work.job, holder="third", now=board.clock)


def test_hosts_whose_clocks_differ_a_little_do_not_run_a_job_twice(board: Board) -> None:
    def while_it_runs(_: Platform, now: int) -> int:
        board.clock.seconds = now - EVERY_SECONDS
        assert not run_once(board.platform, Work().job, holder="behind", now=board.clock)
        return 1

    job = Job("work", EVERY_SECONDS, while_it_runs)
    assert run_once(board.platform, job, holder="ahead", now=board.clock)


@pytest.mark.parametrize(
    "ahead", [[0.0, 0.0, 0.0], [7200.0, 3600.0, 3599.9], [0.0, A_YEAR_SECONDS]]
)
def test_jobs_go_on_however_the_clock_is_set(
    board: Board, monkeypatch: pytest.MonkeyPatch, ahead: list[float]
) -> None:
    """Where it is put back they are run at once, and not when it is as late again as it was."""
    runs = Counter[str]()

    def run(_: Platform, job: Job, **__: object) -> None:
        runs[job.name] += 1

    told = iter(ahead)
    monkeypatch.setattr("fieldward_server.jobs.LOOK_AT_CLOCK_SECONDS", 0.01)
    monkeypatch.setattr("fieldward_server.jobs._clock_ahead", lambda: next(told, ahead[-1]))
    monkeypatch.setattr("fieldward_server.jobs.run_once", run)
    stop = start_jobs(board.platform, board.clock, seal_every_seconds=3600)
    back = sum(a - b > 1 for a, b in pairwise(ahead))
    names = [job.name for job in jobs(seal_every_seconds=3600)]
    until(lambda: all(runs[name] == 1 + back for name in names))
    stop()
    assert runs == dict.fromkeys(names, 1 + back)


def test_what_is_due_since_decades_is_run_once(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host without a clock of its own begins in 1970, until it hears what time it is."""
    runs = Counter[str]()
    monkeypatch.setattr("fieldward_server.jobs.datetime", In1970)
    monkeypatch.setattr(
        "fieldward_server.jobs.run_once", lambda _, job, **__: runs.update([job.name])
    )
    stop = start_jobs(board.platform, board.clock, seal_every_seconds=3600)
    until(lambda: len(runs) == len(jobs(seal_every_seconds=3600)))
    stop()
    assert set(runs.values()) == {1}


class In1970(datetime):
    """What the clock says before it is put right."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> In1970:
        return cls(1970, 1, 2, tzinfo=tz)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    latest = time.monotonic() + 10
    while not holds() and time.monotonic() < latest:
        time.sleep(0.01)
    assert holds()


def test_a_job_that_fails_is_tried_again_when_it_is_due(board: Board) -> None:
    def fail(_: Platform, __: int) -> int:
        raise RetryLater("database-busy", "The database cannot take this now.")

    failing = Job("work", EVERY_SECONDS, fail)
    with pytest.raises(RetryLater):
        run_once(board.platform, failing, holder="first", now=board.clock)
    board.clock.seconds += EVERY_SECONDS
    assert run_once(board.platform, Work().job, holder="second", now=board.clock)


def test_a_run_and_what_it_fails_at_are_events_under_one_id(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Platform, __: int) -> int:
        event(logging.getLogger("test"), "file.sealed")
        raise RetryLater("database-busy", "The database cannot take this now.")

    caplog.handler.setFormatter(EventFormatter())
    with caplog.at_level(logging.INFO), pytest.raises(RetryLater):
        run_once(board.platform, Job("work", 1, fail), holder="first", now=board.clock)
    sealed, failed = caplog.text.splitlines()
    (run,) = re.findall("event=file.sealed request=([0-9a-f]{16})$", sealed)
    assert f"level=error event=job.failed request={run} job=work error=RetryLater" in failed


def test_the_services_jobs_can_be_run_at_any_time_and_again(board: Board) -> None:
    for job in jobs(seal_every_seconds=1):
        job.run(board.platform, START)
        assert job.run(board.platform, START) == 0
    (partition,) = list_partitions(board.platform, AUTHORITY)
    assert partition.published_feed == partition.feed


def test_a_worker_stops_even_where_it_cannot_give_its_turn_back(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop = start_jobs(board.platform, board.clock, seal_every_seconds=EVERY_SECONDS)

    def busy(*_: object, **__: object) -> None:
        raise RetryLater("database-busy", "The database cannot take this now.")

    monkeypatch.setattr("fieldward_server.jobs.end_turn", busy)
    stop()
    kept = [record for record in caplog.records if record.getMessage() == "turn.kept"]
    assert len(kept) == len(jobs(seal_every_seconds=EVERY_SECONDS))


def test_a_worker_that_stops_leaves_its_turn_to_the_others(board: Board) -> None:
    stop: Callable[[], None] = start_jobs(
        board.platform, board.clock, seal_every_seconds=EVERY_SECONDS
    )
    stop()
    for job in jobs(seal_every_seconds=EVERY_SECONDS):
        assert run_once(board.platform, job, holder="other", now=board.clock)
