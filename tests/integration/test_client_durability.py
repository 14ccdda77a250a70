"""What of a sync is on the disk at which moment, and how often a device waits for the disk."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from client_world import World
from crashing import put_in
from faulty_disk import FaultyDisk
from fieldward_client import Device, SyncOutcome
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import CONTACT, Contact
from fieldward_client.syncing import synchronise
from fieldward_sync.access import Access


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    return world.ready()


def look_up(device: Device) -> None:
    with device.session("clinic") as session:
        session.search(family="Okafor")


def contact(world: World) -> Contact:
    stored = Folder(world.home()).load(CONTACT, Contact)
    assert stored is not None
    return stored


def fsyncs(monkeypatch: pytest.MonkeyPatch, device: Device) -> int:
    disk = FaultyDisk()
    with put_in(disk, monkeypatch):
        assert device.sync().outcome is SyncOutcome.COMPLETE
    return disk.calls.count("fsync")


def test_a_sync_waits_for_the_disk_only_where_something_follows_from_it(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each is for: the seal (1), its key erased (2), the file and its name (2), the
    distribution (2); at the end contact and time (3)."""
    world.clock.advance(seconds=60)
    assert fsyncs(monkeypatch, tablet) == 3, "nothing to deliver, nothing new"
    look_up(tablet)
    world.clock.advance(seconds=60)
    assert fsyncs(monkeypatch, tablet) == 6
    look_up(tablet)
    world.clock.advance(seconds=60)
    world.authority.set_fields("r-ben", {"name.family": "Newname"})
    world.authority.publish_all()
    assert fsyncs(monkeypatch, tablet) == 10


def test_what_the_server_permits_is_stored_with_the_answer_that_says_so(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 4: a device that dies later in that sync reads nothing when it starts again, nor
    does who was suspended (A4)."""
    monkeypatch.setattr(synchronise, "_remember", lambda *_: None)
    world.authority.changes_answer = lambda it: msgspec.structs.replace(it, suspended=("p-1",))
    tablet.sync()
    assert (contact(world).access, contact(world).suspended) == ("active", ("p-1",))
    world.authority.devices["d-1"].access = Access.PAUSED
    tablet.sync()
    assert contact(world).access == "paused"


def test_a_device_that_forgets_how_far_its_journal_had_come_delivers_it_again(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariants 1 and 8: it is stored at the end of a sync, and whoever dies before repeats it."""
    look_up(tablet)
    with monkeypatch.context() as patch:
        patch.setattr(synchronise, "_remember", lambda *_: None)
        assert tablet.sync().look_ups_sent == 1
    assert contact(world).journal_next == 0
    tablet.close()
    with world.open() as device:
        report = device.sync()
        assert (report.outcome, report.look_ups_sent) == (SyncOutcome.COMPLETE, 1)
        assert contact(world).journal_next == 1
        assert device.sync().look_ups_sent == 0
