"""What was hidden, closed or taken after the backup stays so after a restore (invariants 4, 5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from caseloads import holding, require_complete
from children import AUTHORITY, child, stranger
from databases import NewDatabase
from fieldward_client import Device, SyncOutcome
from fieldward_server.register_entries import AccessChange, Shield
from fieldward_server.services.administrators import list_administrators, remove_administrator
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_access, set_cap
from fieldward_server.services.custody.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.custody.practitioners import (
    list_practitioners,
    resume_practitioner,
    suspend_practitioner,
)
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.distribution.ways import set_way
from fieldward_server.services.records.merges import merge
from fieldward_server.services.records.shields import raise_shield, release_likeness, release_shield
from fieldward_server.services.upkeep.pruning import prune_invitations
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import devices
from fieldward_sync.access import Access, WipeState
from fieldward_sync.errors import CallerMistake
from fieldward_sync.invitations import read_code
from fieldward_sync.ways import Way
from founding import let_in
from loop import Loop, Wire
from restoring import CHILDREN, command, phones, shielded, three_children
from service_world import World


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    with three_children(tmp_path / "loop", new_database()) as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    with holding(loop, "ann", "caseload") as ann:
        yield ann


def test_what_hides_and_closes_holds_before_anything_is_served(  # invariant 5
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """After the backup: a shield is raised, by an administrator or by a device; another released;
    devices are revoked, paused, wiped; a grant is taken. None of it is undone."""
    ann_device, _ = ann
    loop.partition("everybody", "all")
    raise_shield(**command(loop, record_id="r-3"))
    enrolled = {
        name: loop.enrol(name, name, "caseload", "everybody")
        for name in ("ben", "cleo", "dan", "eve")
    }
    devices = {name: device for name, (device, _) in enrolled.items()}
    require_complete(*devices.values())
    ids = {name: device.status().device for name, device in devices.items()}
    backup = loop.back_up()

    raise_shield(**command(loop, record_id="r-1"))
    release_shield(**command(loop, record_id="r-3"))
    loop.load(stranger("r-4", shield="raised"))
    with ann_device.session(reason="safeguarding") as session:
        session.open("r-2").edit("shield", "raised")
    require_complete(ann_device)
    set_access(**command(loop, device=ids["ben"]), access=Access.REVOKED)
    set_access(**command(loop, device=ids["cleo"]), access=Access.PAUSED)
    order_wipe(**command(loop, device=ids["dan"]))
    assert devices["dan"].sync().wiped
    devices["dan"].close()
    take(**command(loop, device=ids["eve"], practitioner="eve", partition="everybody"))
    loop.lose_database(new_database())
    loop.restore(backup)

    held = [shielded(loop, record) for record in (*CHILDREN, "r-4")]
    assert held == [True, True, False, True]
    for record in ("r-1", "r-2"):
        assert not loop.view(record).at("address")
    loop.seal()
    assert devices["ben"].sync().access == "revoked"
    assert devices["cleo"].sync().access == "paused"
    report = show_device(loop.platform, authority=AUTHORITY, device=ids["dan"], now=loop.now)
    assert report.wipe is not None
    assert report.wipe.state is WipeState.DONE
    assert devices["eve"].sync().lost == ("everybody",)
    with devices["eve"].session(reason="clinic") as session:
        assert session.open("r-1").shielded
    assert loop.incidents() == []
    for name in ("ben", "cleo", "eve"):
        devices[name].close()


def test_who_was_suspended_or_resumed_since_the_backup_is_so(  # A4
    loop: Loop, new_database: NewDatabase
) -> None:
    """Also who came to the authority after the backup."""
    for name in ("ben", "cleo", "dan"):
        loop.practitioner(name)
    suspend_practitioner(**command(loop, practitioner="cleo"))
    suspend_practitioner(**command(loop, practitioner="dan"))
    backup = loop.back_up()
    suspend_practitioner(**command(loop, practitioner="ben"))
    resume_practitioner(**command(loop, practitioner="cleo"))
    loop.enrol("eve", "eve", "caseload")[0].close()
    suspend_practitioner(**command(loop, practitioner="eve"))
    loop.lose_database(new_database())
    loop.restore(backup)
    suspended = {
        each.practitioner
        for each in list_practitioners(loop.platform, AUTHORITY)
        if each.suspended_at
    }
    assert suspended == {"ben", "dan", "eve"}


@pytest.mark.parametrize("released", [False, True])
def test_what_was_hidden_in_the_survivor_of_a_merge_is_in_both_if_the_backup_is_older(  # H5, C4
    loop: Loop, new_database: NewDatabase, released: bool
) -> None:
    backup = loop.back_up()
    merge(record="r-1", into="r-2", **command(loop))
    raise_shield(record_id="r-2", **command(loop))
    nurse = child("r-2")["involvements"]["a1"]  # type: ignore[index]
    loop.load(stranger("r-2", involvements={"a1": {**nurse, "consent_withdrawn": "raised"}}))
    if released:
        release_shield(record_id="r-2", **command(loop))
    loop.lose_database(new_database())
    loop.restore(backup)
    for record in ("r-1", "r-2"):
        assert shielded(loop, record) is not released
        assert phones(loop, record) == set()


def test_a_release_is_of_every_raise_that_there_was(  # H5
    loop: Loop, new_database: NewDatabase
) -> None:
    """Also of one that had been released before, while another held: it does not hold again."""
    raise_shield(**command(loop, record_id="r-1"))
    loop.load({**stranger("r-1"), "record_id": "again"})
    raise_shield(**command(loop, record_id="again"))
    release_likeness(**command(loop, record="again", like="r-1"))
    assert shielded(loop, "again")
    release_shield(**command(loop, record_id="again"))
    backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    assert shielded(loop, "r-1")
    assert not shielded(loop, "again")


def test_what_was_taken_and_given_again_with_an_invitation_is_held(
    loop: Loop, new_database: NewDatabase
) -> None:
    """Who had forgotten a passphrase came back for it, and a hand-over was prepared once more."""
    device = loop.device("caseload")
    loop.practitioner("p-2")
    take(**command(loop, device=device.name, practitioner="p-1", partition="caseload"))
    device.join(device.join_request(loop.code("caseload")))
    hand_over(loop, device.name, "p-2")
    withdraw_hand_over(**command(loop, device=device.name))
    hand_over(loop, device.name, "p-2")
    backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    report = show_device(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert [each.partitions for each in report.holders] == [("caseload",), ("caseload",)]


def test_a_hand_over_that_was_used_does_not_take_the_place_of_the_one_that_waits(
    loop: Loop, new_database: NewDatabase
) -> None:
    """Though its code has been forgotten since."""
    device = loop.device("caseload")
    for name in ("p-2", "p-3"):
        loop.practitioner(name)
    device.join(device.join_request(hand_over(loop, device.name, "p-2")))
    loop.clock.wall += 60 * 24 * 3600
    assert prune_invitations(loop.platform, loop.now) > 0
    waits = read_code(hand_over(loop, device.name, "p-3")).invitation_id
    backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    assert device.sync(role="device").hand_over_id == waits


def hand_over(loop: Loop, device: str, practitioner: str) -> str:
    """Prepare it; its code."""
    return prepare_hand_over(
        **command(loop, device=device, practitioner=practitioner),
        partitions=["caseload"],
        valid_seconds=3600,
    ).code


def test_no_file_that_was_sealed_before_the_restore_is_handed_out(  # invariant 5
    loop: Loop, new_database: NewDatabase
) -> None:
    """It would show the child whose shield the register brought back."""
    device, _ = loop.enrol("new", "new", "caseload")
    backup = loop.back_up()
    raise_shield(**command(loop, record_id="r-1"))
    loop.lose_database(new_database())
    loop.restore(backup)
    device.sync()
    assert device.status().partitions == ()
    loop.seal()
    require_complete(device)
    with device.session(reason="clinic") as session:
        assert session.open("r-1").shielded
    device.close()


def test_a_key_epoch_after_a_restore_has_a_number_that_none_had_before(
    loop: Loop, new_database: NewDatabase
) -> None:
    """Devices hold keys of the epochs that were begun since the backup: other keys than those."""
    backup = loop.back_up()
    for record in CHILDREN:
        raise_shield(**command(loop, record_id=record))
    lost = loop.stored_partition("caseload").key_epoch
    loop.lose_database(new_database())
    loop.config.shield_register_file.unlink()
    loop.restore(backup, without_register=True)
    assert loop.stored_partition("caseload").key_epoch > lost


@pytest.mark.parametrize("enrolled_again", ["before the backup", "after it"])
def test_a_generation_that_has_a_next_one_reads_on_no_more(
    loop: Loop, new_database: NewDatabase, enrolled_again: str
) -> None:
    """Though the register's last word on its access alone was that it is active."""
    device = loop.device("caseload")
    for access in (Access.PAUSED, Access.ACTIVE):
        set_access(**command(loop, device=device.name), access=access)
    if enrolled_again == "after it":
        backup = loop.back_up()
    device.enrol(loop.code("caseload"))
    if enrolled_again == "before the backup":
        backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    with loop.platform.storage.reading() as transaction:
        stored = devices.of_authority(transaction, AUTHORITY)
    assert [each.access for each in stored] == ["draining", "active"]


