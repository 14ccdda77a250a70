"""After a restore an order of before stands as it stood last: wipes ordered, withdrawn, obeyed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from caseloads import holding, require_complete
from children import AUTHORITY
from databases import NewDatabase
from fieldward_client import Device
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import order_wipe, withdraw_wipe
from fieldward_server.storage import events, orders
from fieldward_sync.access import Access, WipeState
from fieldward_sync.errors import CallerMistake
from loop import Loop, Wire
from restoring import command, three_children


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    with three_children(tmp_path / "loop", new_database()) as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    with holding(loop, "ann", "caseload") as ann:
        yield ann


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
