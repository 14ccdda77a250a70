"""Scheduled work: every worker offers to do it, and turns in the database let one.

The only module that knows the scheduler. A job is a plain function ``job(platform, now)`` that may
be run at any time and as often as one likes.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

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
"""After so long the worker that runs a job is taken for dead."""

WRITE_REGISTER_EVERY_SECONDS = 60
SWEEP_EVERY_SECONDS = 3600
WATCH_EVERY_SECONDS = 3600
PRUNE_EVERY_SECONDS = 3600
RENEW_KEYS_EVERY_SECONDS = 3600

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What is done, and how often. ``run`` says how many things it did."""

    name: str
    every_seconds: int
    run: Callable[[Platform, int], int]


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
    return {
        job.name: job.every_seconds + LONGEST_RUN_SECONDS
        for job in jobs(seal_every_seconds=seal_every_seconds)
    }


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
    if not take_turn(platform, job=job.name, holder=holder, now=began, seconds=LONGEST_RUN_SECONDS):
        metrics.job_ended(job.name, "passed")
        event(_logger, "job.passed", level=logging.DEBUG, job=job.name)
        return False
    try:
        done = job.run(platform, began)
        note_done(platform, job=job.name, now=now())
    finally:
        # The turn is kept until the job is due again, so that the other workers pass.
        take_turn(platform, job=job.name, holder=holder, now=began, seconds=job.every_seconds)
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


def start_jobs(
    platform: Platform, now: Callable[[], int], *, seal_every_seconds: int
) -> Callable[[], None]:
    """Run the jobs in the background of this process, from now on; call the result to stop."""
    scheduler = BackgroundScheduler(timezone=UTC)
    holder = secrets.token_hex(8)
    scheduled = jobs(seal_every_seconds=seal_every_seconds)
    for job in scheduled:
        scheduler.add_job(
            run_once,
            "interval",
            args=(platform, job),
            kwargs={"holder": holder, "now": now},
            id=job.name,
            seconds=job.every_seconds,
            next_run_time=datetime.now(UTC),
        )
    scheduler.start()

    def stop() -> None:
        """Let what runs come to its end, and the other workers take over at once."""
        scheduler.shutdown()
        for job in scheduled:
            try:
                end_turn(platform, job=job.name, holder=holder)
            except RetryLater as e:
                # The turn runs out by itself.
                event(_logger, "turn.kept", level=logging.WARNING, job=job.name, code=e.code)

    return stop
