"""When the copy shuts: lease, clock, pause, revocation, wipe (invariants 1, 3 and 4)."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from client_world import PHONE, World
from faulty_disk import FaultyDisk
from fieldward_client import AccessClosed, Device, HttpAnswer, LeaseState, SyncOutcome
from fieldward_client.disk import folder
from fieldward_client.enrolled.installation import Installation
from fieldward_sync.access import Access
from fieldward_sync.messages import SyncAnswer

DAY = 86_400


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    """A device with an edit that has not been sent."""
    device = world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    return device


def refused(device: Device, code: str) -> None:
    """Whatever one tries to read, it is refused for this reason."""
    with device.session("clinic") as session:
        with pytest.raises(AccessClosed, match=code):
            session.search(family="Okafor")
        with pytest.raises(AccessClosed, match=code):
            session.open("r-ada")
    (pending,) = device.pending()
    assert (pending.changes, pending.record_id) == (None, None)
    assert device.status().conflicts is None


def readable(device: Device) -> None:
    with device.session("clinic") as session:
        assert session.search(family="Okafor")
        session.open("r-ada")


def keys_at_rest(world: World) -> set[str]:
    folder = world.home() / "practitioners" / "p-tablet"
    return {path.name for path in folder.iterdir()} - {"attempts"}


# --- The lease ----------------------------------------------------------------------------------


def test_nothing_is_read_after_the_lease_and_one_sync_opens_it_again(
    world: World, tablet: Device
) -> None:
    states = []
    for hours in (0, 54, 71, 72):
        world.clock.true_time = tablet.status().lease.warns - 54 * 3_600 + hours * 3_600  # type: ignore[union-attr]
        lease = tablet.status().lease
        assert lease is not None
        states.append(lease.state)
        if hours < 72:
            readable(tablet)
    assert states == [
        LeaseState.ACTIVE,
        LeaseState.WARNING,
        LeaseState.WARNING,
        LeaseState.EXPIRED,
    ]
    refused(tablet, "lease-over")
    tablet.close()
    tablet = world.open()
    refused(tablet, "lease-over")
    fetched = [line for line in world.authority.log if "GET" in line]
    report = tablet.sync()
    assert (report.outcome, report.lease_renewed) == (SyncOutcome.COMPLETE, True)
    readable(tablet)
    assert [line for line in world.authority.log if "GET" in line] == fetched
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_a_session_that_is_open_when_the_lease_ends_shuts_too(world: World, tablet: Device) -> None:
    with tablet.session("clinic") as session:
        child = session.open("r-ada")
        world.clock.advance(days=3)
        with pytest.raises(AccessClosed, match="lease-over"):
            session.search(family="Okafor")
        with pytest.raises(AccessClosed, match="lease-over"):
            child.edit(PHONE, "07700 900999")
    assert len(tablet.pending()) == 1


def test_refused_look_ups_are_on_record(world: World, tablet: Device) -> None:
    world.clock.advance(days=4)
    refused(tablet, "lease-over")
    tablet.sync()
    logged = world.authority.look_ups("d-1")[1:]
    assert [(e.action, e.outcome, e.terms, e.records, e.fields) for e in logged] == [
        ("search", "refused", {"family": "Okafor"}, (), ()),
        ("open", "refused", {}, ("r-ada",), ()),
    ]


def test_at_its_last_deadline_the_lease_is_erased_even_while_locked(
    world: World, tablet: Device
) -> None:
    tablet.close()
    world.clock.advance(days=14)
    world.open(passphrase=None).close()
    assert "lease" not in keys_at_rest(world)
    device = world.open()
    refused(device, "no-lease")
    fetched = [line for line in world.authority.log if "GET" in line]
    assert device.sync().outcome is SyncOutcome.COMPLETE
    readable(device)
    assert [line for line in world.authority.log if "GET" in line] == fetched
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_at_its_last_deadline_the_lease_of_an_open_device_is_erased(
    world: World, tablet: Device
) -> None:
    world.clock.advance(days=14)
    with tablet.session("clinic") as session, pytest.raises(AccessClosed, match="no-lease"):
        session.search(family="Okafor")
    assert "lease" not in keys_at_rest(world)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    readable(tablet)


def test_a_clock_that_was_set_back_shuts_the_copy(world: World, tablet: Device) -> None:
    world.clock.advance(days=2)
    readable(tablet)
    tablet.close()
    world.clock.restart()
    world.clock.wall_is_off_by = -2 * DAY
    device = world.open()
    refused(device, "clock-untrusted")
    assert device.status().now is None
    assert device.sync().outcome is SyncOutcome.COMPLETE
    readable(device)


def test_a_lease_that_is_not_renewed_is_a_partial_sync_with_its_reason(
    world: World, tablet: Device
) -> None:
    world.authority.lease_refused = "training-over"
    world.clock.advance(hours=20)
    report = tablet.sync()
    assert report.outcome is SyncOutcome.PARTIAL
    assert report.error is not None
    assert report.error.code == "training-over"
    assert report.edits_sent == 1
    readable(tablet)
    assert tablet.status().last_complete == world.clock.true_time - 20 * 3_600


def test_a_first_lease_that_is_refused_says_why_and_not_that_there_is_none(world: World) -> None:
    device = world.enrol()
    world.authority.lease_refused = "vetting-over"
    report = device.sync()
    assert report.outcome is SyncOutcome.PARTIAL
    assert report.error is not None
    assert report.error.code == "vetting-over"


# --- Access and orders --------------------------------------------------------------------------


def test_a_paused_device_delivers_and_reads_nothing_until_it_is_resumed(
    world: World, tablet: Device
) -> None:
    world.authority.devices["d-1"].access = Access.PAUSED
    report = tablet.sync()
    assert (report.outcome, report.access) == (SyncOutcome.DELIVERED, "paused")
    assert report.edits_sent == 1
    tablet.close()
    tablet = world.open()
    with tablet.session("clinic") as session, pytest.raises(AccessClosed, match="access-paused"):
        session.search(family="Okafor")
    world.authority.devices["d-1"].access = Access.ACTIVE
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    readable(tablet)


def test_a_draining_device_reads_to_the_end_of_its_lease(world: World, tablet: Device) -> None:
    world.authority.devices["d-1"].access = Access.DRAINING
    world.clock.advance(hours=20)
    report = tablet.sync()
    assert (report.outcome, report.lease_renewed) == (SyncOutcome.DELIVERED, False)
    readable(tablet)
    world.clock.advance(hours=52)
    with tablet.session("clinic") as session, pytest.raises(AccessClosed, match="lease-over"):
        session.search(family="Okafor")


@pytest.mark.parametrize("locked", [False, True])
def test_a_pause_order_reaches_a_device_and_is_answered_once(
    world: World, tablet: Device, locked: bool
) -> None:
    if locked:
        tablet.close()
        tablet = world.open(passphrase=None)
    known = world.authority.devices["d-1"]
    known.access = Access.PAUSED
    world.authority.order("d-1", "pause")
    tablet.sync()
    tablet.sync()
    assert [receipt.kind for receipt in known.receipts] == ["pause"]
    assert tablet.status().access == "paused"
    known.access = Access.ACTIVE
    world.authority.order("d-1", "resume")
    tablet.sync()
    assert [receipt.kind for receipt in known.receipts] == ["pause", "resume"]
    assert tablet.status().access == "active"


@pytest.mark.parametrize("locked", [False, True])
def test_a_revoked_device_never_reads_again_and_still_delivers(  # P5
    world: World, tablet: Device, locked: bool
) -> None:
    if locked:
        tablet.close()
        tablet = world.open(passphrase=None)
    world.authority.devices["d-1"].access = Access.REVOKED
    report = tablet.sync()
    assert (report.outcome, report.access) == (SyncOutcome.DELIVERED, "revoked")
    assert [(v.outcome, v.code) for v in report.verdicts] == [("refused", "revoked")]
    assert [proposal.record_id for proposal, _ in world.authority.inbox] == ["r-ada"]
    assert keys_at_rest(world) == {"vault", "store-key"}
    assert list((world.home() / "files").iterdir()) == []
    tablet.close()
    with world.open() as device, device.session("clinic") as session:
        with pytest.raises(AccessClosed, match="access-revoked"):
            session.search(family="Okafor")
        assert device.sync().outcome is SyncOutcome.DELIVERED
    assert world.authority.look_ups("d-1")[-1].outcome == "refused"


@pytest.mark.parametrize("access", [Access.REVOKED, Access.DRAINING])
def test_orders_that_are_obeyed_late_open_nothing_that_was_closed_since(
    world: World, tablet: Device, access: Access
) -> None:
    """Paused, resumed and shut while it was away. The signal ends when it has obeyed."""
    known = world.authority.devices["d-1"]
    world.authority.order("d-1", "pause")
    world.authority.order("d-1", "resume")
    known.access = access

    def lose(answer: SyncAnswer) -> SyncAnswer:
        world.authority.loses_answers = 1
        return answer

    def lose_the_next(answer: SyncAnswer) -> SyncAnswer:
        world.authority.changes_answer = lose
        return answer

    world.authority.changes_answer = lose_the_next
    assert tablet.sync().access == access.value
    tablet.close()
    with world.open() as device:
        assert device.status().access == access.value


def test_a_device_that_dies_while_it_obeys_is_shut_as_the_answer_said(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was paused and resumed while it was away, and then revoked."""
    tablet.close()
    world.authority.order("d-1", "pause")
    world.authority.order("d-1", "resume")
    world.authority.devices["d-1"].access = Access.REVOKED

    def die(_: Installation) -> None:
        raise KeyboardInterrupt

    with world.open(passphrase=None) as locked, monkeypatch.context() as patched:
        patched.setattr(Installation, "lose_copies", die)
        with pytest.raises(KeyboardInterrupt):
            locked.sync()
    with world.open() as device:
        refused(device, "access-revoked")


