"""A health visitor who types ``fieldward field``, against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from children import PHONE, child
from client_world import cheap_unlock_key
from fieldward_client import Device
from fieldward_client import device as device_module
from fieldward_client.keys import passphrases
from fieldward_server.cli.root import root
from loop_over_http import HttpLoop, http_loop

PASSPHRASE = "correct horse battery staple"
DAY = 24 * 3600


class HealthVisitor:
    """Ann, at the keyboard of her own device."""

    def __init__(self, loop: HttpLoop, home: Path) -> None:
        self.loop = loop
        self.home = home
        self.folder = home / "data" / "fieldward" / "device"
        self._passphrase_file = home / "passphrase"

    def types(self, *words: str, keys: str = "") -> Result:
        """Run a command, whatever comes of it; its keys begin with the passphrase."""
        return self._run(words, keys, None)

    def does(self, *words: str, keys: str = "") -> str:
        """Run a command that succeeds without being asked for the passphrase; what it says."""
        self._passphrase_file.write_text(PASSPHRASE + "\n")
        result = self._run(words, keys, str(self._passphrase_file))
        assert result.exit_code == 0, result.output
        return result.stdout

    def fails(self, *words: str, keys: str = "") -> Result:
        """Run a command that ends with another exit code than 0."""
        self._passphrase_file.write_text(PASSPHRASE + "\n")
        result = self._run(words, keys, str(self._passphrase_file))
        assert result.exit_code != 0
        return result

    def reads(self, *words: str, keys: str = "") -> list[dict[str, Any]]:
        """The values that a command prints for programs."""
        return [json.loads(line) for line in self.does(*words, "--json", keys=keys).splitlines()]

    def enrols(self) -> str:
        """Ann's device, with an invitation to the partition West."""
        code = self.loop.code("west", practitioner="p-1")
        keys = f"{self.loop.url}\n{code}\n"
        return self.does("enrol", "--name", "ann-tablet", keys=keys)

    def _run(self, words: tuple[str, ...], keys: str, passphrase_file: str | None) -> Result:
        environ = {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "TMPDIR": str(self.home),
            "FIELDWARD_DEVICE_PASSPHRASE_FILE": passphrase_file,
            "FIELDWARD_SERVER": None,
        }
        result = CliRunner().invoke(root, ["field", *words], input=keys, env=environ)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(
            result.exception
        )
        return result


@contextmanager
def newcomer_at(folder: Path) -> Iterator[HealthVisitor]:
    """Somebody without a device, and three children in the partition West."""
    with http_loop(folder / "loop") as loop:
        loop.load(
            child("r-ada"),
            child("r-eve", name={"family": "Okafor", "given": "Eve"}),
            child("r-ben", name={"family": "O’Brien", "given": "Ben"}, shield="raised"),
        )
        loop.partition("west", "all")
        home = folder / "home"
        home.mkdir()
        yield HealthVisitor(loop, home)


@contextmanager
def in_the_loops_time(visitor: HealthVisitor) -> Iterator[None]:
    """For the length of the block commands go by the loop's clock, and passphrases cost little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrases, "unlock_key", cheap_unlock_key)
        patch.setattr(device_module, "SystemClock", lambda: visitor.loop.clock)
        yield


@contextmanager
def synced_at(folder: Path) -> Iterator[HealthVisitor]:
    """Somebody whose device has synced, in the loop's time."""
    with newcomer_at(folder) as visitor, in_the_loops_time(visitor):
        visitor.enrols()
        visitor.does("sync")
        yield visitor


def edit_by_a_colleague(loop: HttpLoop, value: str) -> None:
    """Ben, on a device of his own, writes Ada's phone number and delivers it."""
    loop.practitioner("ben")
    with Device.enrol(
        loop.folder / "ben",
        loop.url,
        loop.code("west", practitioner="ben"),
        passphrase=PASSPHRASE,
        clock=loop.clock,
    ) as device:
        device.sync()
        with device.session(reason="clinic") as session:
            session.open("r-ada").edit(PHONE, value)
        device.sync()
