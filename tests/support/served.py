"""``fieldward serve`` as a process of its own, to be killed and started again at one address."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from program import FIELDWARD, environment

PATIENCE_SECONDS = 60


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Served:
    """The service on a folder and a database. Its processes are a group: none outlives a kill."""

    settings: Mapping[str, str]
    log: Path
    options: tuple[str, ...] = ()
    address: str = field(default="", init=False)
    """Where it said it listens."""
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [*FIELDWARD, "serve", *self.options],
                env=environment(**self.settings),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert process.stdout is not None
        with process.stdout:
            said = process.stdout.readline()
        assert said.startswith("Fieldward listens on http"), self.log.read_text()
        self.address = said.split()[-1]
        self._process = process

    @property
    def process_group(self) -> int:
        """The id that all of its processes share."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill the server and all its workers at once."""
        self._end(signal.SIGKILL)

    def kill_one(self, pid: int) -> None:
        """Kill one of its processes."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Let it end as an operator would; its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        os.killpg(self._process.pid, how)
        status, self._process = self._process.wait(PATIENCE_SECONDS), None
        return status


@contextmanager
def serving(settings: Mapping[str, str], log: Path, *options: str) -> Iterator[Served]:
    """A running service for the length of the block."""
    served = Served(settings, log, options)
    served.start()
    try:
        yield served
    finally:
        served.stop()
