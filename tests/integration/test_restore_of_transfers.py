"""A child moved after the backup: after its restore one authority is responsible, and it is the one
that had taken the child over (D6, R8, invariants 1 and 5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from broken_commits import failing_commit, killed_after_the_commit
from children import AUTHORITY, PHONE, stranger
from databases import NewDatabase
from fieldward_server.register_entries import Moved
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.records.known_records import find_records
from fieldward_server.services.records.merges import merge
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_server.services.records.transfers import accept, list_transfers, offer, withdraw
from fieldward_server.services.registering import write_register
from fieldward_sync.errors import RetryLater
from loop import Loop
from service_world import World

LEEDS = "E08000035"
BRADFORD = "E08000032"


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    """A server with a child in one authority's caseload, of three that there are."""
    made = Loop(tmp_path / "loop", new_database())
    made.load(stranger("r"), stranger("s"))
    made.partition("ours", "team:HV-1")
    yield made
    made.close()


@pytest.fixture
def leeds(loop: Loop) -> World:
    made = loop.neighbour(LEEDS)
    made.partition("theirs", "sector:M14 5")
    return made


@pytest.fixture
def bradford(loop: Loop) -> World:
    return loop.neighbour(BRADFORD)


def told(loop: Loop, authority: str) -> dict[str, Any]:
    return {
        "platform": loop.platform,
        "authority": authority,
        "actor": "jo",
        "reason": "moved-house",
        "now": loop.now,
    }


def move(loop: Loop, giver: str, taker: str, record: str = "r") -> None:
    offer(**told(loop, giver), record=record, taker=taker)
    accept(**told(loop, taker), record=record, giver=giver)
    loop.clock.wall += 60


def lose_and_restore(loop: Loop, backup: Path, database_url: str, *worlds: World) -> None:
    loop.lose_database(database_url)
    loop.restore(backup, root_keys=roots(loop, *worlds))


def roots(*worlds: World) -> dict[str, bytes]:
    return {world.authority: world.secrets.root_private for world in worlds}


def responsible(*worlds: World, record: str = "r") -> list[str]:
    found = []
    for world in worlds:
        with world.platform.storage.reading() as transaction:
            known = find_records(transaction, world.authority, [record]).get(record)
        if known is not None and not known.is_closed:
            found.append(world.authority)
    return found


def test_a_child_that_moved_after_the_backup_is_where_it_moved_to(
    loop: Loop, leeds: World, bradford: World, new_database: NewDatabase
) -> None:
    backup = loop.back_up()
    move(loop, AUTHORITY, LEEDS)
    move(loop, LEEDS, BRADFORD)
    before = bradford.view("r")
    lose_and_restore(loop, backup, new_database(), leeds, bradford)
    assert responsible(loop, leeds, bradford) == [BRADFORD]
    assert bradford.view("r") == before
    for world in (loop, leeds, bradford):
        states = list_transfers(world.platform, world.authority, which="all")
        assert {it.state for it in states} == {"accepted"}


def test_a_child_that_came_home_after_the_backup_is_at_home(
    loop: Loop, leeds: World, bradford: World, new_database: NewDatabase
) -> None:
    move(loop, AUTHORITY, LEEDS)
    backup = loop.back_up()
    move(loop, LEEDS, AUTHORITY)
    lose_and_restore(loop, backup, new_database(), leeds, bradford)
    assert responsible(loop, leeds, bradford) == [AUTHORITY]
    assert loop.view("r").values
    assert loop.view_partitions("r") == ("ours",)


