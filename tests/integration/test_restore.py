"""A server that comes back from a backup: devices deliver again what it lacks, and what must not be
undone is not (invariants 1, 5, 8 and 11)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from children import AUTHORITY, PHONE, child, stranger
from databases import NewDatabase
from fieldward_client import Device, SyncOutcome
from fieldward_server.services.administrators import list_administrators, remove_administrator
from fieldward_server.services.devices import set_access, set_cap, show_device
from fieldward_server.services.journals import verify_journals
from fieldward_server.services.known_records import find_records
from fieldward_server.services.merges import merge
from fieldward_server.services.partitions import take
from fieldward_server.services.rescoping import change_partition
from fieldward_server.services.shields import raise_shield, release_shield
from fieldward_server.services.ways import set_way
from fieldward_server.services.wipes import order_wipe, withdraw_wipe
from fieldward_server.shield_register import AccessChange, Shield, ShieldRegister
from fieldward_server.storage import authorities, devices, edits, events, orders
from fieldward_sync.access import Access, WipeState
from fieldward_sync.errors import CallerMistake, RefusedByServer, RetryLater
from fieldward_sync.names import device_actor
from fieldward_sync.projection import is_shielded
from fieldward_sync.ways import Way
from founding import let_in
from loop import Loop, Wire, cheap_passphrases

CHILDREN = ("r-1", "r-2", "r-3")


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    """A server with three children in one caseload."""
    with cheap_passphrases():
        made = Loop(tmp_path / "loop", new_database())
        made.load(*(stranger(record) for record in CHILDREN))
        made.partition("caseload", "team:HV-1")
        yield made
        made.close()


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """A device that holds the caseload."""
    device, wire = loop.enrol("ann", "ann", "caseload")
    require_complete(device)
    yield device, wire
    device.close()


def require_complete(*synced: Device) -> None:
    for device in synced:
        report = device.sync()
        assert report.outcome is SyncOutcome.COMPLETE, report


def write(device: Device, value: str, record: str = "r-1") -> None:
    """Look a child up and change a number."""
    with device.session(reason="home-visit") as session:
        opened = session.open(record)
        (opened.settle if PHONE in opened.conflicts else opened.edit)(PHONE, value)


def phones(loop: Loop, record: str = "r-1") -> set[object]:
    return {value.value for value in loop.view(record).at(PHONE)}


def edits_here(loop: Loop, device: Device) -> list[int]:
    """The counters of a device's edits that merged."""
    status = device.status()
    actor = device_actor(status.device, status.generation)
    with loop.platform.storage.reading() as transaction:
        return sorted(
            edit.counter
            for record in CHILDREN
            for edit in edits.of_record(transaction, AUTHORITY, record)
            if edit.actor == actor
        )


def shielded(loop: Loop, record: str) -> bool:
    with loop.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, [record])
    return is_shielded(known[record].record)


def command(loop: Loop, **about: str) -> dict[str, Any]:
    """What every command to the services is told, and what this one is about."""
    return {
        "platform": loop.platform,
        "authority": AUTHORITY,
        "actor": "test",
        "reason": "test",
        "now": loop.now,
        **about,
    }


def require_whole_journal(loop: Loop, device: Device) -> None:
    """All of the device's look-ups are here, from the first to the last."""
    status = device.status()
    (report,) = verify_journals(loop.platform, authority=AUTHORITY, device=status.device)
    assert report.size == report.sealed_size == status.look_ups
    assert report.forks == 0


