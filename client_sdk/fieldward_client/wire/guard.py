"""One thread at a time at what a device has open, and nobody waits for the network.

The watch closes what is open from a thread of its own (see ``watch``). Whoever works with it holds
the guard, and lets go of it while a server answers and while code of the app's runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock, get_ident

from fieldward_client.wire.report import Progress, SyncProgress
from fieldward_client.wire.transport import HttpAnswer, Transport
from fieldward_sync.errors import CallerMistake, Error, RetryLater


class Overtaken(RetryLater):
    """Somebody came to the device while it was being worked with for somebody else, or nobody."""

    def __init__(self) -> None:
        super().__init__(
            "overtaken", "Somebody came to the device meanwhile.", next_step="Try again."
        )


class Guard:
    """A lock that a thread may take again, and may lay down for a while however often it took it.

    A ``threading.RLock`` would have to be released as often as it was taken.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = os.getpid()
        self._holder: int | None = None
        self._change: Error | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Work with what is open; ``CallerMistake("other-process")`` in a process that was forked
        off: two that write with one set of keys and numbers damage the journal."""
        if self._process != os.getpid():
            raise CallerMistake(
                "other-process",
                "This device is open in the process that this one was forked from.",
                next_step="Use it there alone; open it in the process that is to work with it.",
            )
        if self._is_ours():
            yield
            return
        with self._lock:
            self._holder = get_ident()
            try:
                yield
            finally:
                self._holder = None

    @contextmanager
    def laid_down(self) -> Iterator[None]:
        """Let others work with it; what is open may be closed afterwards. Raises what ``break_off``
        was told meanwhile."""
        if not self._is_ours():
            yield
            return
        change = self._change
        try:
            with self._let_go():
                yield
        except Error:
            self._require_no_other(change)
            raise
        self._require_no_other(change)

    def break_off(self, why: Error) -> None:
        """Nobody who has laid the guard down goes on: what they began with is there no more."""
        self._change = why

    @contextmanager
    def _let_go(self) -> Iterator[None]:
        self._holder = None
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()
            self._holder = get_ident()

    def _require_no_other(self, change: Error | None) -> None:
        if self._change is not None and self._change is not change:
            raise self._change

    def telling(self, tell: Progress) -> Progress:
        """``tell``, called while others may work."""

        def told(progress: SyncProgress) -> None:
            with self.laid_down():
                tell(progress)

        return told

    def _is_ours(self) -> bool:
        return self._holder == get_ident()


class GuardedTransport:
    """A way to the server on which the guard is laid down while one waits."""

    def __init__(self, transport: Transport, guard: Guard) -> None:
        self._transport, self._guard = transport, guard
        self.authority = transport.authority

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        """As ``Transport.post``."""
        with self._guard.laid_down():
            return self._transport.post(path, body=body, headers=headers, max_bytes=max_bytes)

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        """As ``Transport.fetch``."""
        pieces = self._transport.fetch(path, offset=offset)
        while True:
            with self._guard.laid_down():
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece
