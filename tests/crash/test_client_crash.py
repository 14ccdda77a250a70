"""The device's folder survives a failure at every call that changes the disk: what a device does,
and what was promised that must hold afterwards. ``crashing`` makes the failures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from client_world import PASSPHRASE, PHONE, SERVER_URL
from crashing import Case, Crash, Step, points_of
from faulty_disk import FAILURES
from fieldward_client import (
    AccessClosed,
    CallerMistake,
    Device,
    LocalDataDamaged,
    RefusedByServer,
    journal,
    outbox,
)
from fieldward_client.attempts import LAST_ATTEMPT, WAITS
from fieldward_client.files import FILES
from fieldward_client.transport import HttpAnswer
from fieldward_sync.encoding import decode
from fieldward_sync.messages import SyncRequest
from memory_authority import MemoryAuthority


@pytest.fixture(params=FAILURES)
def crash(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Crash:
    return Crash(tmp_path, monkeypatch, request.param)


def ready(case: Case) -> Device:
    return case.world.ready()


# --- Edits --------------------------------------------------------------------------------------


def edit_twice(case: Case, device: Device | None) -> None:
    assert device is not None
    with device.session("home-visit") as session:
        child = session.open("r-ada")
        for phone in ("07700 900111", "07700 900222"):
            with suppress(LocalDataDamaged):
                child.edit(PHONE, phone)
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


def test_no_accepted_edit_is_lost(crash: Crash) -> None:
    crash.everywhere(ready, edit_twice, every_accepted_edit_arrives)


# --- Look-ups -----------------------------------------------------------------------------------


def look_up(case: Case, device: Device | None) -> None:
    assert device is not None
    with device.session("duty-desk") as session:
        for family in ("Okafor", "Whitcombe", "Nobody"):
            with suppress(LocalDataDamaged):
                hits = session.search(family=family)
                case.shown.append(("search", tuple(hit.record_id for hit in hits)))
                for hit in hits:
                    case.shown.append(("open", (session.open(hit.record_id).record_id,)))
        case.world.clock.advance(seconds=1_000)  # the next look-up closes this epoch first
        with suppress(LocalDataDamaged):
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
    crash.everywhere(ready, look_up, everything_shown_is_on_record)


def what_is_on_record_is_spent(case: Case) -> None:
    with case.world.open(passphrase=None) as device:
        status = device.status()
        assert status.lease is not None
        assert status.look_ups >= len(case.shown)
        assert status.lease.look_ups_left == status.lease.look_ups - status.look_ups


def test_no_failure_gives_look_ups_back(crash: Crash) -> None:
    crash.everywhere(ready, look_up, what_is_on_record_is_spent)


# --- Sync: verdicts, lease, a new state, a lost partition -----------------------------------------


def with_news(case: Case) -> Device:
    """A device with an edit to deliver, for which everything else has changed meanwhile."""
    world = case.world
    world.authority.partition("p-east", "r-ben", title="East")
    device = world.ready("tablet", "p-west", "p-east")
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900333")
    case.accepted.append("07700 900333")
    world.clock.advance(hours=20)
    world.authority.set_fields("r-ben", {"name.family": "Newname"})
    world.authority.publish_all()
    world.authority.take_grant(world.known(device).device, "p-east")
    return device


def sync(case: Case, device: Device | None) -> None:
    assert device is not None
    device.sync()


def the_store_is_one_state(case: Case) -> None:
    with case.world.open() as device:
        titles = {partition.title for partition in device.status().partitions}
        with device.session("clinic") as session:
            old, new = session.search(family="Whitcombe"), session.search(family="Newname")
            child = session.open("r-ada")
            assert child[PHONE] == "07700 900333"
        assert (len(old), len(new), titles) in ((1, 0, {"West", "East"}), (0, 1, {"West"}))
        report = device.sync()
        assert report.outcome.value == "complete", report
        with device.session("clinic") as session:
            assert session.search(family="Newname")
            assert session.open("r-ada")[PHONE] == "07700 900333"
        case.world.authority.publish_all()
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            assert not session.open("r-ada").pending
        listed = {
            entry.name
            for manifest in [case.world.authority.partitions["p-west"].manifest]
            if manifest is not None
            for entry in manifest.files
        }
    stored = {path.name for path in (case.world.home() / FILES).iterdir()}
    assert stored == listed
    assert case.world.authority.value("r-ada", PHONE) == "07700 900333"


def test_a_sync_leaves_one_state_or_the_next(crash: Crash) -> None:
    crash.everywhere(with_news, sync, the_store_is_one_state)


# --- What it says is gone -------------------------------------------------------------------------


@dataclass
class Claims:
    """What a device says of old files and keys, against what lies on its disk."""

    case: Case
    old_files: set[str] = field(default_factory=set)
    old_lease: bytes = b""
    gone: set[str] = field(default_factory=set)
    """The partitions of which it has said that all of before is gone."""

    def __call__(self, path: str, *, body: bytes, **told: Any) -> HttpAnswer:
        if path == "/v1/sync":
            left = decode(SyncRequest, body, max_bytes=len(body)).held.partitions
            if left is not None:
                keeps = {each.partition for each in left if each.oldest < NEWS}
                self.gone |= {"p-west", "p-east"} - keeps
            self.require_true()
        return MemoryAuthority.post(self.case.world.authority, path, body=body, **told)

    def require_true(self) -> None:
        if self.gone:
            assert not self.old_files & {path.name for path in (self.home / FILES).iterdir()}
            (keys,) = (self.home / "practitioners").iterdir()
            assert "p-west" not in self.gone or not (keys / "earlier-keys").exists()
            assert (keys / "lease").read_bytes() != self.old_lease

    @property
    def home(self) -> Path:
        return self.case.world.home()


NEWS = 100
"""The feed number of what hides something."""


def with_something_hidden(case: Case) -> Device:
    """A device for which one of its partitions has a redaction and the other is taken away."""
    device = with_news(case)
    authority: Any = case.world.authority
    claims = authority.post = Claims(case)
    claims.old_files = {path.name for path in (claims.home / FILES).iterdir()}
    hiding = case.world.authority.partitions["p-west"]
    (keys,) = (claims.home / "practitioners").iterdir()
    claims.old_lease = (keys / "lease").read_bytes()
    hiding.feed, hiding.epoch, hiding.keys = NEWS, 2, {}
    hiding.key()
    case.world.authority.publish("p-west", new_image=True)
    return device


def what_it_says_is_gone_is_gone(case: Case) -> None:
    authority: Any = case.world.authority
    claims: Claims = authority.post
    claims.require_true()
    with case.world.open() as device:
        assert device.sync().outcome.value == "complete"
        claims.require_true()
    assert claims.gone == {"p-west", "p-east"}


def test_no_failure_makes_a_device_say_that_what_is_left_is_gone(  # invariant 5, H7
    crash: Crash,
) -> None:
    crash.everywhere(with_something_hidden, sync, what_it_says_is_gone_is_gone)


# --- A server that came back from a backup --------------------------------------------------------


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


# --- Wipe ---------------------------------------------------------------------------------------


def about_to_be_wiped(case: Case) -> Device:
    device = case.world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900444")
    case.accepted.append("07700 900444")
    case.world.authority.order(case.world.known(device).device, "wipe")
    return device


def the_wipe_completes(case: Case) -> None:
    known = case.world.authority.devices["d-1"]
    with suppress(AccessClosed), case.world.open(passphrase=None) as device:
        assert device.sync().outcome.value == "delivered"
    with pytest.raises(AccessClosed, match="wiped"):
        case.world.open(passphrase=None)
    assert [receipt.kind for receipt in known.receipts] == ["wipe"]
    assert case.world.authority.value("r-ada", PHONE) == "07700 900444"
    assert known.journal.size == known.journal.sealed_size == 1
    left = {str(path.relative_to(case.world.home())) for path in case.world.home().rglob("*")}
    assert left <= {"lock", "wipe", "files", "practitioners", "practitioners/p-tablet"}


def test_a_wipe_completes(crash: Crash) -> None:
    crash.everywhere(about_to_be_wiped, sync, the_wipe_completes)


# --- Enrolment ----------------------------------------------------------------------------------


def nobody(case: Case) -> None:
    """Before there is a device."""


def enrol(case: Case, device: Device | None) -> None:
    world = case.world
    code = world.authority.invite("p-tablet", "p-west")
    case.shown.append((code, ()))
    Device.enrol(
        world.home(),
        SERVER_URL,
        code,
        passphrase=PASSPHRASE,
        clock=world.clock,
        transport=world.authority,
    ).close()


def the_same_call_enrols(case: Case) -> None:
    world = case.world
    code = case.shown[0][0]
    with suppress(CallerMistake):  # it was enrolled already, and the failure came after that
        Device.enrol(
            world.home(),
            SERVER_URL,
            code,
            passphrase=PASSPHRASE,
            clock=world.clock,
            transport=world.authority,
        ).close()
    with world.open() as device:
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            assert session.search(family="Okafor")
    assert len(world.authority.devices) == 1
    assert not (world.home() / "enrolling").exists()


def test_a_broken_enrolment_is_repeated(crash: Crash) -> None:
    crash.everywhere(nobody, enrol, the_same_call_enrols)


# --- Hand-over ----------------------------------------------------------------------------------

NEXTS_PASSPHRASE = "the next one's own words"


def about_to_be_handed_over(case: Case) -> Device:
    """What opens with the code waits; there is no signal from here on."""
    device = case.world.ready()
    code = case.world.authority.hand_over(case.world.known(device).device, "p-next")
    assert device.sync().outcome.value == "complete"
    case.backups.append((code,))
    case.world.authority.offline = True
    return device


def take_over(case: Case, device: Device | None) -> None:
    assert device is not None
    ((code,),) = case.backups
    device.join(str(code), passphrase=NEXTS_PASSPHRASE)
    with device.session("home-visit") as session:
        child = session.open("r-ada")
        with suppress(LocalDataDamaged):
            child.edit(PHONE, "07700 900777")
            case.accepted.append("07700 900777")


def they_read_and_what_they_typed_arrives(case: Case) -> None:
    world, ((code,),) = case.world, case.backups
    with world.open(passphrase=None) as device:
        if "p-next" in device.practitioners:
            device.unlock(NEXTS_PASSPHRASE, "p-next")
        else:
            assert device.join(str(code), passphrase=NEXTS_PASSPHRASE) == "p-next"
        with device.session("clinic") as session:
            session.open("r-ada").edit(PHONE, "07700 900888")
        device.unlock(PASSPHRASE, "p-tablet")
        world.authority.offline = False
        assert device.sync().outcome.value == "complete"
        known = world.known(device)
        look_ups = world.authority.look_ups(known.device)
    assert {each.action for each in look_ups} == {"take-over", "open"}
    arrived = [proposal.changes[0].value for proposal, _ in known.verdicts.values()]
    assert [each for each in arrived if each in case.accepted] == case.accepted
    assert arrived[-1] == "07700 900888"
    assert not (world.home() / "hand-over").exists()


def test_a_broken_hand_over_is_repeated_and_loses_nothing(  # P6, invariants 1 and 2
    crash: Crash,
) -> None:
    crash.everywhere(about_to_be_handed_over, take_over, they_read_and_what_they_typed_arrives)


# --- Joining ------------------------------------------------------------------------------------

BENS = "ben's own four words"


def with_an_edit_of_hers(case: Case) -> Device:
    """A device whose first practitioner has typed something that was not sent."""
    device = case.world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900777")
    return device


def join(case: Case, device: Device | None, who: str = "p-ben") -> None:
    assert device is not None
    code = case.world.authority.invite(who, "p-west")
    case.shown.append((code, ()))
    device.join(code, passphrase=BENS)


def join_again(case: Case, device: Device | None) -> None:
    """She has forgotten her passphrase, and comes back with a code."""
    join(case, device, "p-tablet")


def repeat_the_call(case: Case) -> None:
    with case.world.open(passphrase=None) as device, suppress(RefusedByServer):
        device.join(case.shown[0][0], passphrase=BENS)  # refused if it was done already


def opens_reads_and_syncs(case: Case, who: str, passphrase: str) -> None:
    with case.world.open(passphrase=passphrase, practitioner=who) as device:
        report = device.sync()
        assert report.outcome.value == "complete", report
        with device.session("clinic") as session:
            assert session.search(family="Okafor")


def both_have_keys_of_their_own(case: Case) -> None:
    repeat_the_call(case)
    opens_reads_and_syncs(case, "p-ben", BENS)
    opens_reads_and_syncs(case, "p-tablet", PASSPHRASE)
    nothing_of_the_attempt_is_left(case, "p-ben", "p-tablet")


def she_is_back(case: Case) -> None:
    repeat_the_call(case)
    opens_reads_and_syncs(case, "p-tablet", BENS)
    with pytest.raises(AccessClosed, match="passphrase-wrong"):
        case.world.open()
    nothing_of_the_attempt_is_left(case, "p-tablet")


def nothing_of_the_attempt_is_left(case: Case, *people: str) -> None:
    assert {path.name for path in (case.world.home() / "practitioners").iterdir()} == {*people}
    assert not (case.world.home() / "joining").exists()
    assert case.world.authority.value("r-ada", PHONE) == "07700 900777", "invariant 1"


def test_a_broken_joining_is_repeated_and_takes_nothing_from_who_was_here(crash: Crash) -> None:
    crash.everywhere(with_an_edit_of_hers, join, both_have_keys_of_their_own)


def test_who_comes_back_with_new_keys_comes_back_after_any_failure(crash: Crash) -> None:
    crash.everywhere(with_an_edit_of_hers, join_again, she_is_back)


# --- Passphrases --------------------------------------------------------------------------------

NEW_PASSPHRASE = "another four words entirely"


def change_passphrase(case: Case, device: Device | None) -> None:
    assert device is not None
    device.change_passphrase(PASSPHRASE, NEW_PASSPHRASE)


def exactly_one_passphrase_opens_it(case: Case) -> None:
    opens = []
    for passphrase in (PASSPHRASE, NEW_PASSPHRASE):
        with suppress(AccessClosed), case.world.open(passphrase=passphrase) as device:
            opens.append(passphrase)
            with device.session("clinic") as session:
                session.open("r-ada")
            assert device.sync().outcome.value == "complete"
    assert len(opens) == 1


def test_the_old_passphrase_or_the_new_one_opens_a_device_never_neither(crash: Crash) -> None:
    crash.everywhere(ready, change_passphrase, exactly_one_passphrase_opens_it)


def almost_too_many(case: Case) -> None:
    """One more wrong passphrase, and the lease is erased."""
    case.world.ready().close()
    for number in range(1, LAST_ATTEMPT):
        with suppress(AccessClosed):
            case.world.open(passphrase="wrong from the start")
        case.world.clock.advance(seconds=WAITS.get(number, 0))


def guess_once_more(case: Case, device: Device | None) -> None:
    with suppress(AccessClosed):
        case.world.open(passphrase="wrong to the end")
        raise AssertionError("it opened")
    case.accepted.append("an answer")


def an_answer_has_cost_the_lease(case: Case) -> None:
    with case.world.open(passphrase=None) as device:
        status = device.status()
        assert status.passphrase is not None
        if case.accepted:
            assert (status.lease, status.passphrase.left) == (None, 0)
        else:
            assert status.passphrase.left or status.lease is None
        case.world.clock.advance(seconds=status.passphrase.wait_seconds)
    with case.world.open() as device:
        assert device.sync().outcome.value == "complete"
        with device.session("clinic") as session:
            session.open("r-ada")


def test_no_failure_gives_an_attempt_at_a_passphrase_back(  # V7
    crash: Crash,
) -> None:
    crash.everywhere(almost_too_many, guess_once_more, an_answer_has_cost_the_lease)


# --- The time by voice ----------------------------------------------------------------------------


def with_a_wrong_clock(case: Case) -> Device:
    device = case.world.ready()
    case.world.clock.wall_is_off_by = -24 * 3600
    case.world.authority.offline = True
    return device


def take_the_time(case: Case, device: Device | None) -> None:
    assert device is not None
    code = case.world.authority.time_code("d-1", device.ask_for_time())
    case.shown.append((code, ()))
    device.take_time(code)


def a_code_is_good_once(case: Case) -> None:
    with case.world.open() as device:
        taken = int(device.status().now is not None)
        for code, _ in case.shown * 2:
            with suppress(CallerMistake):
                device.take_time(code)
                taken += 1
        assert taken <= 1
        device.take_time(case.world.authority.time_code("d-1", device.ask_for_time()))
        with device.session("clinic") as session:
            session.open("r-ada")
        case.world.authority.offline = False
        assert device.sync().outcome.value == "complete"


def test_no_failure_makes_a_time_code_good_twice(crash: Crash) -> None:  # invariant 3
    crash.everywhere(with_a_wrong_clock, take_the_time, a_code_is_good_once)


# --- From one day to the next ---------------------------------------------------------------------


def enrolled(case: Case) -> Device:
    return case.world.enrol()


def it_reads_after_a_sync(case: Case) -> None:
    with case.world.open() as device:
        report = device.sync()
        assert report.outcome.value == "complete", report
        with device.session("clinic") as session:
            assert session.search(family="Okafor")


def locked_again(case: Case) -> None:
    device = case.world.ready()
    with device.session("clinic") as session:
        session.open("r-ben")
    device.close()


def unlock(case: Case, device: Device | None) -> None:
    case.world.open().close()


def past_its_last_deadline(case: Case) -> None:
    locked_again(case)
    case.world.clock.advance(hours=24 * 15)


def start_locked(case: Case, device: Device | None) -> None:
    case.world.open(passphrase=None).close()


def no_key_of_the_lease_is_left(case: Case) -> None:
    case.world.open(passphrase=None).close()
    (keys,) = (case.world.home() / "practitioners").iterdir()
    assert not {"lease", "lease.new"} & {path.name for path in keys.iterdir()}
    it_reads_after_a_sync(case)


class Scenario(NamedTuple):
    """What a device does while its disk fails, and what must hold afterwards."""

    prepare: Callable[[Case], Device | None]
    act: Step
    check: Callable[[Case], None]


DAYS = {
    "first sync": Scenario(enrolled, sync, it_reads_after_a_sync),
    "unlock": Scenario(locked_again, unlock, it_reads_after_a_sync),
    "expiry": Scenario(past_its_last_deadline, start_locked, no_key_of_the_lease_is_left),
}


@pytest.mark.parametrize("scenario", DAYS)
def test_a_device_works_on_after_any_failure(  # invariant 3: an expired lease leaves no key behind
    crash: Crash, scenario: str
) -> None:
    crash.everywhere(*DAYS[scenario])


WHAT_A_DEVICE_DOES = {
    "enrol": (nobody, enrol, 90),
    "hand-over": (about_to_be_handed_over, take_over, 60),
    "edit": (ready, edit_twice, 40),
    "look-up": (ready, look_up, 50),
    "sync": (with_news, sync, 70),
    "join": (with_an_edit_of_hers, join, 45),
    "join again": (with_an_edit_of_hers, join_again, 50),
    "passphrase change": (ready, change_passphrase, 20),
    "time by voice": (with_a_wrong_clock, take_the_time, 15),
    "wipe": (about_to_be_wiped, sync, 90),
    "first sync": (enrolled, sync, 55),
    "unlock": (locked_again, unlock, 15),
    "expiry": (past_its_last_deadline, start_locked, 15),
}
"""Each with how many calls to the disk can fail, at least: none is forgotten when code moves."""


@pytest.mark.parametrize("what", WHAT_A_DEVICE_DOES)
def test_as_many_points_are_covered_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    prepare, act, least = WHAT_A_DEVICE_DOES[what]
    points = points_of(tmp_path, monkeypatch, prepare, act)
    assert points >= least
