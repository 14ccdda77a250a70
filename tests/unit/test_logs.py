"""Logs are events: one line, names and figures, never what a record holds."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from fieldward_server.logs import EventFormatter, event, failure, working_on

logger = logging.getLogger("fieldward_server.test")


@pytest.fixture
def written() -> Iterator[StringIO]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(EventFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)


def the_line(written: StringIO) -> str:
    """The one line there is, without its time."""
    (line,) = written.getvalue().splitlines()
    time, _, rest = line.partition(" ")
    assert time.startswith("time=2")
    return rest


def test_an_event_is_a_name_and_fields(written: StringIO) -> None:
    event(logger, "segment.sealed", partition="hv", bytes=17, code=None)
    assert the_line(written) == 'level=info event=segment.sealed partition=hv bytes=17 code=""'


def test_a_value_cannot_pass_for_another_field_or_line(written: StringIO) -> None:
    event(logger, "device.named", name='x" code=y\nlevel=error')
    assert the_line(written).endswith('name="x\\" code=y\\nlevel=error"')


def test_an_event_names_the_request_it_belongs_to(written: StringIO) -> None:
    with working_on("5f0c"):
        event(logger, "request.done")
    event(logger, "job.done")
    of_the_request, afterwards = written.getvalue().splitlines()
    assert of_the_request.endswith("level=info event=request.done request=5f0c")
    assert "request=" not in afterwards


def test_a_failure_says_where_and_nothing_of_what(written: StringIO) -> None:
    def look_up() -> None:
        raise ValueError("Ada Okafor")

    try:
        look_up()
    except ValueError as e:
        failure(logger, "request.failed", e)
    assert "error=ValueError" in written.getvalue()
    assert "test_logs.py" in written.getvalue()
    assert "look_up" in written.getvalue()
    assert "Ada" not in written.getvalue()


def test_a_library_that_logs_a_traceback_gets_its_place_logged_instead(written: StringIO) -> None:
    try:
        raise ValueError("Ada Okafor")
    except ValueError:
        logger.exception("Exception on %s", "/v1/sync")
    line = the_line(written)
    assert 'message="Exception on /v1/sync"' in line
    assert "error=ValueError" in line
    assert "Ada" not in line


def test_every_event_is_documented() -> None:
    root = Path(__file__).parents[2]
    named = {
        name
        for path in (root / "server").rglob("*.py")
        for name in re.findall(r'(?:event|failure)\(\s*_logger,\s*"([^"]+)"', path.read_text())
    }
    operations = (root / "docs/operations.md").read_text()
    assert len(named) > 5
    assert {name for name in named if f"| `{name}` |" not in operations} == set()
