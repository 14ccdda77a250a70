"""No edit, no look-up and no count of them is lost where the disk fails at any call."""

from __future__ import annotations

from contextlib import suppress

from client_world import PHONE
from crashing import Case, Crash, ready
from faulty_disk import OUTLIVED
from fieldward_client import Device


def edit_twice(case: Case, device: Device | None) -> None:
    assert device is not None
    with device.session("home-visit") as session:
        for phone in ("07700 900111", "07700 900222"):
            with suppress(*OUTLIVED):
                session.open("r-ada").edit(PHONE, phone)
                case.accepted.append(phone)


def every_accepted_edit_arrives(case: Case) -> None:
    with case.world.open() as device:
        pending = [edit.changes[PHONE] for edit in device.pending() if edit.changes]
        assert [phone for phone in pending if phone in case.accepted] == case.accepted
        with device.session("clinic") as session:
            session.open("r-ben").edit("sex", "not-specified")
        assert device.sync().outcome.value == "complete"
        assert device.status().pending_edits == 0
        said = case.world.known(device).verdicts.values()
    arrived = [proposal.changes[0].value for proposal, _ in said]
    assert [phone for phone in arrived if phone in case.accepted] == case.accepted
    assert arrived.count("not-specified") == 1
    if case.accepted:
        assert case.world.authority.value("r-ada", PHONE) in arrived[-3:]


def test_no_accepted_edit_is_lost(crash: Crash) -> None:  # P34
    crash.everywhere(ready, edit_twice, every_accepted_edit_arrives, least_points=25)


def look_up(case: Case, device: Device | None) -> None:
    assert device is not None
    with device.session("duty-desk") as session:
        for family in ("Okafor", "Whitcombe", "Nobody"):
            with suppress(*OUTLIVED):
                hits = session.search(family=family)
                case.shown.append(("search", tuple(hit.record_id for hit in hits)))
                for hit in hits:
                    case.shown.append(("open", (session.open(hit.record_id).record_id,)))
        case.world.clock.advance(seconds=1_000)  # the next look-up closes this epoch first
        with suppress(*OUTLIVED):
            case.shown.append(("open", (session.open("r-ada").record_id,)))


def everything_shown_is_on_record(case: Case) -> None:
    with case.world.open() as device:
        with device.session("clinic") as session:
            session.open("r-ben")
        report = device.sync()
        assert report.outcome.value == "complete", report
        known = case.world.known(device)
        assert known.journal.size == known.journal.sealed_size == len(known.entries)
        on_record = case.world.authority.look_ups(known.device)
    logged = [(entry.action, entry.records) for entry in on_record]
    assert logged[-1] == ("open", ("r-ben",))
    for shown in case.shown:
        assert shown in logged
        logged.remove(shown)


def test_everything_shown_is_on_record(crash: Crash) -> None:
    crash.everywhere(ready, look_up, everything_shown_is_on_record, least_points=30)


def what_is_on_record_is_spent(case: Case) -> None:
    with case.world.open(passphrase=None) as device:
        status = device.status()
        assert status.lease is not None
        assert status.look_ups >= len(case.shown)
        assert status.lease.look_ups_left == status.lease.look_ups - status.look_ups


def test_no_failure_gives_look_ups_back(crash: Crash) -> None:
    crash.everywhere(ready, look_up, what_is_on_record_is_spent, least_points=30)
