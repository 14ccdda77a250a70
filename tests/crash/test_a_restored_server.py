"""What a server lacks that came back from a backup, it gets, whatever fails on the device."""

from __future__ import annotations

import pytest

from client_world import PHONE
from crashing import Case, Crash, sync
from fieldward_client import Device
from fieldward_client.logs import journal, outbox


def with_a_restored_server(case: Case) -> Device:
    """Of three edits and their look-ups the backup has the first; the third is not delivered."""
    device = case.world.ready()
    for number, delivered in (
        ("07700 900501", True),
        ("07700 900502", True),
        ("07700 900503", False),
    ):
        with device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, number)
            case.shown.append(("open", ("r-ada",)))
        case.accepted.append(number)
        if delivered:
            assert device.sync().outcome.value == "complete"
        if number == "07700 900501":
            backup = case.world.authority.back_up()
    case.world.authority.restore(backup)
    return device


def everything_is_there_again(case: Case) -> None:
    with case.world.open() as device:
        report = device.sync()
        assert report.outcome.value == "complete", report
        known = case.world.known(device)
        on_record = [(e.action, e.records) for e in case.world.authority.look_ups(known.device)]
        assert device.status().pending_edits == device.status().refused_edits == 0
        assert device.sync().edits_sent == 0
    arrived = [proposal.changes[0].value for proposal, _ in known.verdicts.values()]
    assert sorted(map(str, arrived)) == case.accepted
    assert on_record == case.shown
    assert known.journal.size == known.journal.sealed_size
    assert case.world.authority.value("r-ada", PHONE) == case.accepted[-1]


def test_a_restored_server_gets_everything_again(  # invariant 11
    crash: Crash,
) -> None:
    crash.everywhere(with_a_restored_server, sync, everything_is_there_again)


def about_to_let_go(case: Case) -> Device:
    """The first of three edits and their look-ups is in the last two backups."""
    device = case.world.ready()
    authority = case.world.authority
    for number in ("07700 900601", "07700 900602", "07700 900603"):
        with device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, number)
            case.shown.append(("open", ("r-ada",)))
        case.accepted.append(number)
        assert device.sync().outcome.value == "complete"
        authority.publish_all()
        case.backups.append(authority.back_up())
    authority.kept_until = 1
    return device


def what_the_backup_lacks_is_there_again(case: Case) -> None:
    case.world.authority.restore(case.backups[0])
    everything_is_there_again(case)


def test_letting_go_of_what_backups_have_loses_nothing_else(  # invariant 11
    crash: Crash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_BYTES", 0)
    monkeypatch.setattr(journal, "KEPT_BYTES", 0)
    crash.everywhere(about_to_let_go, sync, what_the_backup_lacks_is_there_again)
