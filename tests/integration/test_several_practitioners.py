"""Several practitioners on one device share sealed files and nothing else (P27, P30, P31)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseloads import anns_tablet, two_practitioners
from children import AUTHORITY, PHONE
from fieldward_client import AccessClosed, CallerMistake, Device, RefusedByServer, RetryLater
from fieldward_client.copies.hand_over import HAND_OVER
from fieldward_server.register_entries import Joined
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.practitioners import (
    resume_practitioner,
    suspend_practitioner,
)
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.events import list_events, list_incidents
from fieldward_server.services.look_ups.journals import verify_journals
from fieldward_server.shield_register import ShieldRegister
from fieldward_sync.access import Access
from loop import Loop, Wire
from loop_hand import PASSPHRASE
from restoring import command

BENS = "ben's own four words"


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Ada is in Ann's partition, Ben's, and one that both hold; each has a child besides."""
    with two_practitioners(tmp_path / "loop", both="all") as loop:
        yield loop


@pytest.fixture
def shared(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """Ann enrolled the tablet for ``both``; she has typed a number that was not sent."""
    with anns_tablet(loop) as (device, wire):
        with device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, "07700 900111")
        yield device, wire


def ben_joins(loop: Loop, device: Device, *held: str) -> str:
    code = loop.code(*(held or ("both",)), practitioner="ben")
    assert device.join(code, passphrase=BENS) == "ben"
    return code


def move(loop: Loop, device: Device, access: Access) -> None:
    set_access(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        access=access,
        actor="test",
        reason="test",
        now=loop.now,
    )


def files(loop: Loop) -> set[str]:
    return {path.name for path in (loop.folder / "tablet" / "files").iterdir()}


