"""A full disk: what has to be written down still is, for as long as room was kept for it (P34)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest

from client_world import PHONE, World
from fieldward_client import AccessClosed, Device, LocalDataDamaged, SyncOutcome
from fieldward_client.checking.check import check_folder
from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.reserve import GIVEN_BYTES, RESERVE, RESERVE_BYTES
from fieldward_client.terminal.header import header
from small_disk import SmallDisk, put_small


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    return world.ready()


@pytest.fixture
def disk(world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    """The tablet's, once something else has filled it."""
    with put_small(SmallDisk(world.home(), free=0), monkeypatch) as disk:
        yield disk


def kept(world: World) -> int:
    return Folder(world.home()).size(RESERVE)


def look_up(device: Device) -> None:
    with device.session("clinic") as session:
        session.open(session.search(family="Okafor")[0].record_id)


def test_a_sync_has_room_kept_for_what_comes_before_the_next(world: World, tablet: Device) -> None:
    assert kept(world) == RESERVE_BYTES


@pytest.mark.usefixtures("disk")
def test_all_look_ups_that_a_lease_allows_are_on_record_though_the_disk_is_full(
    world: World, tablet: Device
) -> None:
    """Invariant 2, and nobody at a doorstep is told to delete photographs first."""
    lease = tablet.status().lease
    assert lease is not None
    for _ in range(lease.look_ups_left // 2):
        look_up(tablet)
    assert 0 < kept(world) < RESERVE_BYTES
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert world.known(tablet).journal.size == lease.look_ups_left // 2 * 2


@pytest.mark.usefixtures("disk")
def test_an_edit_is_accepted_and_delivered_though_the_disk_is_full(
    world: World, tablet: Device
) -> None:
    """Invariant 1."""
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert tablet.status().pending_edits == 0


@pytest.mark.usefixtures("disk")
def test_room_is_given_back_a_little_at_a_time(world: World, tablet: Device) -> None:
    """Whatever else fills the disk would have the rest at once."""
    look_up(tablet)
    assert kept(world) == RESERVE_BYTES - GIVEN_BYTES


def test_without_room_nothing_is_shown_and_with_some_the_next_sync_keeps_it_again(
    world: World, tablet: Device, disk: SmallDisk
) -> None:
    (world.home() / RESERVE).unlink()
    disk.fill()
    with tablet.session("clinic") as session, pytest.raises(LocalDataDamaged, match="disk-refused"):
        session.search(family="Okafor")
    disk.size += 2 * RESERVE_BYTES - 1
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert kept(world) == 0, "what is left is for others too"
    disk.size += RESERVE_BYTES
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert kept(world) == RESERVE_BYTES


@pytest.mark.usefixtures("disk")
def test_what_is_fetched_never_takes_the_room_that_is_kept(world: World, tablet: Device) -> None:
    """A new image can wait; a look-up cannot."""
    part = Folder(world.home()).appended("files/0.part", renamed_later=True)
    with closing(part), pytest.raises(LocalDataDamaged, match="disk-refused"):
        part.write(b"sealed")
    assert kept(world) == RESERVE_BYTES


@pytest.mark.usefixtures("disk")
def test_what_cannot_have_room_enough_takes_none_of_what_is_kept(
    world: World, tablet: Device
) -> None:
    """A long journal that is to be written anew can wait, and looking up goes on."""
    before = Folder(world.home()).below("earlier/1")
    with pytest.raises(LocalDataDamaged, match="disk-refused"):
        before.replace("journal", bytes(RESERVE_BYTES))
    assert kept(world) == RESERVE_BYTES
    before.replace("journal", bytes(RESERVE_BYTES // 2))
    assert 0 < kept(world) < RESERVE_BYTES // 2
    look_up(tablet)


def test_a_quota_that_is_used_up_is_a_full_disk(
    world: World, tablet: Device, disk: SmallDisk
) -> None:
    disk.refusal = errno.EDQUOT
    look_up(tablet)
    assert kept(world) == RESERVE_BYTES - GIVEN_BYTES


def test_a_disk_that_does_not_say_what_is_left_hides_nothing_else(
    tablet: Device, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> NoReturn:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(disk, "disk_usage", refuse)
    status = tablet.status()
    assert status.room_left is None
    assert not any("disk" in line.plain for line in header(status))
    look_up(tablet)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE


@pytest.mark.usefixtures("disk")
def test_a_wipe_is_obeyed_though_the_disk_is_full(world: World, tablet: Device) -> None:
    world.authority.order("d-1", "wipe")
    assert tablet.sync().wiped
    assert world.authority.devices["d-1"].receipts
    with pytest.raises(AccessClosed, match="wiped"):
        tablet.session("clinic")
    assert RESERVE not in Folder(world.home()).everything()


def test_a_device_that_was_wiped_keeps_no_room(world: World, tablet: Device) -> None:
    world.authority.order("d-1", "wipe")
    assert tablet.sync().wiped
    assert kept(world) == 0


def test_what_is_kept_says_nothing_and_is_no_finding(world: World, tablet: Device) -> None:
    tablet.close()
    folder = Folder(world.home())
    assert check_folder(folder, TrustedClock(folder, world.clock)).findings == ()
    assert len(set(folder.read(RESERVE) or b"")) == 256, "else a file system may keep no room"


def test_status_says_how_much_room_is_left(tablet: Device, disk: SmallDisk) -> None:
    disk.size += 12_345
    assert tablet.status().room_left == 12_345
