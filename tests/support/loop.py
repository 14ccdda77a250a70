"""The whole loop in one process: the real application and services, real devices, a clock to move.

Devices reach the application through its WSGI interface. A ``Wire`` can lose a request, lose an
answer, or deliver a request twice: whatever signal does in the field.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flask import Flask

from children import AUTHORITY
from field_device import HOST
from fieldward_client import Device
from fieldward_client.wire.transport import HttpAnswer
from fieldward_server import create_app
from fieldward_server.api.context import service_of
from fieldward_server.assembly import assemble, migrate
from fieldward_server.backups import restore_backup, write_backup
from fieldward_server.config import load_config
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.loading import LineVerdict
from fieldward_sync.clock import Reading
from fieldward_sync.errors import RetryLater
from fieldward_sync.keys import Argon2Cost
from hand_timer import YEARS, HandTimer
from loop_hand import PASSPHRASE
from service_world import World

CHEAP = Argon2Cost(memory_kib=64, iterations=1, lanes=1)


@contextmanager
def cheap_passphrases() -> Iterator[None]:
    """Where guessing is not what is tested: the floor of its cost has tests of its own."""
    with (
        patch("fieldward_sync.keys.ARGON2_FLOOR", CHEAP),
        patch("fieldward_client.keys.passphrases.ARGON2_FLOOR", CHEAP),
    ):
        yield


@dataclass
class MovingClock:
    """The time, for server and devices alike, moved by hand."""

    wall: int = field(default_factory=lambda: int(time.time()))
    boot: str = "boot-1"

    def now(self) -> int:
        return self.wall

    def reading(self) -> Reading:
        return Reading(wall=self.wall, since_boot=self.wall - 1_000_000_000, boot=self.boot)


class Wire:
    """A device's way to the application. Set ``fault`` and the next request suffers it.

    A request that is delivered late arrives after the one that follows it; nobody hears its answer.
    """

    authority = HOST

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.fault: str | None = None
        self._spared = 0
        self._late: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.posts = 0
        self.fetched_bytes = 0

    def fail(self, fault: str, *, after: int) -> None:
        """Let a request suffer this, once so many others have gone well."""
        self.fault, self._spared = fault, after

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        self.posts += 1
        fault = None
        if self._spared:
            self._spared -= 1
        else:
            fault, self.fault = self.fault, None
        if fault == "lose request":
            raise RetryLater("offline", "Lost on the way there.")
        if fault == "deliver late":
            self._late.append((path, body, headers))
            raise RetryLater("offline", "Still on the way there.")
        answer = self._send(path, body, headers)
        while self._late:
            assert self._send(*self._late.pop()).status in (200, 401, 409)
        if fault == "repeat request":
            answer_again = self._send(path, body, headers)
            assert answer_again.status in (200, 409)
        if fault == "lose answer":
            raise RetryLater("offline", "Lost on the way back.")
        assert len(answer.body) <= max_bytes
        return answer

    def fetch(self, path: str, *, offset: int) -> Iterator[tuple[int, bytes]]:
        answer = self._loop.app.test_client().get(
            path, headers={"Range": f"bytes={offset}-"} if offset else {}
        )
        if answer.status_code not in (200, 206):
            raise RetryLater("file-unavailable", str(answer.status_code))
        content = answer.data
        answer.close()
        self.fetched_bytes += len(content)
        yield (offset if answer.status_code == 206 else 0), content

    def _send(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        answer = self._loop.app.test_client().post(path, data=body, headers=dict(headers))
        names = {name.lower(): value for name, value in answer.headers.items()}
        return HttpAnswer(answer.status_code, names, answer.data)


class Loop(World):
    """The application on a world of its own, and devices on it. All go by the one clock."""

    def __init__(
        self, folder: Path, database_url: str | None = None, *, host: str = HOST, workers: int = 1
    ) -> None:
        self.folder = folder
        self.url = f"http://{host}"
        self._workers = workers
        self.clock = MovingClock()
        environ = {
            "FIELDWARD_DATA_FOLDER": str(folder / "server"),
            "FIELDWARD_PUBLIC_AUTHORITY": host,
        }
        if database_url is not None:
            environ["FIELDWARD_DATABASE_URL"] = database_url
        config = replace(load_config(None, environ), lease_idle_seconds=YEARS)
        migrate(config)
        self.config = config
        self._databases = 0
        self._serve()
        super().__init__(assemble(config), now=self.clock.wall)

    @property
    def now(self) -> int:
        """The clock's time."""
        return self.clock.wall

    @now.setter
    def now(self, seconds: int) -> None:
        self.clock.wall = seconds

    def close(self) -> None:
        """Let go of the database."""
        self.platform.storage.close()

    def reconnect(self) -> None:
        """What was connected to the database before may be broken: connect anew."""
        self.close()
        self.platform = assemble(self.config)

    def back_up(self, name: str = "backup") -> Path:
        """Back the database up into a folder of this name."""
        write_backup(self.config, self.folder / name, now=self.now)
        return self.folder / name

    def lose_database(self, database_url: str | None = None) -> None:
        """Go on with another database, a new file unless it is named, and nothing in it."""
        for app in self.apps:
            service_of(app).platform.storage.close()
        self.close()
        self._databases += 1
        new_file = f"sqlite:///{self.folder / 'server' / f'{self._databases}.db'}"
        self.config = replace(self.config, database_url=database_url or new_file)

    def restore(self, backup: Path, **told: Any) -> None:
        """Restore a backup into the database there is now, and serve again."""
        keys = {"root_keys": {AUTHORITY: self.secrets.root_private}, **told}
        restore_backup(self.config, backup, actor="test", now=self.now, **keys)
        self.restart()

    def restart(self) -> None:
        """Serve from the database there is now."""
        self._serve()
        self.platform = assemble(self.config)

    @property
    def app(self) -> Flask:
        """The worker whose turn it is."""
        return next(self._turns)

    def _serve(self) -> None:
        self.apps = [create_app(self.config, now=self.clock.now) for _ in range(self._workers)]
        self._turns = cycle(self.apps)

    def neighbour(self, authority: str) -> Neighbour:
        """Another authority of the same service."""
        return Neighbour(self, authority)

    def load(self, *lines: Mapping[str, object] | str) -> list[LineVerdict]:
        """Load records; each must be taken."""
        verdicts = super().load(*lines)
        refused = [verdict for verdict in verdicts if verdict.outcome == "refused"]
        assert not refused, refused
        return verdicts

    def partition(self, partition: str, *rules: str) -> None:
        """Make a partition and its files."""
        super().partition(partition, *rules)
        self.seal()

    def enrol(
        self, name: str, practitioner: str, *partitions: str, code: str = ""
    ) -> tuple[Device, Wire]:
        """A new device in a folder of its own, and its wire."""
        if not code:
            self.practitioner(practitioner)
            code = self.code(*partitions, practitioner=practitioner)
        wire = Wire(self)
        device = Device.enrol(
            self.folder / name,
            f"http://{HOST}",
            code,
            passphrase=PASSPHRASE,
            transport=wire,
            clock=self.clock,
            timer=HandTimer(),
            lock_after_seconds=YEARS,
        )
        return device, wire

    def reopen(self, name: str, wire: Wire, *, locked: bool = False) -> Device:
        """A device opened again, with its passphrase unless it is to stay locked."""
        return Device.open(
            self.folder / name,
            passphrase=None if locked else PASSPHRASE,
            transport=wire,
            clock=self.clock,
            timer=HandTimer(),
            lock_after_seconds=YEARS,
        )


class Neighbour(World):
    """Another authority of a loop's service, by the loop's clock and on its database."""

    def __init__(self, loop: Loop, authority: str) -> None:
        self._loop = loop
        super().__init__(loop.platform, now=loop.now, authority=authority)

    @property
    def platform(self) -> Platform:
        """The loop's, whichever database it is on."""
        return self._loop.platform

    @platform.setter
    def platform(self, platform: Platform) -> None:
        """It is the loop's."""

    @property
    def now(self) -> int:
        """The clock's time."""
        return self._loop.now

    @now.setter
    def now(self, seconds: int) -> None:
        self._loop.now = seconds
