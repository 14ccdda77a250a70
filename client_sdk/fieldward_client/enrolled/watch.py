"""The watch over an unlocked device: what is over closes within a second, called or not.

It asks the same clock as everything else, at every tick of a ``Timer``; so tests move the clock and
tick by hand. One thread, while a practitioner is at the device, and none afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from fieldward_sync.leases import Lease, LeaseState

TICK_SECONDS = 0.5
"""Twice within the second in which a copy must close."""

EventKind = Literal["countdown", "warning", "renewed", "closed", "locked"]


@dataclass(frozen=True)
class DeviceEvent:
    """Something that happened to an unlocked device by the passing of time."""

    kind: EventKind
    """``countdown`` from half of the lease's time on and ``warning`` from its warning on: each full
    hour, and in the last hour each minute. ``renewed``: neither is to be shown any more.
    ``closed``: nothing can be read now, ``code`` says why. ``locked``: nobody used the device."""
    code: str = ""
    """Of the ``AccessClosed`` that every look-up raises from now on."""
    seconds_left: int = 0
    """Until the copy closes."""


Observer = Callable[[DeviceEvent], None]


class Timer(Protocol):
    """What calls again and again."""

    def repeat(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call at least every second, from a thread of its own. What is returned ends it: once that
        has returned, no call is under way, unless it came from within one."""


class ThreadTimer:
    """A thread for each."""

    def repeat(self, call: Callable[[], None]) -> Callable[[], None]:
        """As ``Timer.repeat``."""
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(TICK_SECONDS):
                try:
                    call()
                except Exception as e:  # noqa: BLE001 - an observer's; what is over still closes
                    hook = threading.ExceptHookArgs((type(e), e, e.__traceback__, thread))
                    threading.excepthook(hook)

        def end() -> None:
            ended.set()
            if threading.current_thread() is not thread:
                thread.join()

        thread = threading.Thread(target=run, name="fieldward-watch", daemon=True)
        thread.start()
        return end


class Watch:
    """Ticks while a practitioner is at the device, and tells the observer what changed."""

    def __init__(
        self, timer: Timer, look: Callable[[], DeviceEvent | None], tell: Observer | None
    ) -> None:
        """``look`` closes what is over and says how the device stands, in whole steps."""
        self._timer, self._look, self._tell = timer, look, tell
        self._end: Callable[[], None] | None = None
        self._told: DeviceEvent | None = None

    def begin(self) -> None:
        """Somebody is at the device."""
        self.end()
        self._told = None
        self._end = self._timer.repeat(self._tick)

    def end(self) -> None:
        """Nobody is. Not to be called while the guard is held."""
        if self._end is not None:
            self._end()
        self._end = None

    def _tick(self) -> None:
        found, before = self._look(), self._told
        if before is not None and before.kind == "locked":
            return
        self._told = found
        if found is None and before is not None:
            found = DeviceEvent("renewed")
        if self._tell is not None and found is not None and _differs(found, before):
            self._tell(found)


def countdown(lease: Lease, now: int) -> DeviceEvent | None:
    """How the time that is left is told; ``None`` before half of it has passed."""
    if now < lease.half_life:
        return None
    warns = lease.state(now) is LeaseState.WARNING
    return DeviceEvent("warning" if warns else "countdown", seconds_left=lease.closes - now)


def _differs(found: DeviceEvent, before: DeviceEvent | None) -> bool:
    return before is None or _step(found) != _step(before)


def _step(event: DeviceEvent) -> tuple[str, str, int, int]:
    hours = event.seconds_left // 3600
    return event.kind, event.code, hours, 0 if hours else event.seconds_left // 60
