"""A timer that ticks when told to."""

from __future__ import annotations

from collections.abc import Callable

YEARS = 10**9
"""For devices that a test leaves alone for days and that are to stay unlocked."""


class HandTimer:
    """Every call that was asked for and not ended, made by hand."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def repeat(self, call: Callable[[], None]) -> Callable[[], None]:
        self.calls.append(call)
        return lambda: self.calls.remove(call)

    def tick(self) -> None:
        for call in tuple(self.calls):
            call()