# --- Wipe ---------------------------------------------------------------------------------------


def test_a_wipe_erases_what_reads_delivers_the_rest_and_then_itself(
    world: World, tablet: Device
) -> None:
    world.authority.order("d-1", "wipe")
    report = tablet.sync()
    assert (report.outcome, report.wiped, report.edits_sent) == (SyncOutcome.DELIVERED, True, 1)
    known = world.authority.devices["d-1"]
    assert [(r.kind, r.journal_size) for r in known.receipts] == [("wipe", 1)]
    assert world.authority.value("r-ada", PHONE) == "07700 900123"
    assert known.journal.size == known.journal.sealed_size == 1
    for use in (tablet.sync, tablet.status, tablet.pending, lambda: tablet.session("clinic")):
        with pytest.raises(AccessClosed, match="wiped"):
            use()
    tablet.close()
    assert {path.name for path in world.home().rglob("*") if path.is_file()} == {"lock", "wipe"}
    with pytest.raises(AccessClosed, match="wiped"):
        world.open()


def test_nothing_is_written_again_once_a_wiped_device_is_gone(world: World, tablet: Device) -> None:
    world.authority.order("d-1", "wipe")
    with tablet.session("clinic") as session:
        tablet.sync()
        with pytest.raises(AccessClosed, match="wiped"):
            session.open("r-ada")
    tablet.close()
    assert {path.name for path in world.home().rglob("*") if path.is_file()} == {"lock", "wipe"}


