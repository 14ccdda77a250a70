"""``fieldward serve`` on a board, spoken to over a socket; what it logs can be waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import served
from api_actors import Board, Signed
from served import PATIENCE_SECONDS, Served

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Log:
    """What a process says on stderr, as it comes."""

    file: Path

    def wait_for(self, *words: str, times: int = 1) -> list[str]:
        """The lines with all these words, once there are so many."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(found := self._with(words)) < times:
            assert time.monotonic() < deadline, self.text()
            time.sleep(_POLL_SECONDS)
        return found

    def text(self) -> str:
        """Everything so far."""
        return self.file.read_text()

    def _with(self, words: tuple[str, ...]) -> list[str]:
        lines = self.text().splitlines(keepends=True)
        return [
            line for line in lines if line.endswith("\n") and all(word in line for word in words)
        ]


@dataclass(frozen=True)
class Server:
    """A server that listens at an address."""

    process: Served
    address: str
    log: Log

    def ask(
        self,
        method: str,
        target: str,
        *,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; an iterator as the body is sent in chunks."""
        connection = HTTPConnection(self.address.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def send(self, request: Signed) -> Answer:
        """Send a signed request as it is."""
        return self.ask(
            request.method, request.path, body=request.body, headers=dict(request.headers)
        )


@contextmanager
def serving(board: Board, folder: Path) -> Iterator[Server]:
    """A server process on the board's database, for the length of the block."""
    log = folder / "log"
    with served.serving({**board.environ, "FIELDWARD_LISTEN_PORT": "0"}, log) as process:
        yield Server(process, process.address, Log(log))
