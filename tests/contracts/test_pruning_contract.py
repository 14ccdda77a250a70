"""What is kept for whoever is away, as long as the longest lease and a margin, and then goes."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from children import AUTHORITY, PHONE, stranger
from field_device import FieldDevice
from fieldward_server.files import SealedFiles
from fieldward_server.services.custody.device_reports import list_devices
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.custody.wipes import order_wipe, withdraw_wipe
from fieldward_server.services.distribution import distributions, sealing
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.distribution.sealing import sweep_files
from fieldward_server.services.records.conflicts import settle
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.services.upkeep import pruning
from fieldward_server.services.upkeep.figures import read_figures
from fieldward_server.services.upkeep.pruning import (
    prune_feeds,
    prune_invitations,
    prune_keys,
    prune_notices,
)
from fieldward_server.storage import feed_changes
from fieldward_sync.access import Access
from fieldward_sync.errors import RefusedByServer, RetryLater
from fieldward_sync.leases import LeaseTerms
from partition_history import FAR_AHEAD, HOUR, LIMIT_HOURS, prune
from service_world import World

LIMIT = LIMIT_HOURS * HOUR
CHILDREN = [f"c{n:02d}" for n in range(20)]


@pytest.fixture
def device(world: World) -> FieldDevice:
    """A device that holds twenty children, in two partitions."""
    world.practitioner("p-1", vetted_until=FAR_AHEAD, trained_until=FAR_AHEAD)
    world.load(*(stranger(name) for name in CHILDREN))
    world.partition("caseload", "team:HV-1")
    world.partition("everybody", "all")
    world.seal()
    device = world.device("caseload", "everybody")
    device.sync()
    return device


def command(world: World, **about: Any) -> dict[str, Any]:
    told = {"authority": AUTHORITY, "actor": "test", "reason": "test", "now": world.now}
    return {"platform": world.platform, **told, **about}


def leave(world: World, record: str) -> None:
    """The team's work with a child ends, and an image is made without the child."""
    ended = {"service": "health-visiting", "team": "HV-1", "since": "2021-04-01"}
    world.load(stranger(record, involvements={"a1": {**ended, "ended": "2026-01-31"}}))
    world.now += 21 * HOUR
    world.seal()


def shield(world: World, record: str) -> None:
    raise_shield(**command(world, record_id=record))


def feed(world: World, partition: str = "caseload") -> list[int]:
    with world.platform.storage.reading() as transaction:
        rows = transaction.execute(
            "SELECT number FROM feed WHERE partition_id = :partition ORDER BY number",
            partition=partition,
        )
    return [row["number"] for row in rows]


def count(world: World, table: str) -> int:
    return sum(row[0] == table for row in world.written())


def kept(world: World) -> int:
    """What the figures say of the feeds' changes."""
    return sum(each.kept for each in read_figures(world.platform).partitions)


def test_a_change_goes_once_an_image_has_it_and_nobody_can_have_missed_it(
    world: World, device: FieldDevice
) -> None:
    for name in CHILDREN[:5]:
        device.edit(name, PHONE, "07700 900777")  # a quarter: a new image
    world.seal()
    device.edit("c00", PHONE, "07700 900778")  # in a segment
    world.seal()
    assert (feed(world), kept(world)) == ([2, 3, 4, 5, 6, 7], 12)
    world.now += LIMIT
    assert prune_feeds(world.platform, world.now) == 0
    world.now += 1
    assert prune_feeds(world.platform, world.now) == 10
    assert (feed(world), feed(world, "everybody"), kept(world)) == ([7], [7], 2)
    assert prune_feeds(world.platform, world.now) == 0
    device.sync()
    assert device.contents("caseload")["c00"] == world.view("c00")


def test_pruning_goes_in_small_steps_and_one_that_is_broken_off_leaves_no_hole(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CHILDREN[:5]:
        device.edit(name, PHONE, "07700 900777")
    world.seal()
    world.now += LIMIT + 1
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)
    forget, calls = feed_changes.forget, []

    def broken_off(*args: Any, **about: Any) -> int:
        calls.append(about["at_most"])
        removed: int = forget(*args, **about)
        if len(calls) == 2:
            raise RetryLater("database-busy", "The database cannot take this now.")
        return removed

    with monkeypatch.context() as patch:
        patch.setattr(feed_changes, "forget", broken_off)
        with pytest.raises(RetryLater):
            prune_feeds(world.platform, world.now)
    assert (calls, feed(world)) == ([2, 2], [4, 5, 6])
    assert prune_feeds(world.platform, world.now) == 3 + 5
    assert feed(world) == []


