"""Waiting in line where a crowded server says when to come again.

urllib3 and others that repeat requests do not fit: a request is never repeated here but made anew,
a person is told of the wait each second, and may have enough of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from time import sleep
from typing import TypeVar

from fieldward_client.wire.guard import Guard
from fieldward_client.wire.report import Progress, SyncProgress
from fieldward_sync.problems import Crowded

PATIENCE_SECONDS = 900
"""How long one sync waits in line, in all, unless the caller has another idea of it."""
SPREAD_SECONDS = 1.0
"""So much later than told a device may come, so that not all come at once."""

Answer = TypeVar("Answer")


class Patience:
    """What one sync is ready to wait, in all of its requests together."""

    def __init__(self, seconds: float, tell: Progress, guard: Guard) -> None:
        """``tell`` hears of each second; what it raises ends the wait. The guard is laid down."""
        self._left = seconds
        self._tell = tell
        self._guard = guard
        self._spread = Random()

    def until_let_in(self, ask: Callable[[], Answer]) -> Answer:
        """Ask, and ask again when told to; ``Crowded`` once that would take too long."""
        while True:
            try:
                return ask()
            except Crowded as crowded:
                seconds = crowded.after_seconds + self._spread.uniform(0, SPREAD_SECONDS)
                if seconds > self._left:
                    raise
                self._left -= seconds
            with self._guard.laid_down():
                self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        total = math.ceil(seconds)
        for done in range(total):
            self._tell(SyncProgress("wait", done, total))
            sleep(min(1.0, seconds - done))
        self._tell(SyncProgress("wait", total, total))
