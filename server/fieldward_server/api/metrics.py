"""What is counted of requests, and the page that Prometheus reads.

The page is no route of the application: it is given out on a listener of its own (``serve``), so
that the address devices call never shows it.
"""

from __future__ import annotations

import platform as machine
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from fieldward_server import metrics
from fieldward_server.api.context import service_of
from fieldward_server.services.platform import Platform
from fieldward_server.services.upkeep.figures import Figures, read_figures
from fieldward_sync.errors import Error
from fieldward_sync.journal import EntryItem
from fieldward_sync.messages import SyncAnswer, SyncRequest
from fieldward_sync.problems import CROWDED

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PATH = "/metrics"
SYNC = "device_api.sync"
ENQUIRY = "device_api.answer_enquiry"
NO_ROUTE = "none"


def install(app: Flask) -> None:
    """Count every request to ``app``."""
    app.before_request(_begin)
    app.after_request(_end)


def count_sync(asked: SyncRequest, answer: SyncAnswer, *, complete: bool) -> None:
    """Count a sync that was answered: what came, and what became of it."""
    entries = sum(isinstance(item, EntryItem) for item in asked.journal)
    metrics.delivered(journal_entries=entries, verdicts=answer.verdicts)
    metrics.lease_decided(renewed=answer.lease is not None, refused=answer.lease_refused)
    metrics.sync_ended("complete" if complete else "unfinished")


def count_enquiry(outcome: metrics.EnquiryOutcome) -> None:
    """Count an enquiry that was answered."""
    metrics.enquiry_ended(outcome)


class MetricsPage:
    """``GET /metrics`` as a WSGI application: what all workers counted, and what is stored."""

    def __init__(self, app: Flask) -> None:
        self._platform = service_of(app).platform

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("GET", PATH):
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        body = generate_latest(metrics.counted()) + generate_latest(_Stored(self._platform))
        start_response(
            "200 OK",
            [
                ("Content-Type", CONTENT_TYPE_PLAIN_0_0_4),
                ("Content-Length", str(len(body))),
            ],
        )
        return [body]


class _Stored(Collector):
    """What is not counted but looked up when somebody asks."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def collect(self) -> Iterator[Metric]:
        yield _gauge(
            "build_info",
            "What runs here.",
            ("version", "python"),
            [((version("fieldward"), machine.python_version()), 1)],
        )
        try:
            figures = read_figures(self._platform)
        except Error:
            yield _gauge("database_up", "Whether the database answers.", (), [((), 0)])
            return
        yield _gauge("database_up", "Whether the database answers.", (), [((), 1)])
        yield from _of_figures(figures)


def _of_figures(figures: Figures) -> Iterator[Metric]:
    authority = ("authority",)
    partitions = figures.partitions
    yield _gauge(
        "partitions", "Partitions.", authority, [((p.authority,), p.partitions) for p in partitions]
    )
    yield _gauge(
        "partitions_behind",
        "Partitions with changes that no sealed file has yet.",
        authority,
        [((p.authority,), p.behind) for p in partitions],
    )
    yield _gauge(
        "unsealed_changes",
        "Changes in partitions' feeds that no sealed file has yet.",
        authority,
        [((p.authority,), p.changes) for p in partitions],
    )
    yield _gauge(
        "feed_changes",
        "Changes that partitions' feeds have, until they are pruned.",
        authority,
        [((p.authority,), p.kept) for p in partitions],
    )
    yield _gauge(
        "devices",
        "Devices, by what they may do.",
        ("authority", "access"),
        [((d.authority, d.access), d.devices) for d in figures.devices],
    )
    yield _gauge(
        "unsent_edits",
        "Edits that devices said they still had to deliver.",
        ("authority", "access"),
        [((d.authority, d.access), d.unsent_edits) for d in figures.devices],
    )
    yield _gauge(
        "incidents",
        "Incidents that were opened.",
        ("authority", "kind"),
        [((i.authority, i.kind), i.incidents) for i in figures.incidents],
    )
    yield _gauge(
        "job_last_done_timestamp_seconds",
        "When scheduled work last came to its end.",
        ("job",),
        [((job,), at) for job, at in figures.jobs_done_at.items()],
    )


def _gauge(
    name: str,
    help_text: str,
    labels: tuple[str, ...],
    samples: Iterable[tuple[tuple[str, ...], int]],
) -> Metric:
    family = GaugeMetricFamily(f"fieldward_{name}", help_text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _begin() -> None:
    g.counted_from = time.perf_counter()


def _end(response: Response) -> Response:
    status, code, rule = response.status_code, g.get("problem_code", ""), request.url_rule
    metrics.request_answered(
        # The route, never the path; the method is the caller's to invent, so it is no label.
        route=rule.rule if rule else NO_ROUTE,
        status=status,
        code=code,
        seconds=time.perf_counter() - g.counted_from,
    )
    if status >= HTTPStatus.BAD_REQUEST:
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR and code != CROWDED
        if request.endpoint == SYNC:
            metrics.sync_ended("failed" if is_ours else "refused", code=code)
        elif request.endpoint == ENQUIRY:
            metrics.enquiry_ended("failed" if is_ours else "refused")
    return response
