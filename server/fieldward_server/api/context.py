"""What handlers share: the application's service, and the body of the current request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, current_app, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped] # has no types

from fieldward_server.admission import WaitingLine
from fieldward_server.config import Config
from fieldward_server.services.platform import Platform
from fieldward_sync.errors import PeerBrokeProtocol

_NAME = "fieldward"


@dataclass(frozen=True)
class Service:
    """One application's settings, platform and clock (whole seconds since 1970 UTC), and the line
    for what keeps it busy for long."""

    config: Config
    platform: Platform
    now: Callable[[], int]
    waiting_line: WaitingLine

    def attach(self, app: Flask) -> None:
        """Make it what ``service()`` finds in requests to ``app``."""
        app.extensions[_NAME] = self


def service_of(app: Flask) -> Service:
    """The service that was attached to an application."""
    found: Service = app.extensions[_NAME]
    return found


def service() -> Service:
    """The service of the application that handles the current request."""
    return service_of(current_app)


def allow_body(limit: int) -> None:
    """Let the current request's body be so many bytes long, before it is read."""
    # One more than is allowed: a body of unknown length that reaches the limit is cut off there
    # without a word, and ``read_body`` has to see that it was longer.
    request.max_content_length = limit + 1


def read_body() -> bytes:
    """The current request's body, read once; ``PeerBrokeProtocol("too-large")`` past the limit, and
    unread where the request says beforehand how long it is; "request-unreadable" for chunks that
    are none."""
    limit = (request.max_content_length or 0) - 1
    try:
        if (request.content_length or 0) > limit or len(body := request.get_data()) > limit:
            raise PeerBrokeProtocol("too-large", f"The body is longer than {limit} bytes.")
    except ParseException as e:
        raise PeerBrokeProtocol("request-unreadable", "The body's chunks are none.") from e
    return body
