"""After a restore nothing is claimed of devices that only the lost database could prove (U4, H7).

Whatever a device may have been given since the backup, up to the restore, it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from children import AUTHORITY
from databases import NewDatabase
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.custody.still_held import list_loss_records, report_loss
from fieldward_server.services.distribution.partitions import grant
from fieldward_server.services.records.shields import raise_shield
from fieldward_sync.access import Access
from loop import Loop
from restoring import command, three_children

HOUR, DAY = 3600, 24 * 3600
LEASE = 3 * DAY


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    with three_children(tmp_path / "loop", new_database()) as loop:
        yield loop


def lose_and_restore(loop: Loop, backup: Path, database_url: str) -> None:
    loop.lose_database(database_url)
    loop.restore(backup)


def test_a_lease_that_was_given_since_the_backup_counts_to_its_end(
    loop: Loop, new_database: NewDatabase
) -> None:
    device = loop.device("caseload")
    device.sync()
    backup = loop.back_up()
    loop.now += 2 * DAY
    closes = loop.now + LEASE
    assert device.sync().lease is not None
    loop.now += HOUR
    lose_and_restore(loop, backup, new_database())
    loss = report_loss(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert loss.unreadable_from >= closes
    raise_shield(**command(loop, record_id="r-1"))
    loop.now += 2 * DAY
    (reached,) = find_reached(loop.platform, authority=AUTHORITY, record="r-1", now=loop.now)
    assert (reached.stage, reached.readable_until >= closes) == ("open", True)


def test_a_device_that_was_enrolled_since_the_backup_may_read_until_its_lease_ends(
    loop: Loop, new_database: NewDatabase
) -> None:
    backup = loop.back_up()
    device = loop.device("caseload")
    device.sync()
    closes = loop.now + LEASE
    loop.now += HOUR
    lose_and_restore(loop, backup, new_database())
    loss = report_loss(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert (loss.proved_by, loss.unreadable_from >= closes) == ("lease", True)
    assert all(each.readable_until >= closes for each in loss.held)


def test_a_hand_over_that_was_brought_since_the_backup_may_be_read_until_it_ends(
    loop: Loop, new_database: NewDatabase
) -> None:
    loop.practitioner("p-2")
    device = loop.device("caseload")
    device.sync()
    prepare_hand_over(
        **command(loop, device=device.name, practitioner="p-2"),
        partitions=["caseload"],
        valid_seconds=10 * DAY,
    )
    closes = loop.now + 10 * DAY
    backup = loop.back_up()
    loop.seal()
    assert device.sync().hand_over is not None
    lose_and_restore(loop, backup, new_database())
    loss = report_loss(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert loss.unreadable_from >= closes


def test_who_could_have_no_lease_since_the_backup_has_none(
    loop: Loop, new_database: NewDatabase
) -> None:
    device = loop.device("caseload")
    device.sync()
    closes = loop.now + LEASE
    set_access(**command(loop, device=device.name), access=Access.REVOKED)
    backup = loop.back_up()
    loop.now += 2 * DAY
    lose_and_restore(loop, backup, new_database())
    report = show_device(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert [each.lease_closes for each in report.holders] == [closes]


def test_what_a_device_was_given_since_the_backup_it_may_have(
    loop: Loop, new_database: NewDatabase
) -> None:
    """The grant, and what was in the partition; also what was hidden there since (H7)."""
    loop.partition("everybody", "all")
    device = loop.device()
    device.sync()
    backup = loop.back_up()
    loop.now += HOUR
    grant(**command(loop, device=device.name, practitioner="p-1", partition="everybody"))
    device.sync()
    assert set(device.contents("everybody")) == {"r-1", "r-2", "r-3"}
    loop.now += HOUR
    raise_shield(**command(loop, record_id="r-1"))
    lose_and_restore(loop, backup, new_database())
    (reached,) = find_reached(loop.platform, authority=AUTHORITY, record="r-1", now=loop.now)
    assert (reached.device, reached.stage) == (device.name, "open")
    loss = report_loss(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert [each.readable_until > loop.now for each in loss.held] == [True]
    listed = list_loss_records(loop.platform, authority=AUTHORITY, device=device.name, now=loop.now)
    assert {each.record: each.readable for each in listed} == dict.fromkeys(
        ("r-1", "r-2", "r-3"), True
    )