def test_who_joins_sees_nothing_of_who_was_here(  # P27, P30
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    ben_joins(loop, device, "nurses")
    status = device.status()
    assert (status.practitioner, status.locked) == ("ben", False)
    assert (status.pending_edits, device.pending(), status.partitions) == (0, (), ())
    assert (status.last_complete, status.last_tried, status.lease) == (None, None, None)
    assert device.sync().outcome.value == "complete"
    with device.session("clinic") as session:
        session.open("r-eve")
        with pytest.raises(CallerMistake, match="not-held"):
            session.open("r-ada")
        assert not session.search(family="Okafor")


def test_each_delivers_what_the_other_has_typed(  # invariant 1
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    ben_joins(loop, device)
    assert device.sync().edits_sent == 1
    loop.seal()
    device.sync()
    with device.session("clinic") as session:
        ada = session.open("r-ada")
        assert (ada[PHONE], ada.pending) == ("07700 900111", frozenset())
        ada.edit(PHONE, "07700 900222")
    device.unlock(PASSPHRASE, "ann")
    assert device.status().pending_edits == 0
    with device.session("clinic") as session:
        assert session.open("r-ada")[PHONE] == "07700 900111", "of the other's nothing is shown"
    assert device.sync().edits_sent == 1
    assert loop.view("r-ada").text(PHONE) == "07700 900222"


def test_partitions_of_both_lie_here_once_and_go_with_the_last(  # P31
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, wire = shared
    ben_joins(loop, device, "both", "nurses")
    before, fetched = files(loop), wire.fetched_bytes
    assert device.sync().outcome.value == "complete"
    nurses = files(loop) - before
    assert before < files(loop)
    size = sum((loop.folder / "tablet" / "files" / name).stat().st_size for name in nurses)
    assert wire.fetched_bytes - fetched == size, "what Ann holds was not fetched again"
    for who in ("ben", "ann"):
        take(
            loop.platform,
            authority=AUTHORITY,
            device=device.status().device,
            practitioner=who,
            partition="both",
            actor="test",
            reason="test",
            now=loop.now,
        )
        loop.seal()
        device.unlock(BENS if who == "ben" else PASSPHRASE, who)
        assert device.sync().outcome.value == "complete"
        assert (before <= files(loop)) is (who == "ben")
    assert files(loop) == nurses


def test_one_passphrase_opens_nothing_of_the_others(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, wire = shared
    ben_joins(loop, device)
    for who, passphrase in (("ann", BENS), ("ben", PASSPHRASE)):
        with pytest.raises(AccessClosed, match="passphrase-wrong"):
            device.unlock(passphrase, who)
    device.unlock(PASSPHRASE, "ann")
    found = device.status().passphrase
    assert found is not None
    assert found.wrong == 0, "each climbs a ladder of their own"
    device.close()
    with Device.open(loop.folder / "tablet", transport=wire, clock=loop.clock) as locked:
        assert locked.practitioners == ("ann", "ben")
        assert locked.status().practitioner is None
        assert locked.status().pending_edits == 1, "of all, where nobody is named"
        with pytest.raises(CallerMistake, match="practitioner-missing"):
            locked.unlock(PASSPHRASE)


def test_a_contact_of_one_tells_both_the_time_and_each_lease_keeps_its_own_end(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    """Invariant 3, V5."""
    device, wire = shared
    began = loop.now
    loop.now += 24 * 3600
    ben_joins(loop, device)
    assert device.sync().lease_renewed
    device.close()
    loop.now -= 2 * 3600
    loop.clock.boot = "boot-2"
    with Device.open(
        loop.folder / "tablet", "ann", PASSPHRASE, transport=wire, clock=loop.clock
    ) as device:
        for who, passphrase in (("ben", BENS), ("ann", PASSPHRASE)):
            device.unlock(passphrase, who)
            assert _refusal(device) == "clock-untrusted"
        device.unlock(BENS, "ben")
        device.sync()
        device.unlock(PASSPHRASE, "ann")
        assert _refusal(device) == ""
        loop.now = began + 72 * 3600
        assert _refusal(device) == "locked"
        device.unlock(PASSPHRASE, "ann")
        assert _refusal(device) == "lease-over"
        device.unlock(BENS, "ben")
        assert _refusal(device) == ""


def _refusal(device: Device) -> str:
    try:
        with device.session("clinic") as session:
            session.open("r-ada")
    except AccessClosed as e:
        return e.code
    return ""


def test_each_look_up_is_on_record_under_who_made_it(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    ben_joins(loop, device)
    device.sync()
    with device.session("clinic") as session:
        session.open("r-eve")
    assert device.sync().look_ups_sent == 1
    by, (journal,) = ("ann", "ben"), verify_journals(loop.platform, AUTHORITY)
    assert (journal.size, journal.sealed_size, journal.damage) == (len(by), len(by), "")
    assert loop.incidents() == []


def test_the_administrator_sees_both_and_that_one_came(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    ben_joins(loop, device, "nurses")
    device.sync()
    report = show_device(
        loop.platform, authority=AUTHORITY, device=device.status().device, now=loop.now
    )
    assert [holder.practitioner for holder in report.holders] == ["ann", "ben"]
    assert [holder.partitions for holder in report.holders] == [("both",), ("nurses",)]
    joined = list_events(loop.platform, AUTHORITY)[-1]
    assert (joined.action, joined.actor) == ("joined", "ben")


def test_a_broken_join_goes_on_where_it_was_and_a_code_is_used_once(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, wire = shared
    code = loop.code("both", practitioner="ben")
    for fault in ("lose request", "lose answer"):
        wire.fault = fault
        with pytest.raises(RetryLater):
            device.join(code, passphrase=BENS)
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        device.join(code, passphrase="not what was chosen")
    assert device.join(code, passphrase=BENS) == "ben"
    with pytest.raises(RefusedByServer, match="invitation-used"):
        device.join(code, passphrase=BENS)
    other, _ = loop.enrol("phone", "cat", "both")
    with other, pytest.raises(RefusedByServer, match="invitation-used"):
        other.join(code, passphrase=BENS)


def test_nobody_joins_with_another_authoritys_code_or_a_closed_device(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    with pytest.raises(CallerMistake, match="code-mistyped"):
        device.join("NOT-A-CODE", passphrase=BENS)
    code = loop.code("both", practitioner="ben")
    move(loop, device, Access.PAUSED)
    with pytest.raises(RefusedByServer, match="device-closed"):
        device.join(code, passphrase=BENS)


def test_nobody_joins_beyond_the_devices_cap(loop: Loop) -> None:
    device, _ = loop.enrol(
        "small", "ann", code=loop.code("nurses", practitioner="ann", record_cap=1)
    )
    with device, pytest.raises(RefusedByServer, match="over-cap"):
        device.join(loop.code("both", practitioner="ben"), passphrase=BENS)


def test_a_restore_knows_who_joined_since_the_backup(loop: Loop) -> None:
    device, _ = loop.enrol("tablet", "ann", code=loop.code("both", practitioner="ann"))
    with device:
        device.sync()
        backup = loop.back_up()
        ben_joins(loop, device)
        device.sync()
        with device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, "07700 900333")
        loop.lose_database()
        loop.restore(backup)
        loop.seal()
        assert device.sync().outcome.value == "complete"
    assert loop.view("r-ada").text(PHONE) == "07700 900333"


@pytest.mark.parametrize("all_given", [True, False])
def test_who_joined_with_one_host_is_known_on_a_device_enrolled_with_another(
    loop: Loop, tmp_path: Path, all_given: bool
) -> None:
    """Two hosts' registers say nothing of which entry came first; one of them may be lost."""
    backup = loop.back_up()
    device, _ = loop.enrol("tablet", "ann", code=loop.code("both", practitioner="ann"))
    with device:
        ben_joins(loop, device)
        entries = loop.platform.shield_register.read()
        loop.config.shield_register_file.unlink()
        joined = [entry for entry in entries if isinstance(entry, Joined)]
        loop.platform.shield_register.append(*joined)
        other = ShieldRegister(tmp_path / "other", loop.platform.master_keys, entropy=os.urandom)
        other.append(*(entry for entry in entries if entry not in joined))
        loop.lose_database()
        loop.restore(backup, other_registers=[other.path] if all_given else [])
        loop.seal()
        assert (device.sync().outcome.value == "complete") is all_given


# --- A practitioner who is suspended (A4) ---------------------------------------------------------


def reads(device: Device, who: str) -> bool:
    """Whether Ada is shown to them, unlocked anew."""
    device.unlock(BENS if who == "ben" else PASSPHRASE, who)
    with device.session("clinic") as session:
        if not device.status().suspended:
            session.open("r-ada")
            return True
        with pytest.raises(AccessClosed, match="access-suspended"):
            session.open("r-ada")
        return False


@pytest.mark.parametrize("who_syncs", ["ann", "ben", "nobody"])
def test_who_is_suspended_is_shut_out_by_anybodys_sync_and_a_colleague_reads_on(
    loop: Loop, shared: tuple[Device, Wire], who_syncs: str
) -> None:
    device, _ = shared
    ben_joins(loop, device)
    device.sync()
    assert (reads(device, "ann"), reads(device, "ben")) == (True, True)
    suspend_practitioner(**command(loop, practitioner="ann"))
    assert reads(device, "ann"), "the device has not heard of it"
    device.lock()
    if who_syncs != "nobody":
        device.unlock(BENS if who_syncs == "ben" else PASSPHRASE, who_syncs)
    report = device.sync()
    assert report.outcome.value == ("complete" if who_syncs == "ben" else "delivered")
    assert (reads(device, "ann"), reads(device, "ben")) == (False, True)
    device.unlock(PASSPHRASE, "ann")
    resume_practitioner(**command(loop, practitioner="ann"))
    device.sync()
    assert (reads(device, "ann"), reads(device, "ben")) == (True, True)


def test_what_is_open_closes_and_a_killed_device_remembers(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, wire = shared
    device.sync()
    with device.session("clinic") as session:
        session.open("r-ada")
        suspend_practitioner(**command(loop, practitioner="ann"))
        device.sync()
        with pytest.raises(AccessClosed, match="access-suspended"):
            session.open("r-ada")
    device.close()
    with loop.reopen("tablet", wire) as again:
        again.lock()
        assert not reads(again, "ann")


def test_what_who_is_suspended_typed_and_looked_up_comes_in(  # invariant 1
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    suspend_practitioner(**command(loop, practitioner="ann"))
    report = device.sync()
    assert (report.outcome.value, report.edits_sent, report.lease_renewed) == (
        "delivered",
        1,
        False,
    )
    assert report.look_ups_sent > 0
    assert loop.view("r-ada").text(PHONE) == "07700 900111"
    assert not reads(device, "ann")
    assert device.sync().look_ups_sent == 1, "that they tried, too"


def test_a_hand_over_that_waits_for_who_was_suspended_does_not_open(
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    """P6: nor where the file of it is still there."""
    device, wire = shared
    told = command(loop)
    code = prepare_hand_over(
        **told,
        device=device.status().device,
        practitioner="ben",
        partitions=["both"],
        valid_seconds=3600,
    ).code
    device.sync()
    waiting = loop.folder / "tablet" / HAND_OVER
    kept = waiting.read_bytes()
    suspend_practitioner(**told, practitioner="ben")
    device.sync()
    assert not waiting.exists()
    device.close()
    waiting.write_bytes(kept)
    with loop.reopen("tablet", wire) as again, pytest.raises(AccessClosed, match="suspended"):
        again.join(code, passphrase=BENS)


# --- A forgotten passphrase -----------------------------------------------------------------------


def test_a_forgotten_passphrase_costs_no_work(  # invariant 1
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    device.lock()
    code = loop.code(practitioner="ann")
    assert device.join(code, passphrase="a new one to remember") == "ann"
    (unsent,) = device.pending()
    assert (unsent.record_id, unsent.changes) == (None, None), "nobody can read it here any more"
    report = device.sync()
    assert (report.outcome.value, report.edits_sent, report.bytes_fetched) == ("complete", 1, 0)
    loop.seal()
    device.sync()
    with device.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900444")
    assert device.sync().edits_sent == 1
    assert loop.view("r-ada").text(PHONE) == "07700 900444"
    assert loop.incidents() == []
    assert "keys-replaced" in [event.action for event in list_events(loop.platform, AUTHORITY)]
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        device.unlock(PASSPHRASE)


def test_the_keys_of_before_open_nothing_at_the_server(
    loop: Loop, shared: tuple[Device, Wire], tmp_path: Path
) -> None:
    device, wire = shared
    device.lock()
    shutil.copytree(loop.folder / "tablet", tmp_path / "copy")
    device.join(loop.code(practitioner="ann"), passphrase="a new one to remember")
    with Device.open(
        tmp_path / "copy", passphrase=PASSPHRASE, transport=wire, clock=loop.clock
    ) as copy:
        assert copy.sync().outcome.value in ("refused", "distrusted")


# --- The ladder and assurance, seen by the administrator ------------------------------------------


def test_the_administrator_learns_that_a_passphrase_was_guessed_at(  # V7
    loop: Loop, shared: tuple[Device, Wire]
) -> None:
    device, _ = shared
    for _ in range(10):
        device.lock()
        found = device.status().passphrase
        assert found is not None
        loop.now += found.wait_seconds
        with pytest.raises(AccessClosed, match="passphrase-wrong"):
            device.unlock("a guess of a thief")
    for _ in range(2):
        assert device.sync().outcome.value == "delivered"
    assert loop.incidents() == ["passphrase-guessed"]
    (incident,) = list_incidents(loop.platform, AUTHORITY)
    assert incident.detail.startswith("ann ")
    move(loop, device, Access.REVOKED)
    loop.now += 3600
    device.unlock(PASSPHRASE)
    device.sync()
    with device.session("clinic") as session, pytest.raises(AccessClosed):
        session.open("r-ada")