def test_a_shield_that_was_raised_after_the_backup_holds_where_the_child_is(  # H1, H5
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    backup = loop.back_up()
    raise_shield(**told(loop, AUTHORITY), record_id="r")
    move(loop, AUTHORITY, LEEDS)
    lose_and_restore(loop, backup, new_database(), leeds)
    assert responsible(loop, leeds) == [LEEDS]
    assert leeds.view("r").shielded
    assert leeds.view_partitions("r") == ()


def test_a_shield_that_was_released_before_the_child_moved_is_so_where_it_is(  # H5, invariant 5
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    """And one that is raised there then comes home, and does not come off by a restore."""
    raise_shield(**told(loop, AUTHORITY), record_id="r")
    backup = loop.back_up("first")
    release_shield(**told(loop, AUTHORITY), record_id="r")
    move(loop, AUTHORITY, LEEDS)
    lose_and_restore(loop, backup, new_database(), leeds)
    released = not leeds.view("r").shielded
    raise_shield(**told(loop, LEEDS), record_id="r")
    move(loop, LEEDS, AUTHORITY)
    lose_and_restore(loop, loop.back_up("second"), new_database(), leeds)
    assert (released, loop.view("r").shielded) == (True, True)


def test_what_the_backup_lacks_and_has_left_is_in_no_partition_of_the_giver(  # invariant 4
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    """Though the giver's register has its shield."""
    loop.partition("everybody", "all")
    backup = loop.back_up()
    loop.load(stranger("new"))
    raise_shield(**told(loop, AUTHORITY), record_id="new")
    move(loop, AUTHORITY, LEEDS, "new")
    lose_and_restore(loop, backup, new_database(), leeds)
    assert responsible(loop, leeds, record="new") == [LEEDS]
    assert loop.view_partitions("new") == ()


def test_what_came_home_and_is_in_no_backup_is_loaded_again(
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    """The database knows nothing of it but that it had left, before it was restored once."""
    backup = loop.back_up("first")
    loop.load(stranger("new"))
    move(loop, AUTHORITY, LEEDS, "new")
    lose_and_restore(loop, backup, new_database(), leeds)
    backup = loop.back_up("second")
    leeds.load(stranger("new", authority=LEEDS))
    move(loop, LEEDS, AUTHORITY, "new")
    lose_and_restore(loop, backup, new_database(), leeds)
    loop.load(stranger("new"))
    assert loop.view("new").text("name.family")


def test_what_was_merged_goes_where_that_goes_and_not_where_it_came_from(
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    """It had been away and come home, before it was merged into one that left: what the register
    has to say of it since stopped the restore."""
    move(loop, AUTHORITY, LEEDS, "s")
    move(loop, LEEDS, AUTHORITY, "s")
    merge(**told(loop, AUTHORITY), record="s", into="r")
    raise_shield(**told(loop, AUTHORITY), record_id="r")
    move(loop, AUTHORITY, LEEDS, "r")
    lose_and_restore(loop, loop.back_up(), new_database(), leeds)
    assert responsible(loop, leeds) == [LEEDS]
    assert leeds.view("r").shielded
    with loop.platform.storage.reading() as transaction:
        left = find_records(transaction, AUTHORITY, ["r", "s"])
    assert all(known.departed_from is not None for known in left.values())


def test_an_offer_that_waited_lapses_and_changes_nothing(
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    offer(**told(loop, AUTHORITY), record="r", taker=LEEDS)
    backup = loop.back_up()
    lose_and_restore(loop, backup, new_database(), leeds)
    assert responsible(loop, leeds) == [AUTHORITY]
    for world in (loop, leeds):
        (found,) = list_transfers(world.platform, world.authority, which="all")
        assert found.state == "lapsed"


@pytest.mark.parametrize("first", [AUTHORITY, LEEDS])
def test_whichever_is_let_serve_first_no_child_is_served_by_two(
    loop: Loop, leeds: World, new_database: NewDatabase, first: str
) -> None:
    """A restore that is broken off between the two."""
    backup, keys = loop.back_up(), roots(loop, leeds)
    move(loop, AUTHORITY, LEEDS)
    loop.lose_database(new_database())
    with patch("fieldward_server.backups.unfinished", return_value=(first,)):
        loop.restore(backup, root_keys=keys)
    serving = [world for world in (loop, leeds) if world.authority == first]
    assert responsible(*serving) == [it.authority for it in serving if it is leeds]
    with pytest.raises(RetryLater, match="restore-unfinished"):
        move(loop, AUTHORITY, LEEDS, "s")
    loop.restore(backup, root_keys=keys)
    assert responsible(loop, leeds) == [LEEDS]


def test_a_transfer_that_was_not_committed_is_not_carried_out(
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    backup = loop.back_up()
    offer(**told(loop, AUTHORITY), record="r", taker=LEEDS)
    with failing_commit(loop.platform), pytest.raises(RetryLater):
        accept(**told(loop, LEEDS), record="r", giver=AUTHORITY)
    withdraw(**told(loop, AUTHORITY), record="r", taker=LEEDS)
    lose_and_restore(loop, backup, new_database(), leeds)
    assert responsible(loop, leeds) == [AUTHORITY]


def test_a_transfer_that_was_committed_when_its_process_died_is_carried_out(
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    """Once any worker has done what it left."""
    backup = loop.back_up()
    with killed_after_the_commit():
        move(loop, AUTHORITY, LEEDS)
    assert responsible(loop, leeds) == [LEEDS]
    assert write_register(loop.platform, loop.now) == 1
    lose_and_restore(loop, backup, new_database(), leeds)
    assert responsible(loop, leeds) == [LEEDS]


@pytest.mark.parametrize(
    ("first", "written_since"), [(AUTHORITY, False), (LEEDS, False), (LEEDS, True)]
)
def test_what_waits_for_the_register_in_the_backup_counts_and_is_written_once(
    loop: Loop, leeds: World, new_database: NewDatabase, first: str, written_since: bool
) -> None:
    """The register alone would give the child to who had it before."""
    move(loop, AUTHORITY, LEEDS)
    with killed_after_the_commit():
        move(loop, LEEDS, AUTHORITY)
    backup, keys = loop.back_up(), roots(loop, leeds)
    if written_since:
        write_register(loop.platform, loop.now)
    loop.lose_database(new_database())
    with patch("fieldward_server.backups.unfinished", return_value=(first,)):
        loop.restore(backup, root_keys=keys)
    loop.restore(backup, root_keys=keys)
    assert responsible(loop, leeds) == [AUTHORITY]
    register = loop.platform.shield_register.read()
    assert sum(isinstance(entry, Moved) for entry in register) == 2
    assert write_register(loop.platform, loop.now) == 0


def test_what_the_givers_device_had_delivered_since_the_backup_waits_to_be_forwarded(
    loop: Loop, leeds: World, new_database: NewDatabase
) -> None:
    """Invariant 1: its acknowledged edit comes again, and the record has gone."""
    device, _ = loop.enrol("ann", "ann", "ours")
    device.sync()
    backup = loop.back_up()
    loop.clock.wall += 60
    with device.session(reason="home-visit") as session:
        session.open("r").edit(PHONE, "0114 496 0001")
    device.sync()
    move(loop, AUTHORITY, LEEDS)
    lose_and_restore(loop, backup, new_database(), leeds)
    device.sync()
    (kept,) = list_inbox(loop.platform, AUTHORITY)
    assert (kept.code, kept.counter) == ("record-moved", 1)
    device.close()
