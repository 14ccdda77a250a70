"""Logs are events: a name and fields, one line each, and never what a record holds.

``time=… level=info event=request.done request=5f0c… status=200``. Foreign libraries write through
the same formatter; of an exception it says the type and the place, never the message or the
traceback, because those can carry a child's data.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePath
from time import gmtime, strftime
from traceback import walk_tb

from fieldward_sync.errors import Error

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request, or the run of a job, that this context works for; its events name it."""

SHOWN_PLACES = 4
"""The innermost lines of a traceback, without what they say."""

Field = str | int | float | None

_PLAIN = re.compile(r"[^\s\"=\\]+")


def new_id() -> str:
    """A request id, where nobody brought one."""
    return secrets.token_hex(8)


@contextmanager
def working_on(request: str) -> Iterator[None]:
    """Have every event of the block name this request."""
    token = request_id.set(request)
    try:
        yield
    finally:
        request_id.reset(token)


def event(
    logger: logging.Logger, name: str, /, *, level: int = logging.INFO, **fields: Field
) -> None:
    """Log the event ``name``, with ids and figures as its fields."""
    logger.log(level, name, extra={"fields": fields})


def failure(logger: logging.Logger, name: str, error: BaseException, /, **fields: Field) -> None:
    """Log an unexpected exception: its type and place, nothing it says."""
    event(logger, name, level=logging.ERROR, **fields, **_of_exception(error))


def configure(level: str) -> None:
    """Send every event of this process to stderr. Only entry points call this."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Each run of each job, in every worker, and each that waits for the one before: noise. What a
    # job did, or failed at, is an event.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)


class EventFormatter(logging.Formatter):
    """One event as one line of ``key=value``."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={_shown(value)}" for key, value in _fields(record))


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Field]]:
    yield (
        "time",
        strftime("%Y-%m-%dT%H:%M:%S", gmtime(record.created)) + f".{int(record.msecs):03}Z",
    )
    yield "level", record.levelname.lower()
    own = getattr(record, "fields", None)
    if own is None:
        yield "event", "log"
        yield "logger", record.name
        yield "message", record.getMessage()
    else:
        yield "event", record.getMessage()
    if (request := request_id.get()) is not None:
        yield "request", request
    if own is not None:
        yield from own.items()
    if record.exc_info and record.exc_info[1] is not None:
        yield from _of_exception(record.exc_info[1]).items()


def _of_exception(error: BaseException) -> dict[str, Field]:
    places = [
        f"{PurePath(frame.f_code.co_filename).name}:{line}:{frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    return {
        "error": type(error).__name__,
        "code": error.code if isinstance(error, Error) else None,
        "places": " < ".join(reversed(places[-SHOWN_PLACES:])),
    }


def _shown(value: Field) -> str:
    text = "" if value is None else str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