def test_what_a_second_host_wrote_earlier_takes_nothing_off(  # invariant 5
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase, tmp_path: Path
) -> None:
    """Two hosts' registers say nothing of which entry came first."""
    device, _ = ann
    name = device.status().device
    backup = loop.back_up()
    raise_shield(**command(loop, record_id="r-1"))
    release_shield(**command(loop, record_id="r-1"))
    raise_shield(**command(loop, record_id="r-1"))
    for access in (Access.PAUSED, Access.ACTIVE, Access.REVOKED):
        set_access(**command(loop, device=name), access=access)
    entries = loop.platform.shield_register.read()
    elsewhere = [
        entry
        for entry in entries
        if (isinstance(entry, Shield) and not entry.raised)
        or (isinstance(entry, AccessChange) and entry.access != "revoked")
    ]
    assert len(elsewhere) == 3
    loop.config.shield_register_file.unlink()
    loop.platform.shield_register.append(*(each for each in entries if each not in elsewhere))
    other = ShieldRegister(tmp_path / "other", loop.platform.master_keys, entropy=os.urandom)
    other.append(*elsewhere)
    loop.lose_database(new_database())
    loop.restore(backup, other_registers=[other.path])
    assert shielded(loop, "r-1")
    report = show_device(loop.platform, authority=AUTHORITY, device=name, now=loop.now)
    assert report.access is Access.REVOKED


