"""gunicorn's worker with threads, without the way from one thread to the next.

gunicorn's main thread waits for all connections, hands each that can be read to another thread and
takes it back afterwards: two threads are woken for a request, and take turns at the interpreter,
which is a quarter of what gunicorn costs. Here the threads wait themselves, all at one ``epoll``,
which wakes one of them for each request. The main thread takes new connections, ends those that
nothing came on, and stops the worker.
"""

from __future__ import annotations

import select
import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from threading import Lock, Thread
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped] # has no types

_ONCE = select.EPOLLIN | select.EPOLLONESHOT


class WaitingThreadsWorker(ThreadWorker):  # type: ignore[misc] # its base has no types
    """A worker whose threads wait for requests themselves."""

    def run(self) -> None:
        """See gunicorn: the main thread's work, in the worker's own process."""
        self._readable = select.epoll()
        self._lock = Lock()
        # By descriptor. A connection is either in one of these or with the thread that took it out.
        self._waiting: dict[int, Any] = {}
        self._ended: dict[int, Any] = {}
        for _ in range(self.cfg.threads):
            Thread(target=self._answer_all, daemon=True).start()
        super().run()

    def enqueue_req(self, conn: Any) -> None:
        """Have what comes on this connection answered."""
        conn.data_ready = True  # once a thread is woken for it
        if not self._wait_for(conn):
            super().enqueue_req(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """End the connections on which nothing came for too long, or that are too many to wait
        for. The thread that is woken by that closes them: none has been told of them before."""
        super().murder_keepalived(force)
        now = time.monotonic()
        with self._lock:
            while self._waiting:
                descriptor, conn = next(iter(self._waiting.items()))  # the one that waits longest
                if now < conn.timeout and len(self._waiting) <= self.max_keepalived:
                    break
                self._ended[descriptor] = self._waiting.pop(descriptor)
                with suppress(OSError):  # the caller may have ended it
                    conn.sock.shutdown(socket.SHUT_RDWR)

    def _cap_keepalive(self, deadline: float) -> None:
        """What gunicorn does first when it stops: from here on it waits for connections itself."""
        with self._lock:
            waiting = dict(self._waiting)
            self._waiting.clear()
        for descriptor, conn in waiting.items():
            self._readable.unregister(descriptor)
            conn.sock.setblocking(False)
            self.keepalived_conns.append(conn)
            readable = partial(self.on_client_socket_readable, conn)
            self.poller.register(conn.sock, EVENT_READ, readable)
        super()._cap_keepalive(deadline)

    def _wait_for(self, conn: Any) -> bool:
        """Have a thread woken when something comes on this connection; not while we stop."""
        with self._lock:
            if not self.alive:
                return False
            descriptor = conn.sock.fileno()
            conn.set_timeout()
            self._waiting[descriptor] = conn
            wait = self._readable.modify if conn.initialized else self._readable.register
            wait(descriptor, _ONCE)
        return True

    def _answer_all(self) -> None:
        """One thread's work."""
        while True:
            for descriptor, _ in self._readable.poll(maxevents=1):
                with self._lock:
                    conn = self._waiting.pop(descriptor, None) or self._ended.pop(descriptor, None)
                if conn is not None:  # or we stop, and gunicorn has it
                    self._answer(conn)

    def _answer(self, conn: Any) -> None:
        """Answer what has come, and wait on; or leave the connection to gunicorn, to be closed."""
        done: Future[bool] = Future()
        try:
            kept = self.handle(conn)
            while kept and conn.parser.unreader.buf.getvalue():  # it came with the one before
                kept = self.handle(conn)
            if kept and self._wait_for(conn):
                return
            done.set_result(kept)
        except Exception as e:  # noqa: BLE001 # gunicorn closes the connection; this thread goes on
            done.set_exception(e)
        self.method_queue.defer(self.finish_request, conn, done)
