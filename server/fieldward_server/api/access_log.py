"""One event per request, under an id that the caller sees too; nothing of path, query or body."""

from __future__ import annotations

import logging
import re
import time

from flask import Flask, Response, g, request

from fieldward_server.logs import event, new_id, request_id
from fieldward_server.services.authentication import Caller

HEADER = "X-Request-Id"

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_logger = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Give every request of ``app`` an id and log how it ended."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_leave)


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    request_id.set(given if _ID.fullmatch(given) else new_id())
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers[HEADER] = request_id.get() or ""
    rule = request.url_rule
    event(
        _logger,
        "request.done",
        method=request.method,
        # The route, not the path: the name of a sealed file is all it takes to fetch it.
        route=rule.rule if rule else None,
        status=response.status_code,
        code=g.get("problem_code"),
        device=_device(),
        bytes=response.content_length,
        milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
    )
    return response


def _device() -> str | None:
    """Which device called: one that fails again and again has to be found (P9)."""
    caller = g.get("caller")
    if not isinstance(caller, Caller):
        return None
    return f"{caller.authority}/{caller.device}/{caller.generation}"


def _leave(_: BaseException | None) -> None:
    """What this thread does next belongs to no request."""
    request_id.set(None)
