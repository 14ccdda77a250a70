"""Years in which devices come and go, on the real services: what grows with them, and what not."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass

from children import AUTHORITY, stranger
from field_device import FieldDevice
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_sync.access import Access
from fieldward_sync.encoding import encode
from fieldward_sync.views import View
from partition_history import FAR_AHEAD, prune
from service_world import A_YEAR_SECONDS, World

SYNCS_A_LIFE = 4
"""How often a device syncs before another takes its place."""
EDITS_A_SYNC = 2


@dataclass(frozen=True)
class Cast:
    """Who and what there is at any time."""

    devices: int
    partitions: int
    children: int
    ticks_a_year: int


@dataclass(frozen=True)
class Sizes:
    """What there is, and what travelled since the last time."""

    rows: dict[str, int]
    """By table."""
    answer_bytes: int
    """The largest answer to a sync."""
    sealed_bytes_a_record: float
    """All files that the manifests list."""
    shown_bytes_a_value: float
    """Of all views."""
    device_bytes: int
    """The largest of what the server keeps of a device's edits and counters."""
    sync_milliseconds: float
    """CPU, the device's part included."""


class Decade:
    """One authority; every child is in one team's care at any time."""

    def __init__(self, world: World, cast: Cast, *, seed: int = 7) -> None:
        self.world = world
        self.cast = cast
        self.enrolled = self.edits = 0
        self._random = random.Random(seed)
        self._since: list[tuple[int, float]] = []
        self._team = {f"c{n}": n % cast.partitions for n in range(cast.children)}
        self._stays = dict.fromkeys(self._team, 0)
        """How often a child has moved."""
        self._load(self._child(name) for name in self._team)
        for team in range(cast.partitions):
            world.practitioner(f"p-{team}", vetted_until=FAR_AHEAD, trained_until=FAR_AHEAD)
            world.partition(f"t-{team}", f"team:T-{team}")
        world.seal()
        self._devices = [self._enrol(n) for n in range(cast.devices)]

    def live(self, years: float) -> None:
        """Let so many years pass."""
        for tick in range(round(years * self.cast.ticks_a_year)):
            for number, (device, syncs) in enumerate(self._devices):
                self.world.now += 1
                if self._random.random() < 1 / 4:
                    continue  # it is away for longer
                if syncs >= SYNCS_A_LIFE:
                    self._retire(device)
                    self._devices[number] = self._enrol(number)
                    continue
                self._sync(device)
                self._devices[number] = device, syncs + 1
            self._move(max(1, self.cast.children // 100))
            if tick % 4 == 0:
                self._hide_and_show()
            self.world.seal()
            self.world.now += A_YEAR_SECONDS // self.cast.ticks_a_year
            self.world.seal()
            prune(self.world)

    def sizes(self) -> Sizes:
        """What there is now."""
        storage = self.world.platform.storage
        with storage.reading() as transaction:
            rows = {
                # Names of tables, from the database itself.
                table: transaction.execute(f"SELECT count(*) AS n FROM {table}")[0]["n"]  # noqa: S608
                for table in storage.tables()
            }
            views = [row["view"] for row in transaction.execute("SELECT view FROM record")]
            (known,) = transaction.execute(
                "SELECT max(length(edits_ahead) + length(counter_window)) AS n FROM device"
            )
        manifests = [
            each
            for device, _ in self._devices
            if device.distribution
            for each in device.distribution.manifests
        ]
        sealed = sum(file.sealed_bytes for each in manifests for file in each.files)
        since, self._since = self._since, []
        return Sizes(
            rows=rows,
            answer_bytes=max(size for size, _ in since),
            sealed_bytes_a_record=sealed / sum(each.records for each in manifests),
            shown_bytes_a_value=sum(map(len, views)) / sum(len(View.read(v).values) for v in views),
            device_bytes=known["n"],
            sync_milliseconds=1000 * sum(took for _, took in since) / len(since),
        )

    def _enrol(self, number: int) -> tuple[FieldDevice, int]:
        team = number % self.cast.partitions
        device = self.world.device(f"t-{team}", practitioner=f"p-{team}")
        device.sync()
        self.enrolled += 1
        return device, 0

    def _retire(self, device: FieldDevice) -> None:
        self._command(set_access, device=device.name, access=Access.REVOKED)

    def _sync(self, device: FieldDevice) -> None:
        """Some edits, now and then one that overlooks what stands there; and a counter that was
        reserved and never used."""
        held = device.practitioner.removeprefix("p-")
        mine = [name for name, team in self._team.items() if str(team) == held]
        if self._random.random() < 1 / 20:
            device.edit_counter += 1
        proposals = [
            device.proposal(
                name,
                f"involvements/a{self._stays[name]}.phone",
                f"07700 {self._random.randrange(10**6):06}",
                **({"shown": ()} if self._random.random() < 1 / 10 else {}),
            )
            for name in self._random.sample(mine, min(EDITS_A_SYNC, len(mine)))
        ]
        began = time.process_time()
        answer = device.sync(edits=(device.boxed(*proposals),), journal=device.journalled(1))
        took = time.process_time() - began
        assert all(verdict.outcome != "refused" for verdict in answer.verdicts)
        assert answer.access == "active"
        self.edits += len(answer.verdicts)
        read = tuple(notice.id for notice in answer.notices)
        if read:
            device.sync(notices_read=read)
        self._since.append((len(encode(answer)), took))

    def _move(self, count: int) -> None:
        """Children leave a team for another."""
        moving = self._random.sample(sorted(self._team), count)
        ending = [self._child(name, ended="2026-01-31") for name in moving]
        for name in moving:
            self._team[name] = (self._team[name] + 1) % self.cast.partitions
            self._stays[name] += 1
        for lines in (ending, [self._child(name) for name in moving]):
            self._load(lines)

    def _load(self, lines: Iterable[dict[str, object]]) -> None:
        verdicts = self.world.load(*lines)
        assert all(verdict.outcome != "refused" for verdict in verdicts)
        self.edits += len(verdicts)

    def _hide_and_show(self) -> None:
        record = self._random.choice(sorted(self._team))
        self.edits += 2
        self._command(raise_shield, record_id=record)
        self.world.seal()
        self._command(release_shield, record_id=record)

    def _child(self, name: str, ended: str | None = None) -> dict[str, object]:
        """In the care of the team of now, until it ended. What was before stays as history (D4)."""
        involvement = {
            "service": "health-visiting",
            "team": f"T-{self._team[name]}",
            "since": "2021-04-01",
            **({"ended": ended} if ended else {}),
        }
        return stranger(name, involvements={f"a{self._stays[name]}": involvement})

    def _command(self, do: object, **about: object) -> None:
        assert callable(do)
        do(
            self.world.platform,
            authority=AUTHORITY,
            actor="test",
            reason="test",
            now=self.world.now,
            **about,
        )
