"""Scheduled work: every worker offers to do it, and turns in the database let one.

The only module that knows the scheduler. A job is a plain function ``job(platform, now)`` that may
be run at any time and as often as one likes.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from fieldward_server import metrics
from fieldward_server.logs import event, failure, new_id, working_on
from fieldward_server.services.distribution.holdings import watch_caps
from fieldward_server.services.distribution.key_epochs import renew_partition_keys
from fieldward_server.services.distribution.sealing import seal_partitions, sweep_files
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import write_register
from fieldward_server.services.upkeep.pruning import (
    prune_feeds,
    prune_invitations,
    prune_keys,
    prune_notices,
)
from fieldward_server.services.upkeep.turns import end_turn, note_done, take_turn
from fieldward_sync.errors import RetryLater

LONGEST_RUN_SECONDS = 15 * 60
"""After so long a run is taken for stuck, and another worker may begin one."""
TURN_SECONDS = 120
"""For so long nobody runs a job whose worker was killed over it."""
KEEP_TURN_EVERY_SECONDS = 30.0

WRITE_REGISTER_EVERY_SECONDS = 60
SWEEP_EVERY_SECONDS = 3600
WATCH_EVERY_SECONDS = 3600
PRUNE_EVERY_SECONDS = 3600
RENEW_KEYS_EVERY_SECONDS = 3600

LOOK_AT_CLOCK_SECONDS = 10.0
SLEWED_SECONDS = 1.0
"""A clock that is put right little by little stays within this."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What is done, and how often. ``run`` says how many things it did."""

    name: str
    every_seconds: int
    run: Callable[[Platform, int], int]

    @property
    def longest_seconds(self) -> int:
        """How long it may go without being done, and how long a turn ever lasts."""
        return self.every_seconds + LONGEST_RUN_SECONDS


def jobs(*, seal_every_seconds: int) -> tuple[Job, ...]:
    """All scheduled work of the service."""
    return (
        Job("seal-partitions", seal_every_seconds, seal_partitions),
        Job("write-register", WRITE_REGISTER_EVERY_SECONDS, write_register),
        Job("sweep-files", SWEEP_EVERY_SECONDS, sweep_files),
        Job("watch-caps", WATCH_EVERY_SECONDS, watch_caps),
        Job("prune-feeds", PRUNE_EVERY_SECONDS, prune_feeds),
        Job("prune-notices", PRUNE_EVERY_SECONDS, prune_notices),
        Job("prune-invitations", PRUNE_EVERY_SECONDS, prune_invitations),
        Job("prune-keys", PRUNE_EVERY_SECONDS, prune_keys),
        Job("renew-partition-keys", RENEW_KEYS_EVERY_SECONDS, renew_partition_keys),
    )


def longest_seconds(*, seal_every_seconds: int) -> dict[str, int]:
    """For each job, how long it may go without being done before something is wrong."""
    return {job.name: job.longest_seconds for job in jobs(seal_every_seconds=seal_every_seconds)}


def run_once(platform: Platform, job: Job, *, holder: str, now: Callable[[], int]) -> bool:
    """Run the job unless another worker runs it, or did within its interval; whether it ran.

    What is logged meanwhile carries an id of the run's own. What the job raises is an event and
    raised again; the job is tried again when it is due.
    """
    with working_on(new_id()):
        try:
            return _run_in_turn(platform, job, holder=holder, now=now)
        except Exception as e:
            metrics.job_ended(job.name, "failed")
            failure(_logger, "job.failed", e, job=job.name)
            raise


def _run_in_turn(platform: Platform, job: Job, *, holder: str, now: Callable[[], int]) -> bool:
    began, started = now(), time.perf_counter()
    take = partial(
        take_turn,
        platform,
        job=job.name,
        holder=holder,
        longest=job.longest_seconds,
    )
    if not take(now=began, seconds=TURN_SECONDS):
        metrics.job_ended(job.name, "passed")
        event(_logger, "job.passed", level=logging.DEBUG, job=job.name)
        return False
    try:
        with _keeping(lambda: take(now=now(), seconds=TURN_SECONDS)):
            done = job.run(platform, began)
        note_done(platform, job=job.name, now=now())
    finally:
        # The turn is kept until the job is due again, so that the other workers pass; not where it
        # went to another of them, because this run was taken for stuck.
        ended = now()
        take(now=ended, seconds=began + job.every_seconds - ended)
    seconds = time.perf_counter() - started
    metrics.job_ended(job.name, "done")
    metrics.job_worked(job.name, items=done, seconds=seconds)
    event(
        _logger,
        "job.done",
        level=logging.INFO if done else logging.DEBUG,
        job=job.name,
        done=done,
        milliseconds=round(seconds * 1000, 1),
    )
    return True


@contextmanager
def _keeping(take: Callable[[], bool]) -> Iterator[None]:
    """Take a turn again and again meanwhile, for as long as a run may last."""
    ended = Event()

    def keep() -> None:
        for _ in range(int(LONGEST_RUN_SECONDS / KEEP_TURN_EVERY_SECONDS)):
            if ended.wait(KEEP_TURN_EVERY_SECONDS):
                return
            with suppress(RetryLater):  # the database is busy: with this very run, say
                take()

    keeper = Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()


class _FromNow(IntervalTrigger):  # type: ignore[misc] # its base has no types
    """Due so long after it was last run. APScheduler's own works out every time that was missed:
    millions, once a clock that began in 1970 is put right."""

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        return now + timedelta(seconds=self.interval_length)


def start_jobs(
    platform: Platform, now: Callable[[], int], *, seal_every_seconds: int
) -> Callable[[], None]:
    """Run the jobs in the background of this process, from now on; call the result to stop."""
    # However late one comes, it is run.
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None})
    holder = secrets.token_hex(8)
    scheduled = jobs(seal_every_seconds=seal_every_seconds)
    for job in scheduled:
        scheduler.add_job(
            run_once,
            _FromNow(seconds=job.every_seconds, timezone=UTC),
            args=(platform, job),
            kwargs={"holder": holder, "now": now},
            id=job.name,
            next_run_time=datetime.now(UTC),
        )
    scheduler.start()
    stopping = Event()
    watch = Thread(target=_watch_clock, args=(scheduler, stopping), daemon=True)
    watch.start()

    def stop() -> None:
        """Let what runs come to its end, and the other workers take over at once."""
        stopping.set()
        watch.join()
        scheduler.shutdown()
        for job in scheduled:
            try:
                end_turn(platform, job=job.name, holder=holder)
            except RetryLater as e:
                # The turn runs out by itself.
                event(_logger, "turn.kept", level=logging.WARNING, job=job.name, code=e.code)

    return stop


def _watch_clock(scheduler: BackgroundScheduler, stopping: Event) -> None:
    """Have every job run where the clock was put back: the scheduler would wait until it is as late
    again as it was."""
    ahead = _clock_ahead()
    while not stopping.wait(LOOK_AT_CLOCK_SECONDS):
        before, ahead = ahead, _clock_ahead()
        back = before - ahead
        if back > SLEWED_SECONDS:
            event(_logger, "clock.put-back", level=logging.WARNING, seconds=round(back))
            for job in scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))


def _clock_ahead() -> float:
    """How far the wall clock is ahead of one that nobody sets."""
    return time.time() - time.monotonic()
