"""Scheduled work: every worker offers to do it, and turns in the database let one.

The only module that knows the scheduler. A job is a plain function ``job(platform, now)`` that may
be run at any time and as often as one likes.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from fieldward_server.logs import event
from fieldward_server.services.platform import Platform
from fieldward_server.services.sealing import seal_partitions, sweep_files
from fieldward_server.services.turns import end_turn, take_turn

LONGEST_RUN_SECONDS = 15 * 60
"""After so long the worker that runs a job is taken for dead."""

SWEEP_EVERY_SECONDS = 3600

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
        Job("sweep-files", SWEEP_EVERY_SECONDS, sweep_files),
    )


def run_once(platform: Platform, job: Job, *, holder: str, now: Callable[[], int]) -> bool:
    """Run the job unless another worker runs it, or did within its interval; whether it ran."""
    began = now()
    if not take_turn(platform, job=job.name, holder=holder, now=began, seconds=LONGEST_RUN_SECONDS):
        event(_logger, "job.passed", level=logging.DEBUG, job=job.name)
        return False
    try:
        done = job.run(platform, began)
    finally:
        # The turn is kept until the job is due again, so that the other workers pass.
        take_turn(platform, job=job.name, holder=holder, now=began, seconds=job.every_seconds)
    event(
        _logger, "job.done", level=logging.INFO if done else logging.DEBUG, job=job.name, done=done
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
            end_turn(platform, job=job.name, holder=holder)

    return stop
