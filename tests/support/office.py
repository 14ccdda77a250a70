"""A served service, and the administrators who command it from their keyboards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from children import stranger
from fieldward_server.cli import administrator_key
from fieldward_server.cli.root import root
from served import free_port, serving

PASSPHRASE = "a passphrase of the tests' own"
OF_THE_COMMAND_LINE = (
    *("FIELDWARD_SERVER", "FIELDWARD_AUTHORITY", "FIELDWARD_KEY"),
    *("FIELDWARD_PASSPHRASE_FILE", "FIELDWARD_CONFIG", "FIELDWARD_DEVICE_PASSPHRASE_FILE"),
)

EMPLOYED = ("--employer", "Community Health", "--manager", "Joan Reid")
"""What every practitioner is added with."""


class Keyboard:
    """Where somebody types commands, with settings of their own."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.settings = dict(settings)

    def types(self, *words: str, keys: str = "", **changed: str | None) -> Result:
        """Run a command, whatever comes of it."""
        nothing = dict.fromkeys(OF_THE_COMMAND_LINE)
        settings = {**nothing, **self.settings, **changed}
        return CliRunner().invoke(root, words, input=keys, env=settings)

    def does(self, *words: str, keys: str = "") -> str:
        """Run a command that succeeds, and read what it prints."""
        result = self.types(*words, keys=keys)
        assert result.exit_code == 0, result.output
        return result.stdout

    def reads(self, *words: str) -> list[dict[str, Any]]:
        """The values that a command prints for programs."""
        return [json.loads(line) for line in self.does(*words, "--json").splitlines()]

    def is_refused(self, *words: str, code: str) -> Result:
        """Run a command that is refused with this code, and is explained on stderr alone."""
        result = self.types(*words)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert f"[{code}]" in result.stderr
        return result


class Administrator(Keyboard):
    """Somebody with a key in a folder of their own, for one authority."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *, authority: str) -> None:
        self.folder = folder
        self.authority = authority
        folder.mkdir(parents=True)
        passphrase_file = folder / "passphrase"
        passphrase_file.write_text(f"{PASSPHRASE}\n")
        super().__init__(
            {
                **settings,
                "FIELDWARD_AUTHORITY": authority,
                "FIELDWARD_KEY": str(folder / "key"),
                "FIELDWARD_PASSPHRASE_FILE": str(passphrase_file),
            }
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(administrator_key, "KDF_ROUNDS", 1)  # each command opens the key
            self.does("administrator", "key")

    @property
    def public_key_file(self) -> str:
        """What they hand to whoever adds them."""
        return str(self.folder / "key.pub")

    def loads(self, *record_ids: str) -> None:
        """Load children with these ids."""
        file = self.folder / "children.ndjson"
        children = (stranger(record_id, authority=self.authority) for record_id in record_ids)
        file.write_text("".join(f"{json.dumps(each)}\n" for each in children))
        self.does("records", "load", str(file))


class Office:
    """A service at an address, on a new SQLite database."""

    def __init__(self, folder: Path, *, public: str = "") -> None:
        port = free_port()
        self.folder = folder
        self.listens_on = f"127.0.0.1:{port}"
        self.url = f"http://{public or self.listens_on}"
        self.operator = Keyboard(
            {
                "FIELDWARD_DATA_FOLDER": str(folder / "data"),
                "FIELDWARD_LISTEN_PORT": str(port),
                "FIELDWARD_PUBLIC_AUTHORITY": public,
                "FIELDWARD_SEAL_EVERY_SECONDS": "10800",
            }
        )
        self._codes = (f"E{number:08}" for number in count(9_000_001))

    @classmethod
    @contextmanager
    def open(cls, folder: Path, *, public: str = "") -> Iterator[Office]:
        """Open for the length of the block; ``public`` is where people reach it, if that is not
        where it listens."""
        office = cls(folder, public=public)
        with serving(office.operator.settings, folder / "log"):
            yield office

    def newcomer(self, authority: str | None = None) -> Administrator:
        """Somebody with a key whom nobody has added yet; of a new authority unless one is named."""
        code = authority or next(self._codes)
        folder = self.folder / f"{code}-{len(list(self.folder.iterdir()))}"
        settings = {**self.operator.settings, "FIELDWARD_SERVER": self.url}
        return Administrator(folder, settings, authority=code)

    def bootstrapped(self) -> Administrator:
        """The first administrator of a new authority, which is not founded yet."""
        mo = self.newcomer()
        mo.does("administrator", "bootstrap", "mo", "--name", "Mo Malik")
        return mo

    def administrator(self) -> Administrator:
        """The administrator of a new authority."""
        mo = self.bootstrapped()
        mo.does("authority", "create", "--name", "Sheffield", "--secrets", str(mo.folder / "keys"))
        return mo

    def settled(self) -> Administrator:
        """The same, with three children, a practitioner and a partition."""
        mo = self.administrator()
        mo.loads("r-1", "r-2", "r-3")
        mo.does(
            *("practitioner", "add", "p-17", "--name", "Ann Poole", "--role", "health-visitor"),
            *EMPLOYED,
            *("--team", "HV-1", "--vetted-until", "2099-03-31", "--trained-until", "2099-03-31"),
        )
        mo.does("partition", "create", "all-of-it", "--title", "All of it", "--rule", "all")
        return mo
