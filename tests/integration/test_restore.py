"""A restore as such: what it begins from, and where it is broken off (invariant 11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caseloads import holding, require_complete
from children import AUTHORITY, stranger
from databases import NewDatabase
from fieldward_client import Device, SyncOutcome
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.storage import authorities
from fieldward_sync.errors import CallerMistake, RetryLater
from loop import Loop, Wire
from restoring import command, edits_here, require_whole_journal, shielded, three_children, write


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    with three_children(tmp_path / "loop", new_database()) as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    with holding(loop, "ann", "caseload") as ann:
        yield ann


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
        "fieldward_server.services.upkeep.restoration._raise_incarnation",
        "fieldward_server.services.upkeep.restoration._hold_shields",
        "fieldward_server.services.upkeep.restoration._hold_devices",
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