def test_what_was_acknowledged_since_the_backup_comes_again(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, wire = ann
    write(device, "0114 496 0001")
    require_complete(device)
    backup = loop.back_up()
    for number in ("0114 496 0002", "0114 496 0003"):
        loop.clock.wall += 3600
        write(device, number)
        require_complete(device)
        loop.seal()
    require_complete(device)
    write(device, "0114 496 0004")  # typed, not delivered
    loop.lose_database(new_database())
    loop.restore(backup)
    assert edits_here(loop, device) == [1]
    require_complete(device)
    assert edits_here(loop, device) == [1, 2, 3, 4]
    loop.seal()
    require_complete(device)
    assert phones(loop) == {"0114 496 0004"}
    with device.session(reason="home-visit") as session:
        assert session.open("r-1")[PHONE] == "0114 496 0004"
    require_complete(device)
    require_whole_journal(loop, device)
    assert loop.incidents() == []
    assert device.status().pending_edits == device.status().refused_edits == 0
    posts = wire.posts
    require_complete(device)
    assert wire.posts == posts + 1, "nothing more is sent again"


def test_a_device_whose_server_lost_nothing_sends_nothing_again(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, wire = ann
    write(device, "0114 496 0001")
    require_complete(device)
    backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    loop.seal()
    posts = wire.posts
    report = device.sync()
    assert (report.outcome, report.edits_sent, report.look_ups_sent) == (
        SyncOutcome.COMPLETE,
        0,
        0,
    )
    assert wire.posts == posts + 2  # the second says that the files of before are gone (H7)
    assert loop.incidents() == []


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


def test_a_wipe_that_was_ordered_and_not_seen_stands(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, wire = ann
    backup = loop.back_up()
    order_wipe(**command(loop, device=device.status().device))
    loop.lose_database(new_database())
    loop.restore(backup)
    require_wiped(loop, device, wire)


@pytest.mark.parametrize("ordered_before", [True, False])
def test_a_wipe_that_was_withdrawn_stays_so(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase, ordered_before: bool
) -> None:
    """Whether the backup knows the order and not its withdrawal, or neither."""
    device, _ = ann
    wipe = command(loop, device=device.status().device)
    if ordered_before:
        order_wipe(**wipe)
    backup = loop.back_up()
    order_wipe(**wipe)
    withdraw_wipe(**wipe)
    loop.lose_database(new_database())
    loop.restore(backup)
    assert not device.sync().wiped


def test_a_wipe_that_was_ordered_again_after_its_withdrawal_stands(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, wire = ann
    wipe = command(loop, device=device.status().device)
    order_wipe(**wipe)
    withdraw_wipe(**wipe)
    backup = loop.back_up()
    order_wipe(**wipe)
    loop.lose_database(new_database())
    loop.restore(backup)
    require_wiped(loop, device, wire)


@pytest.mark.parametrize("failing", [withdraw_wipe, order_wipe])
def test_what_was_tried_in_vain_says_no_more_of_a_wipe_than_what_came_of_it(
    loop: Loop,
    ann: tuple[Device, Wire],
    new_database: NewDatabase,
    failing: Callable[..., object],
) -> None:
    """The register is written before the database, which may have been full: the same is tried
    again, and counts once."""
    device, wire = ann
    wipe = command(loop, device=device.status().device)
    backup = loop.back_up()
    for told in (order_wipe, withdraw_wipe):
        if told is failing:
            with patch.object(events, "add", side_effect=OSError("disk full")):
                for _ in range(3):
                    with pytest.raises(OSError, match="disk full"):
                        told(**wipe)
        told(**wipe)
    if failing is withdraw_wipe:
        order_wipe(**wipe)
    loop.lose_database(new_database())
    loop.restore(backup)
    if failing is withdraw_wipe:
        require_wiped(loop, device, wire)
    else:
        assert not device.sync().wiped


def test_a_wipe_that_was_obeyed_though_it_was_withdrawn_is_done_after_the_restore(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, wire = ann
    wipe = command(loop, device=device.status().device)
    backup = loop.back_up()
    order_wipe(**wipe)
    wire.fail("lose request", after=1)
    device.sync()  # it has obeyed, and its receipt was lost
    withdraw_wipe(**wipe)
    wire.fault = None
    device.close()
    with loop.reopen("ann", wire, locked=True) as locked:
        locked.sync()
    loop.lose_database(new_database())
    loop.restore(backup)
    report = show_device(loop.platform, authority=AUTHORITY, device=wipe["device"], now=loop.now)
    assert report.wipe is not None
    assert report.wipe.state is WipeState.DONE


def test_an_order_after_a_restore_has_a_number_that_none_had_before(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """Even without the register, which would give the same orders the same numbers again."""
    device, wire = ann
    name = device.status().device
    backup = loop.back_up()
    for access in (Access.PAUSED, Access.ACTIVE):
        set_access(**command(loop, device=name), access=access)
        device.sync()
    loop.lose_database(new_database())
    loop.config.shield_register_file.unlink()
    with pytest.raises(CallerMistake, match="register-missing"):
        loop.restore(backup)
    loop.restore(backup, without_register=True)
    order_wipe(**command(loop, device=name))
    require_wiped(loop, device, wire)


def require_wiped(loop: Loop, device: Device, wire: Wire) -> None:
    """The device obeys at its next contact, locked as it is, and its receipt arrives."""
    name = device.status().device
    device.close()
    locked = loop.reopen("ann", wire, locked=True)
    assert locked.sync().wiped
    locked.close()
    report = show_device(loop.platform, authority=AUTHORITY, device=name, now=loop.now)
    assert report.wipe is not None
    assert report.wipe.state is WipeState.DONE


def test_an_order_that_was_obeyed_after_the_backup_is_confirmed_again(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, _ = ann
    name = device.status().device
    set_access(**command(loop, device=name), access=Access.PAUSED)
    backup = loop.back_up()
    device.sync()
    set_access(**command(loop, device=name), access=Access.ACTIVE)
    device.sync()
    loop.lose_database(new_database())
    loop.restore(backup)
    loop.seal()
    require_complete(device)
    device.sync()
    with loop.platform.storage.reading() as transaction:
        assert orders.open_orders(transaction, AUTHORITY, name, 1) == ()


def test_a_device_is_not_told_again_what_it_was_told_before_the_backup(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    device, _ = ann
    name = device.status().device
    for access in (Access.PAUSED, Access.ACTIVE):
        set_access(**command(loop, device=name), access=access)
        device.sync()
    device.sync()
    backup = loop.back_up()
    loop.lose_database(new_database())
    loop.restore(backup)
    with loop.platform.storage.reading() as transaction:
        assert orders.open_orders(transaction, AUTHORITY, name, 1) == ()


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


def test_an_edit_over_what_only_the_lost_part_of_history_showed_is_not_lost(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """Numbers are given anew after a restore: what Ben was shown then may be called otherwise now.
    So his edit replaces none of it, and stands beside Ann's for a person to settle."""
    device, _ = ann
    ben, _ = loop.enrol("ben", "ben", "caseload")
    require_complete(ben)
    backup = loop.back_up()
    write(device, "0114 496 0001")
    require_complete(device)
    loop.seal()
    require_complete(ben)
    write(ben, "0114 496 0002")
    require_complete(ben)
    loop.lose_database(new_database())
    loop.restore(backup)
    require_complete(ben, device)
    assert phones(loop) == {"0114 496 0001", "0114 496 0002"}
    assert edits_here(loop, ben) == edits_here(loop, device) == [1]
    loop.seal()
    require_complete(ben)
    write(ben, "0114 496 0003")
    require_complete(ben)
    assert phones(loop) == {"0114 496 0003"}
    ben.close()


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


def test_the_same_backup_may_be_restored_twice(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """Each time in an incarnation of its own, whatever the backup says: the register knows."""
    device, _ = ann
    backup = loop.back_up()
    for incarnation in (2, 3):
        write(device, f"0114 496 000{incarnation}")
        require_complete(device)
        loop.lose_database(new_database())
        loop.restore(backup)
        loop.seal()
        require_complete(device)
        with loop.platform.storage.reading() as transaction:
            row = authorities.find(transaction, AUTHORITY)
        assert row is not None
        assert row.incarnation == incarnation
    loop.seal()
    require_complete(device)
    assert edits_here(loop, device) == [1, 2]
    assert loop.incidents() == []
    require_whole_journal(loop, device)


def test_a_device_enrolled_after_the_backup_is_known_again(
    loop: Loop, new_database: NewDatabase
) -> None:
    """With its person, who may be new too, and an invitation that is used up."""
    backup = loop.back_up()
    loop.practitioner("late")
    code = loop.code("caseload", practitioner="late")
    device, _ = loop.enrol("late", "late", "caseload", code=code)
    require_complete(device)
    write(device, "0114 496 0001")
    require_complete(device)
    loop.lose_database(new_database())
    loop.restore(backup)
    loop.seal()
    require_complete(device)
    assert edits_here(loop, device) == [1]
    require_whole_journal(loop, device)
    with device.session(reason="home-visit") as session:
        assert session.open("r-1")[PHONE] == "0114 496 0001"
    device.close()
    with pytest.raises(RefusedByServer, match="invitation-u"):
        loop.enrol("thief", "late", "caseload", code=code)


def test_without_the_register_a_device_enrolled_after_the_backup_is_told_to_enrol_again(
    loop: Loop, new_database: NewDatabase
) -> None:
    backup = loop.back_up()
    device, _ = loop.enrol("late", "late", "caseload")
    require_complete(device)
    loop.lose_database(new_database())
    loop.config.shield_register_file.unlink()
    loop.restore(backup, without_register=True)
    report = device.sync()
    assert report.outcome is SyncOutcome.REFUSED
    assert report.error is not None
    assert (report.error.code, "invitation" in report.error.next_step) == ("unknown-key", True)
    device.close()


def test_devices_keep_what_only_one_backup_has(
    loop: Loop, ann: tuple[Device, Wire], new_database: NewDatabase
) -> None:
    """The mark follows the last backup but one: the last may turn out not to be readable."""
    device, _ = ann
    write(device, "0114 496 0001")
    require_complete(device)
    first = loop.back_up("first")
    loop.back_up("second")
    write(device, "0114 496 0002")
    require_complete(device)
    assert device._installation.contact.kept_until == 1
    assert device._installation.contact.journal_covered == (1, 1)
    loop.lose_database(new_database())
    loop.restore(first)
    require_complete(device)
    assert edits_here(loop, device) == [1, 2]
    require_whole_journal(loop, device)


@pytest.mark.parametrize(
    "broken",
    [
        "fieldward_server.backups.migrate",
        "fieldward_server.services.restoration._raise_incarnation",
        "fieldward_server.services.restoration._hold_shields",
        "fieldward_server.services.restoration._hold_devices",
        "fieldward_server.storage.incarnations.serve",
    ],
)
def test_a_restore_broken_off_anywhere_serves_nothing_and_goes_on(
    loop: Loop,
    ann: tuple[Device, Wire],
    new_database: NewDatabase,
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device, _ = ann
    backup = loop.back_up()
    raise_shield(**command(loop, record_id="r-1"))
    write(device, "0114 496 0001", record="r-2")
    require_complete(device)
    loop.lose_database(new_database())
    with monkeypatch.context() as patch:
        patch.setattr(broken, _dies)
        with pytest.raises(Died):
            loop.restore(backup)
    loop.restart()
    report = device.sync()
    assert report.outcome is SyncOutcome.OFFLINE, report
    assert loop.seal() == 0
    with pytest.raises(RetryLater, match="restore-unfinished"):
        loop.load(stranger("r-9"))
    loop.restore(backup)
    assert shielded(loop, "r-1")
    require_complete(device)
    assert edits_here(loop, device) == [1]
    with pytest.raises(CallerMistake, match="database-not-empty"):
        loop.restore(backup)


class Died(BaseException):
    """The process is dead: nothing may catch this."""


def _dies(*_given: object, **_named: object) -> None:
    raise Died
