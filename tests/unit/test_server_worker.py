"""gunicorn's worker, as far as ours differs from it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from select import select
from threading import Event, Thread
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped] # has no types
from gunicorn.glogging import Logger  # type: ignore[import-untyped] # has no types
from gunicorn.workers import base  # type: ignore[import-untyped] # has no types
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped] # has no types

from fieldward_server import workers
from fieldward_server.workers import Worker

MORE_THAN_THE_KERNEL_TAKES = bytes(8 << 20)
THREADS = 2
PATIENCE_SECONDS = 20
ASKING = b"GET /%b HTTP/1.1\r\nHost: here\r\n\r\n"


def test_a_caller_who_takes_nothing_in_does_not_keep_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection is closed, which is what ``StopIteration`` means to gunicorn."""

    def answer(_: Any, __: Any, connection: SimpleNamespace) -> bool:
        connection.sock.sendall(MORE_THAN_THE_KERNEL_TAKES)
        return True

    monkeypatch.setattr(ThreadWorker, "handle_request", answer)
    monkeypatch.setattr(workers, "STALL_SECONDS", 0.1)
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(StopIteration):
        Worker.__new__(Worker).handle_request(None, SimpleNamespace(sock=ours))


class Running:
    """A worker that answers with what it was asked for; ``/slow`` once it is let go on."""

    def __init__(self, **settings: int) -> None:
        self.go_on = Event()
        self.asked_slowly = Event()
        config = Config()
        for name, value in {"threads": THREADS, **settings}.items():
            config.set(name, value)
        listener = socket.create_server(("127.0.0.1", 0))
        self._address = listener.getsockname()
        self._worker = Worker(0, os.getppid(), [listener], None, 30, config, Logger(config))
        self._worker.wsgi = self._application
        self._runs = Thread(target=self._worker.init_process)
        self._runs.start()

    def _application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        name = environ["PATH_INFO"].removeprefix("/").encode()
        if name == b"slow":
            self.asked_slowly.set()
            assert self.go_on.wait(PATIENCE_SECONDS)
        elif name == b"broken":
            raise RuntimeError("this is what is tested")
        start_response("200 OK", [("Content-Length", str(len(name)))])
        return [name]

    def connect(self) -> socket.socket:
        """A connection on which nothing has been sent."""
        return socket.create_connection(self._address, PATIENCE_SECONDS)

    def tell_to_stop(self) -> None:
        """As a signal would."""
        self._worker.handle_exit(None, None)

    def stop(self) -> float:
        """How many seconds it took to stop."""
        began = monotonic()
        self.tell_to_stop()
        self._runs.join(PATIENCE_SECONDS)
        assert not self._runs.is_alive()
        return monotonic() - began


@pytest.fixture(autouse=True)
def no_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a process's first thread may wait for signals."""
    monkeypatch.setattr(base.Worker, "init_process", lambda worker: worker.run())


@contextmanager
def running(**settings: int) -> Iterator[Running]:
    worker = Running(**settings)
    try:
        yield worker
    finally:
        worker.go_on.set()
        worker.stop()


def answered(connection: socket.socket, *names: bytes) -> None:
    """Read one answer to each, in this order."""
    received = b""
    for name in names:
        while b"\r\n\r\n" + name not in received:
            piece = connection.recv(4096)
            assert piece, "the connection was closed"
            received += piece
        _, _, received = received.partition(b"\r\n\r\n" + name)
    assert received == b""


def ask(connection: socket.socket, name: bytes) -> None:
    """Ask for something on a connection that is kept, and read the answer."""
    connection.sendall(ASKING % name)
    answered(connection, name)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side closes it, within the time that the connection is given."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


def test_one_connection_after_the_other_is_answered_and_kept() -> None:
    with running() as worker, worker.connect() as one, worker.connect() as other:
        for name in (b"first", b"second", b"third"):
            ask(one, name)
            ask(other, name)


def test_requests_that_came_together_are_answered_one_after_the_other() -> None:
    with running() as worker, worker.connect() as connection:
        connection.sendall(ASKING % b"first" + ASKING % b"second" + ASKING % b"third")
        answered(connection, b"first", b"second", b"third")
        ask(connection, b"fourth")


def test_connections_on_which_nothing_comes_keep_no_thread() -> None:
    with running() as worker:
        silent = [worker.connect() for _ in range(THREADS + 2)]
        with worker.connect() as connection:
            connection.settimeout(2)
            ask(connection, b"something")
        for each in silent:
            each.close()


def test_while_one_request_takes_its_time_another_thread_answers_the_next() -> None:
    with running() as worker, worker.connect() as slow, worker.connect() as other:
        slow.sendall(ASKING % b"slow")
        assert worker.asked_slowly.wait(PATIENCE_SECONDS)
        ask(other, b"meanwhile")
        worker.go_on.set()
        answered(slow, b"slow")


def test_a_thread_goes_on_after_a_request_that_could_not_even_be_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("this is what is tested")

    monkeypatch.setattr(Worker, "handle_error", fail)
    with running() as worker:
        for _ in range(THREADS + 1):
            with worker.connect() as connection:
                connection.sendall(ASKING % b"broken")
                assert is_closed(connection)
        with worker.connect() as connection:
            ask(connection, b"something")


def test_a_connection_on_which_nothing_comes_any_more_is_ended() -> None:
    with running(keepalive=1) as worker, worker.connect() as used, worker.connect() as unused:
        ask(used, b"something")
        assert is_closed(used)
        assert is_closed(unused)


def test_of_more_connections_than_may_be_kept_one_that_waits_is_ended() -> None:
    kept = 3
    with running(worker_connections=THREADS + kept, keepalive=60) as worker:
        connections = []
        for _ in range(kept + 1):
            connections.append(worker.connect())
            ask(connections[-1], b"something")
        (ended,), _, _ = select(connections, [], [], PATIENCE_SECONDS)
        assert is_closed(ended)
        for each in connections:
            if each is not ended:
                ask(each, b"something")
            each.close()


def test_a_worker_that_stops_waits_for_what_is_under_way_and_not_for_what_is_kept_open() -> None:
    with running(keepalive=60) as worker, worker.connect() as kept, worker.connect() as slow:
        ask(kept, b"something")
        slow.sendall(ASKING % b"slow")
        assert worker.asked_slowly.wait(PATIENCE_SECONDS)
        worker.tell_to_stop()
        assert is_closed(kept)
        worker.go_on.set()
        answered(slow, b"slow")
        assert worker.stop() < 10


def test_a_request_on_a_kept_connection_is_answered_while_the_worker_stops() -> None:
    with running(keepalive=60) as worker, worker.connect() as kept, worker.connect() as slow:
        ask(kept, b"something")
        slow.sendall(ASKING % b"slow")
        assert worker.asked_slowly.wait(PATIENCE_SECONDS)
        worker.tell_to_stop()
        ask(kept, b"late")
        assert is_closed(kept)
        worker.go_on.set()