def test_a_wipe_that_cannot_deliver_keeps_what_it_owes(world: World, tablet: Device) -> None:
    known = world.authority.devices["d-1"]
    world.authority.order("d-1", "wipe")

    def no_signal_after_the_order(answer: object) -> object:
        world.authority.offline = True
        return answer

    world.authority.tampers = no_signal_after_the_order  # type: ignore[assignment]
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900456")
        report = tablet.sync()
        assert (report.outcome, report.wiped) == (SyncOutcome.PARTIAL, True)
        with pytest.raises(AccessClosed, match="wiped"):
            session.search(family="Okafor")
    tablet.close()
    names = {path.name for path in world.home().rglob("*") if path.is_file()}
    assert names == {
        *("lock", "wipe", "identity", "contact", "clock", "counters"),
        *("journal", "journal-key", "outbox", "outbox-made", "reserve"),
    }
    with pytest.raises(AccessClosed, match="wiped"):
        world.open()
    world.authority.offline, world.authority.tampers = False, lambda answer: answer
    with world.open(passphrase=None) as device:
        assert device.status().wiped
        assert device.sync().wiped
    assert [receipt.kind for receipt in known.receipts] == ["wipe"]
    assert world.authority.value("r-ada", PHONE) == "07700 900456"


@pytest.mark.parametrize("stuck", ["lease", "vault", "attempts", "distribution"])
def test_a_wipe_that_the_disk_holds_up_closes_the_copy_and_holds_up_no_delivery(
    world: World, tablet: Device, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    class StuckDisk(FaultyDisk):
        def unlink(self, path: Path) -> None:
            if path.name == stuck:
                raise OSError(errno.EIO, "the disk failed")
            super().unlink(path)

        def replace(self, source: Path, target: Path) -> None:
            if source.name == stuck:
                raise OSError(errno.EIO, "the disk failed")
            super().replace(source, target)

    known = world.authority.devices["d-1"]
    with tablet.session("clinic") as session, monkeypatch.context() as patch:
        session.open("r-ada").edit(PHONE, "07700 900456")
        world.authority.order("d-1", "wipe")
        patch.setattr(folder, "os", StuckDisk())
        report = tablet.sync()
        assert (report.outcome, report.wiped) == (SyncOutcome.PARTIAL, True)
        assert (report.error and report.error.code, known.receipts) == ("disk-refused", [])
        with pytest.raises(AccessClosed, match="wiped"):
            session.open("r-ada")
        tablet.close()
        with world.open(passphrase=None) as device:
            assert device.sync().wiped
    assert world.authority.value("r-ada", PHONE) == "07700 900456"
    assert known.journal.size == known.journal.sealed_size == 2
    with world.open(passphrase=None) as device:
        assert device.sync().outcome is SyncOutcome.DELIVERED
    assert [receipt.kind for receipt in known.receipts] == ["wipe"]
    assert {path.name for path in world.home().rglob("*") if path.is_file()} == {"lock", "wipe"}


def test_an_order_to_wipe_that_cannot_be_read_any_more_keeps_nothing_from_being_delivered(
    world: World, tablet: Device
) -> None:  # invariant 1
    world.authority.order("d-1", "wipe")

    def no_signal_after_the_order(answer: HttpAnswer) -> HttpAnswer:
        world.authority.offline = True
        return answer

    world.authority.tampers = no_signal_after_the_order
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900456")
        tablet.sync()
    tablet.close()
    order = world.home() / "wipe"
    order.write_bytes(order.read_bytes()[:-3])
    world.authority.offline, world.authority.tampers = False, lambda answer: answer
    with pytest.raises(AccessClosed, match="wiped"):
        world.open()
    with world.open(passphrase=None) as device:
        assert device.sync().wiped
    assert [receipt.kind for receipt in world.authority.devices["d-1"].receipts] == ["wipe"]
    assert world.authority.value("r-ada", PHONE) == "07700 900456"


def test_a_session_of_a_closed_device_shows_nothing(tablet: Device) -> None:
    with tablet.session("clinic") as session:
        tablet.close()
        with pytest.raises(AccessClosed, match="locked"):
            session.search(family="Okafor")