def test_what_a_lease_may_have_missed_is_kept_though_it_was_given_under_another_setting(
    world: World, device: FieldDevice
) -> None:
    """Somebody shortens leases, and with them what is kept: those that were given run on."""
    long = LeaseTerms(destroys_seconds=60 * 24 * HOUR)
    world.platform = replace(world.platform, lease_terms=long)
    away = world.device("caseload")
    away.sync()
    world.platform = replace(world.platform, lease_terms=LeaseTerms())
    leave(world, "c01")
    world.now += LIMIT + HOUR
    assert prune_feeds(world.platform, world.now) == 0
    shield(world, "c01")
    assert away.name in {each.device for each in reached(world, "c01")}
    world.seal()
    world.now += 60 * 24 * HOUR
    assert prune_feeds(world.platform, world.now) > 0
    away.sync()
    assert away.contents("caseload").keys() == {*CHILDREN} - {"c01"}


def reached(world: World, record: str) -> list[Any]:
    found = find_reached(world.platform, authority=AUTHORITY, record=record, now=world.now)
    return [each for each in found if each.partition == "caseload"]


@pytest.mark.parametrize("beyond", [-1, 1])
def test_who_may_still_have_a_child_that_left_and_was_shielded_later_is_named_until_the_limit(
    world: World, device: FieldDevice, beyond: int
) -> None:
    """H7: the image there is has forgotten the child; a device that was not heard of has not. A
    family that moves away is shielded after it has moved."""
    leave(world, "c01")
    left_at = world.now - 21 * HOUR
    world.now = left_at + LIMIT + beyond
    prune(world)
    shield(world, "c01")
    assert [each.device for each in reached(world, "c01")] == [device.name] * (beyond < 0)
    row = world.stored_partition("caseload")
    assert (row.redaction_feed > row.image_feed) == (beyond < 0)


@pytest.mark.parametrize("beyond", [-HOUR, HOUR])
def test_a_device_that_comes_back_around_the_limit_gets_a_full_answer(
    world: World, device: FieldDevice, beyond: int
) -> None:
    """Changes, removals, redactions, a lost partition, a notice and an order: all of it missed."""
    other = world.device("caseload", practitioner="p-1")
    other.sync()
    lost_at = world.now
    colleague(world)
    about = {"device": device.name, "practitioner": "p-1", "partition": "everybody"}
    take(**command(world, **about))
    leave(world, "c01")
    shield(world, "c02")
    set_access(**command(world, device=device.name, access=Access.PAUSED))
    set_access(**command(world, device=device.name, access=Access.ACTIVE))
    world.seal()
    for _ in range(4):
        world.now += 4 * 24 * HOUR
        world.seal()
        prune(world)
    world.now = lost_at + LIMIT + beyond
    prune(world)
    assert device.lease is not None
    assert device.lease.state(world.now).value == "destroyed"
    answer = device.sync()
    assert answer.lease is not None
    assert [notice.kind for notice in answer.notices] == ["settled"]
    assert answer.orders
    assert device.distribution is not None
    assert [each.partition for each in device.distribution.manifests] == ["caseload"]
    assert device.distribution.lost == ("everybody",)
    contents = device.contents("caseload")
    assert contents.keys() == {*CHILDREN} - {"c01"}
    assert all(view == world.view(record) for record, view in contents.items())
    assert contents["c02"].shielded
    world.now += 61
    device.sync()
    assert {e.device: e.stage for e in reached(world, "c02")}[device.name] == "gone"


def colleague(world: World) -> None:
    """Somebody settles a conflict over what ``p-1`` wrote."""
    first, second = (world.device("caseload") for _ in range(2))
    first.sync()
    second.sync()
    shown = [value.number for value in world.view("c03").at(PHONE)]
    first.edit("c03", PHONE, "07700 900001", shown=shown)
    second.edit("c03", PHONE, "07700 900002", shown=shown)
    settle(
        **command(world, reason="confirmed-by-family"),
        record="c03",
        path=PHONE,
        shown=[value.number for value in world.view("c03").at(PHONE)],
        value="07700 900002",
    )


