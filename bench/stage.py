"""What is measured: a server process on a database, and devices of the SDK that call it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from bench.processor import cpu_seconds
from children import AUTHORITY
from fieldward_client import Device, HttpAnswer, HttpTransport
from fieldward_server.assembly import assemble, migrate
from fieldward_server.config import load_config
from fieldward_server.population import generate
from fieldward_server.storage import authorities
from served import Served, free_port
from service_world import World

PASSPHRASE = "a passphrase for measuring"
PHONE = "involvements/c1.phone"
"""Where each child of the caseload has a number of its own to be changed."""
WHOLE_AUTHORITY = 100_000
"""The cap of a device that may hold all there is."""
CASELOAD_TEAM = "HV-CASELOAD"
SEED = 7

_LINES_AT_ONCE = 2_000


class Stage(World):
    """One authority on a database, served by two workers of a process of their own.

    Records and files are made from here, by the services themselves, so that the server process
    does nothing but answer.
    """

    def __init__(
        self, folder: Path, database_url: str | None, changed: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.database_url = database_url
        """``None`` for SQLite."""
        address = f"127.0.0.1:{free_port()}"
        settings = {
            "FIELDWARD_DATA_FOLDER": str(folder / "server"),
            "FIELDWARD_LISTEN_PORT": address.rpartition(":")[2],
            "FIELDWARD_WORKERS": "2",
            "FIELDWARD_SEAL_EVERY_SECONDS": "10800",
            "FIELDWARD_LEASE_LOOK_UPS": "5000",
            "FIELDWARD_LOG_LEVEL": "warning",
            **(changed or {}),
        }
        if database_url is not None:
            settings["FIELDWARD_DATABASE_URL"] = database_url
        config = load_config(None, settings)
        migrate(config)
        super().__init__(assemble(config), now=int(time.time()))
        self.url = f"http://{address}"
        self.server = Served(settings, folder / "log")
        self.files_folder = config.files_folder
        self.image_seconds = 0.0
        """What it took to make and seal the largest partition's image."""

    def begin(self) -> None:
        """Found the authority, unless a run before has done so."""
        with self.platform.storage.reading() as transaction:
            founded = authorities.find(transaction, AUTHORITY)
        if founded is None:
            super().begin()

    def load_lines(self, lines: Iterable[str]) -> None:
        """Load records; each must be taken."""
        remaining = iter(lines)
        while batch := list(islice(remaining, _LINES_AT_ONCE)):
            refused = [each for each in self.load(*batch) if each.outcome == "refused"]
            if refused:
                raise RuntimeError(f"a made-up record was refused: {refused[0]}")

    def enrol(self, name: str, *held: str) -> FieldDevice:
        """A new device whose practitioner may hold these partitions."""
        self.now = int(time.time())
        wire = CountedWire(self.url)
        home = self.folder / "devices" / name
        home.parent.mkdir(exist_ok=True)
        opened = Device.enrol(
            home,
            self.url,
            self.code(*held, record_cap=WHOLE_AUTHORITY),
            passphrase=PASSPHRASE,
            name=name,
            transport=wire,
        )
        return FieldDevice(opened, wire, home)

    def server_cpu_seconds(self) -> float:
        """What the processor has done for all of the server's processes."""
        group = self.server.process_group
        return cpu_seconds(lambda process: process.group == group)


@contextmanager
def staged(folder: Path, database_url: str | None = None, **changed: str) -> Iterator[Stage]:
    """A stage whose server runs for the length of the block; other settings where they matter."""
    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage(folder, database_url, changed)
    stage.server.start()
    try:
        yield stage
    finally:
        stage.server.stop()
        stage.platform.storage.close()


@dataclass
class FieldDevice:
    """A device of the SDK, what travelled between it and the server, and where it lives."""

    device: Device
    wire: CountedWire
    home: Path

    def sync(self) -> None:
        """Sync; everything must have been done."""
        report = self.device.sync()
        if report.outcome.value != "complete":
            raise RuntimeError(f"a sync that is measured must be complete: {report}")

    def reopen(self) -> None:
        """Open it with the passphrase, once it has been closed."""
        self.device = Device.open(self.home, passphrase=PASSPHRASE, transport=self.wire)


@dataclass
class Travelled:
    """What a device's requests and their answers came to, in bytes of their bodies."""

    up: int = 0
    down: int = 0
    first_answer_at: float = 0.0
    """By ``time.perf_counter``."""

    @property
    def both_ways(self) -> int:
        """Up and down together."""
        return self.up + self.down


class CountedWire:
    """The SDK's own transport, counted."""

    def __init__(self, server_url: str) -> None:
        self._inner = HttpTransport(server_url)
        self.authority = self._inner.authority
        self.travelled = Travelled()

    def begin(self) -> Travelled:
        """Count from zero, into what is returned."""
        self.travelled = Travelled()
        return self.travelled

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        """See ``Transport.post``."""
        answer = self._inner.post(path, body=body, headers=headers, max_bytes=max_bytes)
        counted = self.travelled
        counted.first_answer_at = counted.first_answer_at or time.perf_counter()
        counted.up += len(body)
        counted.down += len(answer.body)
        return answer

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        """See ``Transport.fetch``."""
        for at, piece in self._inner.fetch(path, offset=offset):
            self.travelled.down += len(piece)
            yield at, piece


@dataclass
class Children:
    """Made-up records as lines of JSON, the first of them a team's caseload."""

    lines: list[str] = field(default_factory=list)

    @classmethod
    def made(cls, count: int, *, caseload: int) -> Children:
        """So many, the same ones each time."""
        made = cls()
        for number, record in enumerate(generate(authority=AUTHORITY, children=count, seed=SEED)):
            made.lines.append(as_line(in_caseload(record) if number < caseload else record))
        return made

    def records(self, count: int) -> list[dict[str, Any]]:
        """The first so many, nested."""
        return [json.loads(line) for line in self.lines[:count]]

    def changed(self, count: int) -> Iterator[str]:
        """So many of the caseload, each with another number to call."""
        for record in self.in_the_open(count):
            yield with_phone(record, "0114 496 0999")

    def in_the_open(self, count: int) -> Iterator[dict[str, Any]]:
        """So many records of the caseload that have no shield."""
        records = map(json.loads, self.lines)
        return islice((record for record in records if "shield" not in record), count)


def in_caseload(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with an involvement of its own that makes it one of the caseload."""
    ours = {
        "service": "health-visiting",
        "team": CASELOAD_TEAM,
        "since": "2026-01-05",
        "phone": "0114 496 0001",
    }
    return {**record, "involvements": {**record["involvements"], "c1": ours}}


def with_phone(record: Mapping[str, Any], number: str) -> str:
    """A record of the caseload with another number to call, as a line."""
    involvements = record["involvements"]
    changed = {**involvements["c1"], "phone": number}
    return as_line({**record, "involvements": {**involvements, "c1": changed}})


def as_line(record: Mapping[str, Any]) -> str:
    """As one line of JSON."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))
