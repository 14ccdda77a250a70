"""The demo's stage: a real server process, people who type commands, a clock to move."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from fieldward_sync.clock import Reading

PROGRAM = shlex.quote(str(Path(sys.executable).with_name("fieldward")))
"""What a person types for the command line of this installation."""

_FIELDWARD = (sys.executable, "-c", "from fieldward_server.cli import main; main()")

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
        self.operator = Keyboard(self, {"FIELDWARD_CONFIG": str(self.config_file)})
        self.administrators: dict[str, Keyboard] = {}
        """By authority."""
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

    def add_administrator(self, name: str, *, authority: str) -> Keyboard:
        """Let somebody with a new key command for an authority."""
        folder = self.home / name
        folder.mkdir(mode=0o700, exist_ok=True)
        passphrase_file = folder / "passphrase"
        passphrase_file.touch(mode=0o600)
        passphrase_file.write_text(f"{secrets.token_hex(16)}\n")
        keyboard = Keyboard(
            self,
            {
                "FIELDWARD_SERVER": self.url,
                "FIELDWARD_AUTHORITY": authority,
                "FIELDWARD_KEY": str(folder / "key"),
                "FIELDWARD_PASSPHRASE_FILE": str(passphrase_file),
            },
        )
        keyboard.does("administrator", "key")
        self.operator.shows(
            "administrator", "bootstrap", name, "--authority", authority,
            "--name", f"{name.title()} Malik", "--public-key", str(folder / "key.pub"),
        )  # fmt: skip
        self.administrators[authority] = keyboard
        return keyboard

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

    def start_server(self) -> None:
        """Start the server process and wait until it takes connections."""
        self._server = self.operator.starts("serve")
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


class Keyboard:
    """Where somebody types commands: an operator on the host, or an administrator anywhere."""

    def __init__(self, stage: Stage, settings: Mapping[str, str]) -> None:
        self.settings = settings
        self._stage = stage

    def does(self, *words: str) -> str:
        """Run a command, and return what it printed; ``DoesNotHold`` if it fails."""
        done = subprocess.run(
            [*_FIELDWARD, *words],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise DoesNotHold(f"{_as_typed(words)}\n{done.stderr}{done.stdout}")
        return done.stdout

    def shows(self, *words: str) -> str:
        """Run a command and tell that it is run."""
        self._stage.say(f"$ {_as_typed(words)}")
        return self.does(*words)

    def reads(self, *words: str) -> list[dict[str, Any]]:
        """Run a command that lists, and return what it listed."""
        return [json.loads(line) for line in self.does(*words, "--json").splitlines()]

    def starts(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command that goes on running."""
        return subprocess.Popen(
            [*_FIELDWARD, *words], env=self._environment(), stdout=subprocess.PIPE
        )

    def _environment(self) -> dict[str, str]:
        others = {name: v for name, v in os.environ.items() if not name.startswith("FIELDWARD_")}
        return {**others, **self.settings}


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


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _as_typed(words: Sequence[str]) -> str:
    return shlex.join(("fieldward", *words))