def test_a_notice_goes_once_it_was_read_and_waits_for_whoever_can_still_be_told(
    world: World, device: FieldDevice
) -> None:
    colleague(world)
    (notice,) = device.sync().notices
    world.now += LIMIT + 1
    assert prune_notices(world.platform, world.now) == 0
    device.sync(notices_read=(notice.id,))
    assert prune_notices(world.platform, world.now) == 0
    world.now += LIMIT + 1
    assert prune_notices(world.platform, world.now) == 1
    assert count(world, "notice") == 0


def test_a_notice_waits_for_who_has_a_device_that_was_not_wiped_after_all(
    world: World, device: FieldDevice
) -> None:
    colleague(world)
    world.now += LIMIT + 1
    for name in {each.device for each in list_devices(world.platform, AUTHORITY, now=world.now)}:
        order_wipe(**command(world, device=name))
        withdraw_wipe(**command(world, device=name))
    assert prune_notices(world.platform, world.now) == 0
    order_wipe(**command(world, device=device.name))
    assert prune_notices(world.platform, world.now) == 0
    assert len(device.world.device("caseload").sync().notices) == 1


def test_keys_of_which_no_listed_file_needs_one_go_and_all_that_is_held_opens(
    world: World, device: FieldDevice
) -> None:
    other = world.device("caseload")
    take(**command(world, device=other.name, practitioner="p-1", partition="caseload"))
    assert prune_keys(world.platform, world.now) == 0  # the files are of the first epoch
    world.load(stranger("c00", sex="male"))
    world.seal()
    assert prune_keys(world.platform, world.now) == 0  # so is the image beside its segment
    shield(world, "c01")
    assert prune_keys(world.platform, world.now) == 0
    world.seal()
    assert prune_keys(world.platform, world.now) == 2 + 1
    device.sync()
    assert device.contents("caseload")["c01"].shielded
    assert prune_keys(world.platform, world.now) == 0


def test_an_invitation_that_ran_out_long_ago_goes(world: World, device: FieldDevice) -> None:
    code = world.code("caseload")
    world.now += 3600 + LIMIT
    assert prune_invitations(world.platform, world.now) == 0
    late = FieldDevice(world)
    with pytest.raises(RefusedByServer, match="invitation-expired"):
        late.enrol(code)
    world.now += 1
    assert prune_invitations(world.platform, world.now) == 2  # and the one that was used
    with pytest.raises(RefusedByServer, match="invitation-unknown"):
        late.enrol(code)


def test_a_file_that_was_written_and_never_listed_goes_after_a_day(
    world: World, device: FieldDevice
) -> None:
    """What a sealing job leaves that is killed before it could publish."""
    files: SealedFiles = world.platform.files
    listed = {each.name for m in manifests(device) for each in m.files}
    stray = files.write(b"sealed, and then the power went")
    for name in (*listed, stray):
        path = files.path(name)
        assert path is not None
        os.utime(path, (world.now, world.now))
    world.now += sealing.KEPT_SECONDS
    assert sweep_files(world.platform, world.now) == 0
    world.now += 1
    assert sweep_files(world.platform, world.now) == 1
    assert files.path(stray) is None
    assert all(files.path(name) is not None for name in listed)


def manifests(device: FieldDevice) -> Any:
    assert device.distribution is not None
    return device.distribution.manifests


def test_what_is_left_on_the_device_is_named_before_all_else_that_was_lost(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only so many are named, and a device refuses a list that leaves out what it holds."""
    monkeypatch.setattr(distributions, "MAX_MANIFESTS", 1)
    about = {"device": device.name, "practitioner": "p-1"}
    take(**command(world, **about, partition="everybody"))
    for partition in ("later", "latest"):
        world.now += HOUR
        world.partition(partition, "team:HV-9")
        grant(**command(world, **about, partition=partition))
        take(**command(world, **about, partition=partition))
    device.sync()
    assert device.distribution is not None
    assert device.distribution.lost == ("everybody",)


def test_an_order_waits_however_long_the_device_is_away(world: World, device: FieldDevice) -> None:
    order_wipe(**command(world, device=device.name))
    world.now += 10 * LIMIT
    prune(world)
    assert len(device.sync(role="device").orders) == 1