def test_what_one_host_closed_last_another_that_opened_it_before_does_not_open(
    loop: Loop, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Invariant 4: the registers of both are given, in whichever order."""
    loop.partition("second", "team:HV-1")
    device = loop.device("caseload")
    backup = loop.back_up()
    about = {"device": device.name}
    suspend_practitioner(**command(loop, practitioner="p-1"))
    set_access(**command(loop, **about), access=Access.PAUSED)
    set_way(**command(loop, partition="second", way="tethered"))
    first = loop.platform.shield_register.read()
    resume_practitioner(**command(loop, practitioner="p-1"))
    grant(**command(loop, **about, practitioner="p-1", partition="second"))
    set_access(**command(loop, **about), access=Access.ACTIVE)
    change_partition(**command(loop, partition="second"), rules=["all"])
    set_way(**command(loop, partition="second", way="warm"))
    set_cap(**command(loop, **about), record_cap=20_000)
    opened = loop.platform.shield_register.read()[len(first) :]
    suspend_practitioner(**command(loop, practitioner="p-1"))
    take(**command(loop, **about, practitioner="p-1", partition="second"))
    set_access(**command(loop, **about), access=Access.PAUSED)
    change_partition(**command(loop, partition="second"), rules=["team:HV-9"])
    set_way(**command(loop, partition="second", way="tethered"))
    set_cap(**command(loop, **about), record_cap=10)
    closed = loop.platform.shield_register.read()[len(first) + len(opened) :]
    loop.config.shield_register_file.unlink()
    loop.platform.shield_register.append(*first, *closed)
    other = ShieldRegister(tmp_path / "other", loop.platform.master_keys, entropy=os.urandom)
    other.append(*opened)
    loop.lose_database(new_database())
    loop.restore(backup, other_registers=[other.path])
    report = show_device(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert (report.access, report.record_cap) == (Access.PAUSED, 10)
    assert [(it.partitions, it.suspended) for it in report.holders] == [(("caseload",), True)]
    second = loop.stored_partition("second")
    assert (second.records, second.way) == (0, "tethered")


def test_rules_and_caps_that_were_changed_after_the_backup_hold(  # invariant 4, D6
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """A child that a device lost by other rules does not come back to it by a restore."""
    device, _ = ann
    name = device.status().device
    loop.load(stranger("r-4", involvements={}))
    backup = loop.back_up()
    change_partition(**command(loop, partition="caseload"), rules=["all"])
    change_partition(**command(loop, partition="caseload"), rules=["team:HV-9"])
    set_cap(**command(loop, device=name), record_cap=20_000)
    ben = loop.device("caseload", record_cap=4)
    loop.lose_database(new_database())
    loop.restore(backup)
    assert loop.stored_partition("caseload").records == 0
    loop.load(stranger("r-5"))
    assert loop.stored_partition("caseload").records == 0, "the rules are the new ones"
    loop.seal()
    require_complete(device)
    with device.session(reason="home-visit") as session, pytest.raises(CallerMistake):
        session.open("r-1")
    caps = [
        show_device(loop.platform, authority=AUTHORITY, device=each, now=loop.now).record_cap
        for each in (name, ben.name)
    ]
    assert caps == [20_000, 4]


def test_a_partition_that_was_tethered_after_the_backup_stays_so(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """What was taken off every disk does not come back to one by a restore (design §7)."""
    device, _ = ann
    backup = loop.back_up()
    set_way(**command(loop, partition="caseload"), way="tethered")
    require_complete(device)
    loop.lose_database(new_database())
    loop.restore(backup)
    loop.seal()
    require_complete(device)
    assert [each.way for each in device.status().partitions] == [Way.TETHERED]


def test_a_partition_that_was_made_after_the_backup_is_named_as_lost_and_holds_up_no_list(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """Its holders would take no list any more, nor what a shield hides in the others (H7)."""
    device, _ = ann
    backup = loop.back_up()
    again = command(loop, device=device.status().device, practitioner="ann", partition="later")
    loop.partition("later", "all")
    grant(**again)
    require_complete(device)
    loop.lose_database(new_database())
    loop.restore(backup)
    raise_shield(**command(loop, record_id="r-1"))
    loop.seal()
    report = device.sync()
    assert (report.outcome, report.lost) == (SyncOutcome.COMPLETE, ("later",))
    with device.session(reason="home-visit") as session:
        assert session.open("r-1").shielded
    loop.partition("later", "all")
    grant(**{**again, "platform": loop.platform})
    require_complete(device)
    assert [each.partition for each in device.status().partitions] == ["caseload", "later"]


def test_a_partition_without_files_holds_up_no_list_after_a_restore(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """It is too large for a device: what a shield hides in the others reaches it all the same (H7).
    Of what the device holds it loses nothing while that has no files yet."""
    device, _ = ann
    loop.load(*(stranger(f"more-{n}", involvements={}) for n in range(100)))
    World.partition(loop, "too-large", "all")
    grant(**command(loop, device=device.status().device, practitioner="ann", partition="too-large"))
    require_complete(device)
    backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    raise_shield(**command(loop, record_id="r-1"))
    assert device.sync().outcome is not SyncOutcome.DISTRUSTED
    assert [each.partition for each in device.status().partitions] == ["caseload"]
    with (
        patch("fieldward_sync.distribution.MAX_OPENED_BYTES", 32 * 1024),
        pytest.raises(CallerMistake, match="file-too-large"),
    ):
        loop.seal()
    require_complete(device)
    with device.session(reason="home-visit") as session:
        assert session.open("r-1").shielded


def test_an_administrator_removed_after_the_backup_does_not_come_back(
    loop: Loop, new_database: NewDatabase
) -> None:
    let_in(loop.platform, AUTHORITY, now=loop.now, administrator="bo-lee")
    backup = loop.back_up()
    remove_administrator(**command(loop, administrator="bo-lee"))
    loop.lose_database(new_database())
    loop.restore(backup)
    (bo,) = [
        it for it in list_administrators(loop.platform, AUTHORITY) if it.administrator == "bo-lee"
    ]
    assert bo.removed_at is not None
