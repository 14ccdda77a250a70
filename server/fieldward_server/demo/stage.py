"""The demo's stage: a real server process, the real command line, a clock to move."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from fieldward_sync.clock import Reading

PATIENCE_SECONDS = 20
SEAL_EVERY_SECONDS = 1
_POLL_SECONDS = 0.3


class DoesNotHold(Exception):
    """A step's promise was not kept."""


class Stage:
    """A folder with a server in it, and a voice to tell what happens there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config_file = home / "fieldward.toml"
        self.secrets = home / "secrets"
        self._server: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self._step = 0

    def __enter__(self) -> Stage:
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config_file.write_text(
            f'data_folder = "{self.home / "server"}"\n'
            f"listen_port = {self._port}\n"
            "workers = 2\n"
            f"seal_every_seconds = {SEAL_EVERY_SECONDS}\n"
            'log_level = "warning"\n'
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_server()

    @property
    def url(self) -> str:
        """Where devices reach the server."""
        return f"http://127.0.0.1:{self._port}"

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        click.echo(f"\n{self._step:2}. {title}")

    def say(self, text: str) -> None:
        """Tell what was seen."""
        click.echo(f"    {text}")

    @contextmanager
    def timed(self, text: str) -> Iterator[list[str]]:
        """Tell what was done, and how long it took; what is put into the list is told with it."""
        began, told = time.perf_counter(), list[str]()
        yield told
        took = time.perf_counter() - began
        self.say(f"{text}{', '.join(['', *told])}: {took:.2f} s")

    def check(self, holds: bool, promise: str) -> None:
        """Tell a promise that was kept; ``DoesNotHold`` if it was not."""
        if not holds:
            raise DoesNotHold(promise)
        self.say(f"✓ {promise}")

    def until(self, holds: Callable[[], bool], promise: str) -> None:
        """As ``check``, for what the server does in its own time."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise DoesNotHold(promise)
            time.sleep(_POLL_SECONDS)
        self.say(f"✓ {promise}")

    def command(self, *words: str) -> str:
        """Run a command as an administrator would, and return what it printed."""
        done = subprocess.run(
            [*_fieldward(), "--config", str(self.config_file), "--actor", "demo", *words],
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise DoesNotHold(f"fieldward {' '.join(words)}\n{done.stderr}{done.stdout}")
        return done.stdout

    def tell_command(self, *words: str) -> str:
        """Run a command and show it."""
        self.say("$ fieldward " + " ".join(_quoted(word) for word in words))
        return self.command(*words)

    def read(self, *words: str) -> list[dict[str, Any]]:
        """Run a command that lists, and return what it listed."""
        return [json.loads(line) for line in self.command(*words, "--json").splitlines()]

    def start_server(self) -> None:
        """Start the server process and wait until it takes connections."""
        self._server = subprocess.Popen(
            [*_fieldward(), "--config", str(self.config_file), "serve"],
            stdout=subprocess.PIPE,
        )
        # The ready line comes once it listens; without one the process has ended.
        stdout = self._server.stdout
        if stdout is None or not stdout.readline():
            raise DoesNotHold("The server did not start.")

    def stop_server(self) -> None:
        """Stop the server process, if it runs."""
        if self._server is not None:
            self._server.terminate()
            self._server.communicate()
            self._server = None

    def wait_for_interrupt(self) -> None:
        """Let the server run until Ctrl-C."""
        if self._server is not None:
            with suppress(KeyboardInterrupt):
                self._server.wait()


class MovedClock:
    """The machine's clocks, moved by hand."""

    def __init__(self) -> None:
        self.ahead_seconds = 0

    def reading(self) -> Reading:
        """What the clocks say, with what they were moved by."""
        return Reading(
            wall=int(time.time()) + self.ahead_seconds,
            since_boot=int(time.clock_gettime(time.CLOCK_BOOTTIME)) + self.ahead_seconds,
            boot="demo",
        )


def _fieldward() -> list[str]:
    return [sys.executable, "-c", "from fieldward_server.cli import main; main()"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
