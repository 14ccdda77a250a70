"""gunicorn's worker, as far as ours differs from it."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped] # has no types

from fieldward_server import workers
from fieldward_server.workers import Worker

MORE_THAN_THE_KERNEL_TAKES = bytes(8 << 20)


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
