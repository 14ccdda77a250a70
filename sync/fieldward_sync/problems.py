"""What a caller reads of a refusal (RFC 9457), and the error it becomes."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from fieldward_sync.errors import Error, PeerBrokeProtocol, RefusedByServer, RetryLater
from fieldward_sync.names import Code, Count

CLOCK_SKEW, COUNTER_USED = "clock-skew", "counter-used"
"""The two refusals that a caller puts right by itself: from the answer's time, from its counter."""

CROWDED = "crowded"
TURN_HEADER = "Fieldward-Turn"
"""Comes with ``crowded``; who brings it along again keeps their place in line."""


class Crowded(RetryLater):
    """Others come first. Who asks again after ``after_seconds`` keeps their place in line."""

    def __init__(self, after_seconds: int, *, turn: str = "") -> None:
        super().__init__(CROWDED, "Many are fetching their copies at once; others come first.")
        self.after_seconds = after_seconds
        self.turn = turn
        """What proves the place; empty where the caller's transport keeps it."""


_Line = Annotated[str, Meta(max_length=1000, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")]
"""Words that are shown to a person, where anybody may have put them: a terminal obeys none."""


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: _Line
    reason: _Line


class Problem(msgspec.Struct, frozen=True):
    """A refusal's members, as far as a caller needs them."""

    code: Code
    detail: _Line = ""
    next_step: _Line = ""
    last_counter: Count = 0
    mistakes: Annotated[tuple[Mistake, ...], Meta(max_length=100)] = ()


_read_problem = msgspec.json.Decoder(Problem).decode


def read_refusal(status: int, body: bytes) -> tuple[Error, Problem]:
    """What a refusal says, as the error to raise; ``PeerBrokeProtocol`` if it is none."""
    try:
        problem = _read_problem(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise PeerBrokeProtocol("problem-malformed", "The refusal cannot be read.") from e
    if is_passing(status):
        return RetryLater(problem.code, problem.detail or "The server is busy."), problem
    told = "\n".join(
        (
            problem.detail or "The server refused.",
            *(f"  {mistake.field}: {mistake.reason}" for mistake in problem.mistakes),
        )
    )
    return RefusedByServer(problem.code, told, next_step=problem.next_step or None), problem


def is_passing(status: int) -> bool:
    """Whether a status says that the server, or something before it, cannot work just now."""
    return status == 429 or status >= 500
