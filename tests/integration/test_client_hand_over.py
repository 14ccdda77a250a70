"""Hand-over by a code issued in advance: the next practitioner reads without any signal (P6)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import to_builtins

from caseloads import NURSED, anns_tablet, two_practitioners
from children import AUTHORITY, PHONE, child
from fieldward_client import AccessClosed, CallerMistake, Device
from fieldward_client.copies.hand_over import HAND_OVER, waiting_hand_over
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import IDENTITY, Identity
from fieldward_client.keys.lease import open_grant, stored_lease
from fieldward_server.cli.custody import holding_in_words
from fieldward_server.services.custody import hand_overs
from fieldward_server.services.custody.device_reports import DeviceReport, show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.custody.standing import Standing
from fieldward_server.services.custody.still_held import LossReport, preview_verb, report_loss
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.events import list_events
from fieldward_server.services.exchange import synchronisation
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.look_ups.journals import verify_journals
from fieldward_server.storage import Transaction
from fieldward_sync.access import Access
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.invitations import read_code
from loop import Loop, Wire
from loop_hand import PASSPHRASE

BENS = "ben's own four words"
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Ann holds ``both``; Eve alone is in ``nurses``, which nobody holds yet."""
    with two_practitioners(tmp_path / "loop", both="team:HV-1") as loop:
        yield loop


