"""What a device tells its practitioner of edits that were decided after their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caseloads import holding, loop_with
from children import AUTHORITY, PHONE, child
from fieldward_client import AccessClosed, Device
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.exchange.inbox import admit
from fieldward_server.services.records.conflicts import list_conflicts, settle
from fieldward_server.services.records.shields import raise_shield
from loop import Loop, Wire

COMMAND = {"authority": AUTHORITY, "actor": "jo"}
MINE, THEIRS = "07700 900777", "07700 900888"


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with loop_with(tmp_path, child("r-0"), caseload="team:HV-1") as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    with holding(loop, "ann", "caseload") as ann:
        yield ann


def write(device: Device, value: str) -> None:
    with device.session(reason="home-visit") as session:
        session.open("r-0").edit(PHONE, value)


def lose(loop: Loop, device: Device) -> None:
    """Ann and Ben write apart, and Ben's value stands."""
    ben, _ = loop.enrol("ben", "ben", "caseload")
    with ben:
        ben.sync()
        write(device, MINE)
        write(ben, THEIRS)
        device.sync()
        ben.sync()
    (conflict,) = list_conflicts(loop.platform, AUTHORITY)
    settle(
        loop.platform,
        record="r-0",
        path=PHONE,
        shown=[value.number for value in conflict.values],
        value=THEIRS,
        reason="confirmed-by-family",
        now=loop.now,
        **COMMAND,
    )


def test_an_author_is_told_once_and_it_is_never_forgotten_before(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, wire = ann
    lose(loop, device)
    assert device.status().notices == 0
    device.sync()
    assert device.status().notices == 1
    device.close()
    with loop.reopen("ann", wire, locked=True) as locked:
        assert locked.status().notices == 1  # how many, and nothing of any child
        with pytest.raises(AccessClosed):
            locked.notices()
    with loop.reopen("ann", wire) as again:
        (notice,) = again.notices()
        assert (notice.kind, notice.record_id, notice.path) == ("settled", "r-0", PHONE)
        assert (notice.edit, notice.reason) == (1, "confirmed-by-family")
        again.mark_read(notice)
        assert again.notices() == ()
        wire.fault = "lose answer"
        again.sync()
        again.sync()
        assert (again.notices(), again.status().notices) == ((), 0)


def test_a_notice_goes_when_what_it_is_about_is_hidden(  # invariant 4
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    lose(loop, device)
    device.sync()
    raise_shield(loop.platform, record_id="r-0", reason="court-order", now=loop.now, **COMMAND)
    device.sync()
    assert (device.notices(), device.status().notices) == ((), 0)


def test_a_refused_edit_that_was_let_in_is_pending_until_its_author_knows(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, wire = ann
    write(device, MINE)
    where = {"partition": "caseload", "device": device.status().device, "practitioner": "ann"}
    take(loop.platform, **where, reason="moved", now=loop.now, **COMMAND)
    device.sync()
    grant(loop.platform, **where, reason="moved", now=loop.now, **COMMAND)
    assert [edit.state for edit in device.pending()] == ["refused"]
    admit(loop.platform, number=1, reason="checked-with-author", now=loop.now, **COMMAND)
    loop.seal()
    device.sync()
    (notice,) = device.notices()
    assert (notice.kind, notice.edit, notice.path) == ("admitted", 1, None)
    assert device.status().refused_edits == 1
    device.mark_read(notice)
    device.close()
    with loop.reopen("ann", wire) as again:
        assert (again.pending(), again.status().refused_edits) == ((), 0)
        with again.session(reason="home-visit") as session:
            assert session.open("r-0")[PHONE] == MINE
