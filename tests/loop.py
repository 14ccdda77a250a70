"""The whole loop in one process: the real application and services, real devices, a clock to move.

Devices reach the application through its WSGI interface. A ``Wire`` can lose a request, lose an
answer, or deliver a request twice: whatever signal does in the field.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fieldward_client import Device
from fieldward_client.transport import HttpAnswer
from fieldward_server import create_app
from fieldward_server.assembly import assemble, migrate
from fieldward_server.config import load_config
from fieldward_server.services.authorities import AuthoritySecrets, create_authority
from fieldward_server.services.enrolment import invite
from fieldward_server.services.partitions import create_partition
from fieldward_server.services.practitioners import add_practitioner
from fieldward_server.services.records import load_records
from fieldward_server.services.sealing import seal_partitions
from fieldward_sync.clock import Reading
from fieldward_sync.errors import RetryLater

AUTHORITY = "E08000019"
HOST = "fieldward.test"
PASSPHRASE = "correct horse battery staple"
YEAR_SECONDS = 365 * 86_400


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
        self._client = loop.app.test_client()
        self.fault: str | None = None
        self._late: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.posts = 0
        self.fetched_bytes = 0

    def post(
        self, path: str, *, body: bytes, headers: Mapping[str, str], max_bytes: int
    ) -> HttpAnswer:
        self.posts += 1
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
        answer = self._client.get(path, headers={"Range": f"bytes={offset}-"} if offset else {})
        if answer.status_code not in (200, 206):
            raise RetryLater("file-unavailable", str(answer.status_code))
        content = answer.data
        answer.close()
        self.fetched_bytes += len(content)
        yield (offset if answer.status_code == 206 else 0), content

    def _send(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        answer = self._client.post(path, data=body, headers=dict(headers))
        names = {name.lower(): value for name, value in answer.headers.items()}
        return HttpAnswer(answer.status_code, names, answer.data)


class Loop:
    """A server with one authority, and devices on it."""

    def __init__(self, folder: Path, database_url: str | None = None, *, host: str = HOST) -> None:
        self.folder = folder
        self.clock = MovingClock()
        environ = {
            "FIELDWARD_DATA_FOLDER": str(folder / "server"),
            "FIELDWARD_PUBLIC_AUTHORITY": host,
        }
        if database_url is not None:
            environ["FIELDWARD_DATABASE_URL"] = database_url
        self.config = load_config(None, environ)
        migrate(self.config)
        self.app = create_app(self.config, now=self.clock.now)
        self.platform = assemble(self.config)
        self.secrets: AuthoritySecrets = create_authority(
            self.platform, code=AUTHORITY, name="Sheffield", now=self.clock.wall, actor="test"
        )

    def close(self) -> None:
        """Let go of the database."""
        self.platform.storage.close()

    def load(self, *records: Mapping[str, object]) -> None:
        """Load records; each must be taken."""
        verdicts = list(
            load_records(
                self.platform, records, authority=AUTHORITY, actor="test", now=self.clock.wall
            )
        )
        refused = [verdict for verdict in verdicts if verdict.outcome == "refused"]
        assert not refused, refused

    def partition(self, partition: str, *rules: str) -> None:
        """Make a partition and its files."""
        create_partition(
            self.platform,
            authority=AUTHORITY,
            partition=partition,
            title=partition,
            rules=rules,
            actor="test",
            now=self.clock.wall,
        )
        self.seal()

    def seal(self) -> int:
        """Run the sealing job."""
        return seal_partitions(self.platform, self.clock.wall)

    def practitioner(self, practitioner: str) -> None:
        """Add a practitioner whose vetting and training are in date."""
        add_practitioner(
            self.platform,
            authority=AUTHORITY,
            practitioner=practitioner,
            name="Ann Poole",
            role="health-visitor",
            team="HV-1",
            vetted_until=self.clock.wall + YEAR_SECONDS,
            trained_until=self.clock.wall + YEAR_SECONDS,
            actor="test",
            now=self.clock.wall,
        )

    def invite(self, practitioner: str, *partitions: str) -> str:
        """The code that enrols one device of a practitioner."""
        self.practitioner(practitioner)
        return invite(
            self.platform,
            authority=AUTHORITY,
            practitioner=practitioner,
            partitions=partitions,
            valid_seconds=3600,
            actor="test",
            now=self.clock.wall,
        )

    def enrol(self, name: str, practitioner: str, *partitions: str) -> tuple[Device, Wire]:
        """A new device in a folder of its own, and its wire."""
        code = self.invite(practitioner, *partitions)
        wire = Wire(self)
        device = Device.enrol(
            self.folder / name,
            f"http://{HOST}",
            code,
            passphrase=PASSPHRASE,
            transport=wire,
            clock=self.clock,
        )
        return device, wire

    def reopen(self, name: str, wire: Wire, *, locked: bool = False) -> Device:
        """A device opened again, with its passphrase unless it is to stay locked."""
        return Device.open(
            self.folder / name,
            passphrase=None if locked else PASSPHRASE,
            transport=wire,
            clock=self.clock,
        )


def child(record_id: str, **changes: object) -> dict[str, object]:
    """A nested record that is fit to load, of a child in the caseload of team HV-1; what is
    changed to ``None`` is left out."""
    record: dict[str, object] = {
        "record_id": record_id,
        "authority": AUTHORITY,
        "name": {"family": "Okafor", "given": "Ada"},
        "born": "2021-03-04",
        "sex": "female",
        "nhs_number_withheld": "not-known-in-time",
        "address": {"kind": "current", "lines": ["1 Moss Lane"], "postcode": "S1 2HE"},
        "carers": {"a": {"family": "Okafor", "given": "Ngozi", "relation": "mother"}},
        "involvements": {
            "hv": {
                "service": "health-visiting",
                "team": "HV-1",
                "since": "2021-03-14",
                "phone": "0114 496 0000",
            }
        },
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not None}
