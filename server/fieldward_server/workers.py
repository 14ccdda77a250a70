"""gunicorn's worker, answering even what is no request as the service answers everything else.

gunicorn itself would send a page of HTML, and log what it could not read: that may be a name.
"""

from __future__ import annotations

import json
import logging
import socket
from http import HTTPStatus
from typing import Any

from gunicorn import util  # type: ignore[import-untyped] # has no types
from gunicorn.http import errors  # type: ignore[import-untyped] # has no types
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped] # has no types

from fieldward_server import metrics
from fieldward_server.api.problems import KNOWN, MEDIA_TYPE, Kind, problem_members
from fieldward_server.logs import event, failure, new_id, working_on
from fieldward_sync.errors import CallerMistake

_STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}

STALL_SECONDS = 30
"""How long a caller may take to send, or to take in, a piece of at most 64 KiB. Without a bound a
device that lost its signal would keep a thread until the kernel gives up: a quarter of an hour."""

_logger = logging.getLogger(__name__)


class Worker(ThreadWorker):  # type: ignore[misc] # its base has no types
    """A worker with threads."""

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Answer, but not for ever to somebody who does not take the answer."""
        conn.sock.settimeout(STALL_SECONDS)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError as e:
            event(_logger, "request.stalled")
            raise StopIteration from e  # which closes the connection and says nothing more

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what could not be read, or what no handler caught."""
        with working_on(new_id()):
            if isinstance(exc, errors.ParseException):
                status = _STATUS.get(type(exc), HTTPStatus.BAD_REQUEST)
                # Not what it says: it quotes the request.
                event(_logger, "request.unreadable", status=status, error=type(exc).__name__)
                answer = _answer("request-unreadable", status, CallerMistake.next_step)
            else:
                status = HTTPStatus.INTERNAL_SERVER_ERROR
                failure(_logger, "request.failed", exc)
                answer = _answer("internal", status, "Try again later.")
        metrics.request_unreadable(status)
        try:
            util.write_nonblock(client, answer)
        except OSError:
            event(_logger, "request.unanswered", level=logging.DEBUG)


def _answer(code: str, status: HTTPStatus, next_step: str) -> bytes:
    title = KNOWN[code].title
    members = problem_members(Kind(status, title), code, detail=f"{title}.", next_step=next_step)
    body = json.dumps(members).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
