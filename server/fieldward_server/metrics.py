"""Figures about the running service, for Prometheus: how often and how long, never about whom.

Labels are routes, codes, outcomes and names of jobs: short closed lists, and no id of a child, a
device or a person among them.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.values import MultiProcessValue

from fieldward_sync.errors import Error
from fieldward_sync.messages import Verdict

SyncOutcome = Literal["complete", "unfinished", "refused", "failed"]
EnquiryOutcome = Literal["shown", "nothing", "too-many", "refused", "failed"]
JobOutcome = Literal["done", "failed", "passed"]

DATABASE_CODES = frozenset({"database-busy", "database-damaged", "database-url"})
"""Errors that a database makes, not a caller."""

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SLOW = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)

_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library takes the folder from nowhere else

disable_created_metrics()  # type: ignore[no-untyped-call] # has no types


class _Instruments:
    """Everything that is counted in a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "http_requests", "Requests answered.", "route", "status", "code"
        )
        self.request_seconds = self._histogram(
            "http_request_duration_seconds", "From request to answer.", _FAST, "route"
        )
        self.unreadable = self._counter(
            "http_unreadable_requests", "Requests refused before they had a route.", "status"
        )
        self.syncs = self._counter(
            "syncs", "Syncs attempted, by how they ended.", "outcome", "code"
        )
        self.enquiries = self._counter("enquiries", "Enquiries made, by how they ended.", "outcome")
        self.edits = self._counter(
            "edit_verdicts", "Verdicts given; a repeated edit counts again.", "outcome", "code"
        )
        self.journal_entries = self._counter(
            "journal_entries_delivered", "Journal entries delivered; repeated ones count again."
        )
        self.leases = self._counter("leases_renewed", "Leases renewed.")
        self.lease_refusals = self._counter("lease_refusals", "Renewals refused.", "code")
        self.job_runs = self._counter("job_runs", "Runs of scheduled work.", "job", "outcome")
        self.job_items = self._counter(
            "job_items", "What runs did: files made, rows or files removed.", "job"
        )
        self.job_seconds = self._histogram(
            "job_duration_seconds", "Runs of scheduled work.", _SLOW, "job"
        )
        self.transaction_seconds = self._histogram(
            "database_transaction_duration_seconds",
            "Transactions, the wait for a connection and for locks included.",
            _FAST,
            "kind",
        )
        self.database_errors = self._counter(
            "database_errors", "Transactions that the database could not do.", "code"
        )
        self.transactions_open = Gauge(
            "fieldward_database_transactions_open",
            "Transactions under way or waiting for a connection.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

        self.places = Gauge(
            "fieldward_downloads_open",
            "First syncs and large downloads under way.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"fieldward_{name}", help_text, labels, registry=self.registry)

    def _histogram(
        self, name: str, help_text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"fieldward_{name}", help_text, labels, buckets=buckets, registry=self.registry
        )


_instruments = _Instruments()


# --- Who counts where -------------------------------------------------------------------------


def share_between_workers(folder: Path) -> None:
    """Have this process and those it forks count together from now on, from zero, in a folder.

    To be called before anything is counted. What is in the folder is removed.
    """
    global _instruments
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ[_FOLDER_VARIABLE] = str(folder)
    values.ValueClass = MultiProcessValue()  # type: ignore[no-untyped-call] # has no types
    _instruments = _Instruments()


def stop_sharing(folder: Path) -> None:
    """Remove what the workers counted in; none of them runs any more."""
    shutil.rmtree(folder, ignore_errors=True)


def worker_ended(process_id: int) -> None:
    """What a worker had under way when it ended is under way no more; its counts stay."""
    if folder := os.environ.get(_FOLDER_VARIABLE):
        mark_process_dead(process_id, folder)  # type: ignore[no-untyped-call] # has no types


def counted() -> CollectorRegistry:
    """All that has been counted, by all workers where they share."""
    if _FOLDER_VARIABLE not in os.environ:
        return _instruments.registry
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # has no types
    return registry


# --- What is counted --------------------------------------------------------------------------


def request_answered(*, route: str, status: int, code: str, seconds: float) -> None:
    """Count a request by the route that took it; ``code`` is the refusal's, else empty."""
    _instruments.requests.labels(route, str(status), code).inc()
    _instruments.request_seconds.labels(route).observe(seconds)


def request_unreadable(status: int) -> None:
    """Count what was no request that could be routed."""
    _instruments.unreadable.labels(str(status)).inc()


def sync_ended(outcome: SyncOutcome, *, code: str = "") -> None:
    """Count an attempt to sync, however it ended."""
    _instruments.syncs.labels(outcome, code).inc()


def enquiry_ended(outcome: EnquiryOutcome) -> None:
    """Count an enquiry, however it ended."""
    _instruments.enquiries.labels(outcome).inc()


def delivered(*, journal_entries: int, verdicts: Iterable[Verdict]) -> None:
    """Count what a device delivered, and what became of it."""
    _instruments.journal_entries.inc(journal_entries)
    for verdict in verdicts:
        _instruments.edits.labels(verdict.outcome, verdict.code).inc()


def lease_decided(*, renewed: bool, refused: str) -> None:
    """Count a renewal, or its refusal by code."""
    if renewed:
        _instruments.leases.inc()
    if refused:
        _instruments.lease_refusals.labels(refused).inc()


def place_taken() -> None:
    """Count a first sync or a large download that is under way from now on."""
    _instruments.places.inc()


def place_left() -> None:
    """Count that one of them has ended."""
    _instruments.places.dec()


def job_ended(job: str, outcome: JobOutcome) -> None:
    """Count a run of a job, or that another worker had its turn."""
    _instruments.job_runs.labels(job, outcome).inc()


def job_worked(job: str, *, items: int, seconds: float) -> None:
    """Count what a run did, and how long it took."""
    _instruments.job_items.labels(job).inc(items)
    _instruments.job_seconds.labels(job).observe(seconds)


@contextmanager
def transaction(kind: Literal["reading", "statement", "writing"]) -> Iterator[None]:
    """Count and time the transaction in the block."""
    began = time.perf_counter()
    _instruments.transactions_open.inc()
    try:
        yield
    except Error as e:
        if e.code in DATABASE_CODES:
            _instruments.database_errors.labels(e.code).inc()
        raise
    finally:
        _instruments.transactions_open.dec()
        _instruments.transaction_seconds.labels(kind).observe(time.perf_counter() - began)