@pytest.fixture
def tablet(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """Ann's, synced."""
    with anns_tablet(loop) as tablet:
        yield tablet


def prepare(loop: Loop, device: Device, *held: str, seconds: int = 5 * DAY) -> str:
    return prepare_hand_over(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        practitioner="ben",
        partitions=held or ("both", "nurses"),
        valid_seconds=seconds,
        actor="test",
        reason="on-leave",
        now=loop.now,
    ).code


def prepared(loop: Loop, device: Device, *held: str, seconds: int = 5 * DAY) -> str:
    """The code of a hand-over that has come to the device, which is locked again."""
    code = prepare(loop, device, *held, seconds=seconds)
    assert device.sync().outcome.value == "complete"
    device.lock()
    return code


def withdraw(loop: Loop, device: Device) -> None:
    withdraw_hand_over(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        actor="test",
        reason="plans-changed",
        now=loop.now,
    )


def waits(loop: Loop) -> bool:
    return (loop.folder / "tablet" / HAND_OVER).exists()


def phoned(device: Device, record: str, path: str, number: str) -> None:
    with device.session("home-visit") as session:
        session.open(record).edit(path, number)


def shown(loop: Loop, device: Device) -> DeviceReport:
    name = device.status().device
    return show_device(loop.platform, authority=AUTHORITY, device=name, now=loop.now)


def lost(loop: Loop, device: Device) -> LossReport:
    name = device.status().device
    return report_loss(loop.platform, authority=AUTHORITY, device=name, now=loop.now)


def test_who_comes_next_reads_and_types_without_signal(  # P6, invariants 1 and 2
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, wire = tablet
    code = prepared(loop, device)
    assert device.status().hand_over_until == loop.now + 5 * DAY
    posts, wire.fault = wire.posts, "lose request"
    assert device.join(code, passphrase=BENS) == "ben"
    assert wire.posts == posts
    with device.session("clinic") as session:
        assert session.search(family="Whitcombe")
    phoned(device, "r-eve", "involvements/b1.phone", "07700 900555")
    status = device.status()
    assert (status.practitioner, status.pending_edits, status.look_ups) == ("ben", 1, 3)
    assert status.lease is not None
    assert status.lease.closes == loop.now + 5 * DAY
    assert not waits(loop)
    device.unlock(PASSPHRASE, "ann")
    device.unlock(BENS, "ben")
    assert device.sync().outcome.value == "offline"
    report = device.sync()
    assert (report.outcome.value, report.edits_sent, report.lease_renewed) == ("complete", 1, True)
    assert loop.view("r-eve").text("involvements/b1.phone") == "07700 900555"
    assert [event.action for event in list_events(loop.platform, AUTHORITY)][-2:] == [
        "hand-over-prepared",
        "took-over",
    ]
    (journal,) = verify_journals(loop.platform, AUTHORITY)
    assert (journal.size, journal.sealed_size, journal.damage) == (3, 3, "")
    assert [(it.practitioner, it.awaited) for it in shown(loop, device).holders] == [
        ("ann", False),
        ("ben", False),
    ]
    assert loop.incidents() == []
    phoned(device, "r-eve", "involvements/b1.phone", "07700 900556")
    assert device.sync().edits_sent == 1


@pytest.mark.parametrize("who", ["ann", "nobody"])
def test_somebody_elses_sync_delivers_what_they_typed(  # invariant 1
    loop: Loop, tablet: tuple[Device, Wire], who: str
) -> None:
    device, _ = tablet
    device.join(prepared(loop, device), passphrase=BENS)
    phoned(device, "r-ada", PHONE, "07700 900555")
    device.lock()
    if who == "ann":
        device.unlock(PASSPHRASE, "ann")
    assert device.sync().edits_sent == 1
    assert loop.view("r-ada").text(PHONE) == "07700 900555"
    device.unlock(BENS, "ben")
    assert device.sync().outcome.value == "complete"
    assert loop.incidents() == []


def test_a_code_opens_once_and_another_not_at_all(loop: Loop, tablet: tuple[Device, Wire]) -> None:
    device, wire = tablet
    code = prepare(loop, device)
    with pytest.raises(CallerMistake, match="hand-over-not-here"):
        device.join(code, passphrase=BENS)
    device.unlock(PASSPHRASE, "ann")
    assert device.sync().outcome.value == "complete"
    withdraw(loop, device)
    other = prepare(loop, device)
    with pytest.raises(CallerMistake, match="hand-over-not-here"):
        device.join(other, passphrase=BENS)
    assert device.join(code, passphrase=BENS) == "ben"
    for again in (code, other):
        with pytest.raises(CallerMistake, match="hand-over-not-here"):
            device.join(again, passphrase="a thief's own words")
    phone, _ = loop.enrol("phone", "ann", code=loop.code(practitioner="ann"))
    with phone, pytest.raises(CallerMistake, match="hand-over-not-here"):
        phone.join(code, passphrase=BENS)
    with pytest.raises(CallerMistake, match="code-hands-over"):
        Device.enrol(loop.folder / "new", loop.url, code, passphrase=BENS, transport=wire)


def test_once_it_was_used_the_code_opens_nothing_that_lies_here(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    """Its seed is what the lease was sealed to; the passphrase covers it."""
    device, _ = tablet
    code = prepared(loop, device)
    folder = Folder(loop.folder / "tablet")
    identity = folder.load(IDENTITY, Identity)
    assert identity is not None
    waiting = waiting_hand_over(folder, identity)
    assert waiting is not None
    seed = read_code(code).hand_over_seed(
        authority=AUTHORITY, device=identity.device, generation=1, practitioner="ben"
    )
    assert open_grant(waiting.stored_lease.grant, waiting.lease, seed).ring
    device.join(code, passphrase=BENS)
    held = stored_lease(folder, identity, "ben")
    assert held is not None
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        open_grant(held[0].grant, held[1], seed)


def test_what_changes_meanwhile_comes_with_the_next_sync(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, wire = tablet
    code = prepare(loop, device)
    device.sync()
    fetched = wire.fetched_bytes
    assert device.sync().outcome.value == "complete"
    assert wire.fetched_bytes == fetched
    loop.load(child("r-zoe", name={"family": "Zimmer", "given": "Zoe"}, involvements=NURSED))
    loop.seal()
    device.sync()
    device.join(code, passphrase=BENS)
    with device.session("clinic") as session:
        assert session.search(family="Zimmer")


def test_a_withdrawn_one_goes_from_a_device_that_is_synced(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, _ = tablet
    code = prepared(loop, device)
    withdraw(loop, device)
    (_, ben) = shown(loop, device).holders
    assert (ben.awaited, ben.withdrawn) == (False, True)
    assert holding_in_words(to_builtins(ben)).endswith("the code opens it until the device syncs")
    assert waits(loop)
    assert device.sync().outcome.value == "delivered", "a locked device hears of it too"
    assert not waits(loop)
    with pytest.raises(CallerMistake, match="hand-over-not-here"):
        device.join(code, passphrase=BENS)


def test_a_folder_from_before_the_code_was_used_says_what_to_do_and_loses_no_work(  # invariant 1
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    """The server knows other keys of who comes, and hears of these no more."""
    device, wire = tablet
    code = prepared(loop, device)
    device.close()
    shutil.copytree(loop.folder / "tablet", loop.folder / "copy")
    with loop.reopen("tablet", wire, locked=True) as device:
        device.join(code, passphrase=BENS)
        assert device.sync().outcome.value == "complete"
    shutil.rmtree(loop.folder / "tablet")
    (loop.folder / "copy").rename(loop.folder / "tablet")
    with loop.reopen("tablet", wire, locked=True) as device:
        device.join(code, passphrase=BENS)
        phoned(device, "r-ada", PHONE, "07700 900555")
        for _ in range(2):
            error = device.sync().error
            assert error is not None
            assert (error.code, "older copy" in error.message) == ("invitation-used", True)
            assert "Ask your sync administrator for an invitation" in error.next_step
        device.join(loop.code(practitioner="ben"), passphrase="ben's other four words")
        report = device.sync()
        assert (report.outcome.value, report.edits_sent) == ("partial", 1)
    assert [it.code for it in list_inbox(loop.platform, AUTHORITY)] == ["signature-wrong"]


@pytest.mark.parametrize("what", ["withdrawn", "late"])
def test_who_is_heard_too_late_loses_no_work_and_reads_no_more(  # invariant 1
    loop: Loop, tablet: tuple[Device, Wire], what: str
) -> None:
    device, _ = tablet
    device.join(prepared(loop, device), passphrase=BENS)
    phoned(device, "r-ada", PHONE, "07700 900555")
    if what == "withdrawn":
        withdraw(loop, device)
    else:
        loop.now += 6 * DAY
    (verdict,) = device.sync().verdicts
    assert (verdict.outcome, verdict.code) == ("refused", "out-of-scope"), "it is in the inbox"
    with device.session("clinic") as session:
        assert not session.search(family="Okafor")
    assert loop.incidents() == []


def test_nothing_opens_after_the_lease(  # invariant 3
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, wire = tablet
    code = prepared(loop, device, seconds=5 * HOUR)
    loop.now += 5 * HOUR
    with pytest.raises(AccessClosed, match="lease-over"):
        device.join(code, passphrase=BENS)
    device.close()
    with Device.open(loop.folder / "tablet", transport=wire, clock=loop.clock):
        assert not waits(loop), "nobody has to ask for it"


@pytest.mark.parametrize("end", ["wiped", "revoked", "paused", "draining"])
def test_what_ends_reading_ends_what_waits(
    loop: Loop, tablet: tuple[Device, Wire], end: str
) -> None:
    device, _ = tablet
    code = prepared(loop, device)
    name = device.status().device
    why = {"authority": AUTHORITY, "device": name, "actor": "test", "reason": "lost"}
    if end == "wiped":
        order_wipe(loop.platform, **why, now=loop.now)
    else:
        set_access(loop.platform, **why, access=Access(end), now=loop.now)
    device.sync()
    assert not waits(loop)
    if end != "wiped":
        with pytest.raises(CallerMistake, match="hand-over-not-here"):
            device.join(code, passphrase=BENS)


@pytest.mark.parametrize("end", ["wiped", "revoked"])
def test_a_device_erases_what_waits_though_the_server_still_names_it(
    loop: Loop, tablet: tuple[Device, Wire], end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, _ = tablet
    prepared(loop, device)
    name = device.status().device
    why = {"authority": AUTHORITY, "device": name, "actor": "test", "reason": "lost"}

    def still(_: object, transaction: Transaction, standing: Standing, *, now: int) -> object:
        return hand_overs._awaited(transaction, standing.device)

    monkeypatch.setattr(synchronisation, "open_hand_over", still)
    if end == "wiped":
        order_wipe(loop.platform, **why, now=loop.now)
    else:
        set_access(loop.platform, **why, access=Access.REVOKED, now=loop.now)
    device.sync()
    assert not waits(loop)


def test_a_wipe_waits_for_whoever_was_not_heard(  # invariant 1
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, _ = tablet
    device.join(prepared(loop, device), passphrase=BENS)
    phoned(device, "r-ada", PHONE, "07700 900555")
    name = device.status().device
    order_wipe(
        loop.platform, authority=AUTHORITY, device=name, actor="test", reason="lost", now=loop.now
    )
    device.sync()
    assert loop.view("r-ada").text(PHONE) == "07700 900555"


def test_who_could_open_it_counts_as_a_holder(loop: Loop, tablet: tuple[Device, Wire]) -> None:
    device, _ = tablet
    prepare(loop, device)
    until = loop.now + 5 * DAY
    name = device.status().device
    assert lost(loop, device).unreadable_from < until, "it has not come to the device"
    device.sync()
    report = lost(loop, device)
    assert report.unreadable_from == until
    assert {(it.practitioner, it.awaited, it.readable_until) for it in report.held} == {
        ("ann", False, report.holders[0].lease_closes),
        ("ben", True, until),
    }
    preview = preview_verb(
        loop.platform, authority=AUTHORITY, device=name, verb="wipe", now=loop.now
    )
    assert (preview.exposed_until, preview.records) == (until, 2)
    withdraw(loop, device)
    assert lost(loop, device).unreadable_from == until, "what is on the disk is not withdrawn"


def test_a_restore_knows_of_a_hand_over_since_the_backup(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, _ = tablet
    backup = loop.back_up()
    device.join(prepared(loop, device), passphrase=BENS)
    phoned(device, "r-ada", PHONE, "07700 900555")
    loop.lose_database()
    loop.restore(backup)
    loop.seal()
    assert device.sync().outcome.value == "complete"
    assert loop.view("r-ada").text(PHONE) == "07700 900555"
