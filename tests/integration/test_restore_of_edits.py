"""After a restore devices deliver again what the backup lacks (invariants 1, 8 and 11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caseloads import holding, require_complete
from children import PHONE
from databases import NewDatabase
from fieldward_client import Device, SyncOutcome
from fieldward_sync.errors import RefusedByServer
from loop import Loop, Wire
from restoring import edits_here, phones, require_whole_journal, three_children, write


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    with three_children(tmp_path / "loop", new_database()) as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    with holding(loop, "ann", "caseload") as ann:
        yield ann


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
