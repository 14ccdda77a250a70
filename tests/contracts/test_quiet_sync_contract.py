"""What does not grow (invariant 10): a sync with nothing new, a further device of a partition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from children import child
from field_device import FieldDevice
from fieldward_server.services.exchange.synchronisation import synchronise
from fieldward_server.storage import Transaction
from fieldward_server.storage.driver import Row, Value
from fieldward_sync.encoding import encode
from fieldward_sync.messages import SyncAnswer
from service_world import World

FEW, MANY = 5, 60


@dataclass
class Work:
    """What the database was asked, and how much it had to answer."""

    statements: list[str] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    snapshots: int = 0
    writing: int = 0


@dataclass
class Watched:
    """A transaction whose work is counted."""

    inner: Transaction
    work: Work

    def send(self, sql: str, /, **parameters: Value | list[str]) -> Callable[[], list[Row]]:
        rows = self.execute(sql, **parameters)
        return lambda: rows

    def execute(self, sql: str, /, **parameters: Value | list[str]) -> list[Row]:
        rows = self.inner.execute(sql, **parameters)
        self.work.statements.append(sql)
        self.work.rows += len(rows)
        self.work.bytes += sum(
            len(value) for row in rows for value in row.values() if isinstance(value, bytes | str)
        )
        return rows

    def execute_many(self, sql: str, rows: Iterable[Mapping[str, Value]], /) -> None:
        self.work.statements.append(sql)
        self.inner.execute_many(sql, rows)

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Value]], /
    ) -> None:
        self.work.statements.append(table)
        self.inner.insert(table, columns, rows)

    def replace(
        self,
        table: str,
        key: Sequence[str],
        columns: Sequence[str],
        rows: Iterable[Sequence[Value]],
        /,
    ) -> None:
        self.work.statements.append(table)
        self.inner.replace(table, key, columns, rows)


class WatchedStorage:
    """A world's storage, its work counted from now on."""

    def __init__(self, world: World) -> None:
        self._storage = world.platform.storage
        self.work = Work()

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self.work.writing += 1
        with self._storage.transaction() as transaction:
            yield Watched(transaction, self.work)

    @contextmanager
    def statements(self) -> Iterator[Transaction]:
        with self._storage.statements() as transaction:
            yield Watched(transaction, self.work)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        self.work.snapshots += 1
        with self._storage.reading() as transaction:
            yield Watched(transaction, self.work)


def quiet_sync(world: World, device: FieldDevice) -> Work:
    """What one more sync of a device that has everything asks of the database."""
    device.sync(next_hpke_key=None)
    answer, work = watched_sync(world, device)
    assert (answer.distribution, answer.lease, answer.verdicts) == (None, None, ())
    return work


def watched_sync(world: World, device: FieldDevice) -> tuple[SyncAnswer, Work]:
    """One more sync, and what it asks of the database."""
    watched = WatchedStorage(world)
    platform = world.platform
    world.platform = replace(platform, storage=watched)  # type: ignore[arg-type] # a stand-in
    try:
        return device.sync(next_hpke_key=None), watched.work
    finally:
        world.platform = platform


def holding(world: World, partition: str, records: int) -> FieldDevice:
    """A device that holds so many children, in a partition of their own."""
    team = f"HV-{partition.upper()}"
    names = [f"{partition}-{number}" for number in range(records)]
    involved = {"service": "health-visiting", "team": team, "since": "2021-04-01"}
    world.load(*(child(name, involvements={"a1": involved}) for name in names))
    world.partition(partition, f"team:{team}")
    world.seal()
    device = world.device(partition)
    device.sync()
    assert len(device.contents(partition)) == records
    return device


def test_a_sync_with_nothing_new_costs_the_same_however_many_records_are_held(
    world: World,
) -> None:
    little = quiet_sync(world, holding(world, "few", FEW))
    much = quiet_sync(world, holding(world, "many", MANY))
    assert (much.statements, much.rows) == (little.statements, little.rows)
    # Ids differ in length by a letter here and there; a record's view is hundreds of bytes.
    assert abs(much.bytes - little.bytes) < 50


def test_a_sync_with_nothing_new_asks_no_more_for_many_partitions_than_for_one(  # P29
    world: World,
) -> None:
    many = [f"partition-{number}" for number in range(12)]
    for partition in many:
        world.partition(partition, "all")
    world.load(child("r"))
    world.seal()
    one, all_of_them = (world.device(*held) for held in (many[:1], many))
    for device in (one, all_of_them):
        device.sync()
    assert quiet_sync(world, all_of_them).statements == quiet_sync(world, one).statements


def test_a_sync_with_nothing_new_asks_for_its_signer_and_for_what_they_may_hold(
    world: World,
) -> None:
    device = holding(world, "few", FEW)
    signer, held = quiet_sync(world, device).statements
    assert "FROM device d" in signer
    assert "FROM partition_grant g" in held


def test_a_sync_with_nothing_new_writes_nothing(world: World) -> None:
    device = holding(world, "few", FEW)
    assert quiet_sync(world, device).writing == 0


def test_what_a_device_may_hold_is_told_of_one_moment(world: World) -> None:
    device = holding(world, "few", FEW)
    device.sync(next_hpke_key=None)
    change_and_seal(device)
    answer, work = watched_sync(world, device)
    assert answer.distribution is not None
    assert (work.snapshots, work.writing) == (1, 0)
    answer, work = watched_sync(world, device)
    assert answer.distribution is None
    assert (work.snapshots, work.writing) == (0, 0)


def change_and_seal(device: FieldDevice) -> None:
    team = {"service": "health-visiting", "team": "HV-FEW", "since": "2021-04-01"}
    device.world.load(child("few-new", involvements={"a1": team}))
    device.world.seal()


def take_few(device: FieldDevice) -> None:
    device.loses("few")


@pytest.mark.parametrize("change", [change_and_seal, take_few])
def test_what_changes_while_a_sync_is_under_way_is_told_at_once_or_at_the_next(  # invariant 4
    world: World, change: Callable[[FieldDevice], None]
) -> None:
    device = holding(world, "few", FEW)
    device.sync(next_hpke_key=None)
    request = device.request(next_hpke_key=None)
    device.counter += 1
    caller = device.authenticated(encode(request))
    change(device)
    device.take(synchronise(world.platform, caller, request, now=world.now).answer)
    device.sync(next_hpke_key=None)
    assert device.distribution is not None
    assert set(device.distribution.lost) == ({"few"} if change is take_few else set())
    assert [each.records for each in device.distribution.manifests] == (
        [] if change is take_few else [FEW + 1]
    )


def test_a_further_device_of_a_partition_seals_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = holding(world, "shared", FEW)
    before = world.stored_partition("shared")
    stored: list[object] = []
    monkeypatch.setattr(type(world.platform.files), "write", lambda *given: stored.append(given))
    second = world.device("shared")
    second.sync()
    assert second.contents("shared") == first.contents("shared")
    assert first.distribution is not None
    assert second.distribution is not None
    assert second.distribution.manifests == first.distribution.manifests
    assert world.seal() == 0
    assert stored == []
    assert world.stored_partition("shared") == before
