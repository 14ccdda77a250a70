"""A folder put back from an old copy goes on as its device's next generation (design §5)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caseloads import loop_with
from children import AUTHORITY, child
from fieldward_client import AccessClosed, CallerMistake, HttpAnswer, LocalDataDamaged, SyncOutcome
from fieldward_client.disk.folder import Folder
from fieldward_client.enrolled import generations
from fieldward_client.keys.identity import CONTACT, Contact
from fieldward_client.terminal.header import header
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.look_ups.journals import list_sealed_look_ups, verify_journals
from fieldward_server.services.look_ups.sealed_look_ups import open_look_ups
from fieldward_server.storage import edits, events
from fieldward_sync.access import Access
from loop import Loop
from loop_hand import PASSPHRASE

PHONE = "involvements/a1.phone"


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with loop_with(tmp_path, child("r-1"), child("r-2"), caseload="team:HV-1") as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[Tablet]:
    tablet = Tablet(loop, "ann")
    yield tablet
    tablet.device.close()


class Tablet:
    """A device whose folder can be copied, and put back from the copy."""

    def __init__(self, loop: Loop, name: str) -> None:
        self.loop, self.name = loop, name
        self.device, self.wire = loop.enrol(name, name, "caseload")
        assert self.device.sync().outcome is SyncOutcome.COMPLETE

    @property
    def home(self) -> Path:
        return self.loop.folder / self.name

    @property
    def copy(self) -> Path:
        return self.loop.folder / f"{self.name}-copy"

    def write(self, path: str, value: str, record: str = "r-1") -> None:
        with self.device.session(reason="record-correction") as session:
            session.open(record).edit(path, value)

    def keep_copy(self) -> None:
        """Copy the folder of the closed device, and go on."""
        self.device.close()
        shutil.copytree(self.home, self.copy)
        self.reopen()

    def put_back(self) -> None:
        self.device.close()
        shutil.rmtree(self.home)
        shutil.copytree(self.copy, self.home)
        self.reopen()

    def reopen(self, *, locked: bool = False) -> None:
        self.device = self.loop.reopen(self.name, self.wire, locked=locked)

    def sync(self) -> None:
        report = self.device.sync()
        assert report.outcome is SyncOutcome.COMPLETE, report

    def shown(self, path: str, record: str = "r-1") -> object:
        with self.device.session(reason="record-correction") as session:
            return session.open(record).values.get(path)


def come_back(tablet: Tablet) -> None:
    """Put the folder back from a copy that lacks a look-up."""
    tablet.keep_copy()
    tablet.shown(PHONE)
    tablet.sync()
    tablet.put_back()


def incidents(loop: Loop) -> set[str]:
    with loop.platform.storage.reading() as transaction:
        return {incident.kind for incident in events.incidents(transaction, AUTHORITY)}


def generation_of(actor: str) -> int:
    return int(actor.rpartition(".")[2])


def actors(loop: Loop) -> set[tuple[int, int]]:
    """The generation and number of each edit that a device made and that was merged."""
    with loop.platform.storage.reading() as transaction:
        return {
            (generation_of(edit.actor), edit.counter)
            for record in ("r-1", "r-2")
            for edit in edits.of_record(transaction, AUTHORITY, record)
            if edit.actor.startswith("d-")
        }


def test_the_next_generation_waits_for_no_time_code_of_the_one_before(
    loop: Loop, ann: Tablet
) -> None:
    ann.keep_copy()
    ann.write(PHONE, "0114 496 0001")
    ann.sync()
    ann.put_back()
    ann.write(PHONE, "0114 496 0002")
    ann.device.ask_for_time()
    ann.sync()
    assert ann.device.status().generation == 2
    with pytest.raises(CallerMistake, match="time-not-asked"):
        ann.device.take_time("whatever was read out")


def test_an_old_copy_goes_on_as_the_next_generation_and_an_incident_is_opened(
    loop: Loop, ann: Tablet
) -> None:
    ann.keep_copy()
    ann.write(PHONE, "0114 496 0001")
    ann.sync()
    loop.seal()
    ann.put_back()
    ann.sync()
    status = ann.device.status()
    assert (status.generation, status.access, status.pending_edits) == (2, "active", 0)
    assert incidents(loop) == {"journal-shrunk", "old-copy"}
    ann.write(PHONE, "0114 496 0002")
    ann.sync()
    assert actors(loop) == {(1, 1), (2, 1)}
    loop.seal()
    ann.sync()
    assert ann.shown(PHONE) == "0114 496 0002"


def test_what_the_copy_had_not_delivered_goes_up_under_its_old_dots(
    loop: Loop, ann: Tablet
) -> None:
    """Invariant 1: edits that the copy brings back, and edits typed before it was noticed."""
    ann.write("name.given", "Adah")
    ann.keep_copy()
    ann.write(PHONE, "0114 496 0001")
    ann.sync()
    ann.put_back()
    ann.write(PHONE, "0114 496 0002", "r-2")
    report = ann.device.sync()
    assert [(v.generation, v.counter, v.code) for v in report.verdicts] == [
        (1, 1, ""),
        (1, 2, "dot-reused"),
    ]
    assert ann.device.status().generation == 2
    ann.write(PHONE, "0114 496 0003", "r-2")
    assert {v.generation for v in ann.device.sync().verdicts} == {2}
    with loop.platform.storage.reading() as transaction:
        refused = [(i.code, i.counter) for i in edits.inbox(transaction, AUTHORITY)]
    # The number that both copies used: one is merged, the other waits for a person.
    assert (actors(loop), refused) == ({(1, 1), (1, 2), (2, 1)}, [("dot-reused", 2)])


def test_what_an_earlier_generation_has_still_to_deliver_counts_as_waiting(
    loop: Loop, ann: Tablet
) -> None:
    """P12: "everything sent" is never said while it waits; here once more, after a restore."""
    come_back(ann)
    backup = loop.back_up()
    ann.write(PHONE, "0114 496 0002", "r-2")
    ann.sync()
    loop.lose_database()
    loop.restore(backup)
    loop.seal()
    ann.wire.fail("lose request", after=2)  # it has heard that the server lacks its edit
    ann.device.sync()
    for _ in ("unlocked", "locked"):
        status = ann.device.status()
        assert (status.generation, status.pending_edits) == (2, 1)
        said = " ".join(line.plain for line in header(status))
        assert "1 edit waits to be sent" in said
        assert "verything sent" not in said
        (waiting,) = ann.device.pending()
        assert (waiting.generation, waiting.counter, waiting.state) == (1, 1, "unsent")
        assert waiting.changes is None, "what reads it is gone with that generation"
        ann.device.lock()
    ann.device.close()
    ann.reopen()
    ann.sync()
    status = ann.device.status()
    assert (status.pending_edits, ann.device.pending()) == (0, ())
    assert "Everything sent" in " ".join(line.plain for line in header(status))


@pytest.mark.parametrize("contact", ["behind", "damaged"])
def test_look_ups_of_an_earlier_generation_count_as_waiting_too(
    loop: Loop, ann: Tablet, contact: str
) -> None:
    """P12, and U4: also where it is not known how many of them the server has."""
    come_back(ann)
    ann.write(PHONE, "0114 496 0002", "r-2")
    ann.sync()
    assert ann.device.status().pending_look_ups == 0
    earlier = Folder(ann.home / "earlier" / "1")
    if contact == "damaged":
        (ann.home / "earlier" / "1" / CONTACT).write_bytes(b"fieldward/")
    else:
        heard = earlier.load(CONTACT, Contact)
        assert heard is not None
        earlier.store(CONTACT, msgspec.structs.replace(heard, journal_next=0))
    status = ann.device.status()
    assert (status.pending_edits, status.pending_look_ups) == (0, 1)
    assert "All edits sent" in " ".join(line.plain for line in header(status))


def test_a_refused_edit_of_an_earlier_generation_is_shown_as_its_own(
    loop: Loop, ann: Tablet
) -> None:
    ann.keep_copy()
    ann.write(PHONE, "0114 496 0001")
    ann.sync()
    ann.put_back()
    ann.write(PHONE, "0114 496 0002", "r-2")
    ann.sync()
    (refused,) = ann.device.pending()
    assert (refused.generation, refused.counter, refused.code) == (1, 1, "dot-reused")
    assert ann.device.status().refused_edits == 1


def test_look_ups_of_both_copies_are_on_record(loop: Loop, ann: Tablet) -> None:
    """Invariant 8: the journal stays as acknowledged; what the copy shows is kept beside it."""
    ann.keep_copy()
    for _ in range(2):
        ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    for _ in range(5):
        ann.shown(PHONE)
    ann.sync()
    ann.shown(PHONE)
    ann.sync()
    first, second = verify_journals(loop.platform, AUTHORITY)
    assert (first.size, first.forks, first.damage) == (2, 5 + 1, "")  # with their seal
    assert (second.generation, second.size, second.damage) == (2, 1, "")
    page = list_sealed_look_ups(loop.platform, AUTHORITY)
    opened = list(open_look_ups(page, [loop.secrets.audit_seed]))
    assert [(it.generation, it.forked) for it in opened] == [
        *[(1, False)] * 2,
        *[(1, True)] * 5,
        (2, False),
    ]
    assert all(it.look_up and it.look_up.records == ("r-1",) for it in opened)


@pytest.mark.parametrize(
    ("fault", "nth"), [*(("lose answer", nth) for nth in range(4)), ("repeat request", 1)]
)
def test_lost_messages_make_no_second_generation(
    loop: Loop, ann: Tablet, fault: str, nth: int
) -> None:
    ann.write(PHONE, "0114 496 0001")
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    ann.wire.fail(fault, after=nth)
    ann.device.sync()
    ann.sync()
    assert ann.device.status().generation == 2
    assert actors(loop) == {(1, 1)}


def test_a_copy_that_is_put_back_twice_is_another_generation_each_time(
    loop: Loop, ann: Tablet
) -> None:
    ann.write(PHONE, "0114 496 0001")
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    loop.seal()
    for generation in (2, 3):
        ann.put_back()
        ann.sync()
        assert ann.device.status().generation == generation
        assert ann.shown(PHONE) == "0114 496 0001"


def test_a_locked_copy_delivers_and_stays_what_it_is(loop: Loop, ann: Tablet) -> None:
    """The device's own key only delivers: the next generation takes its practitioner."""
    ann.write(PHONE, "0114 496 0001")
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    ann.device.close()
    ann.reopen(locked=True)
    ann.device.sync()
    assert ann.device.status().generation == 1
    ann.device.close()
    ann.reopen()
    ann.sync()
    assert ann.device.status().generation == 2


@pytest.mark.parametrize("nth", range(3))
def test_a_copy_that_is_locked_while_the_server_answers_goes_on_at_the_next_sync(
    loop: Loop, ann: Tablet, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    ann.write(PHONE, "0114 496 0001")
    come_back(ann)
    post, answers = ann.wire.post, iter(range(100))

    def locked_after(*args: Any, **more: Any) -> HttpAnswer:
        answer = post(*args, **more)
        if next(answers) == nth:
            ann.device.lock()
        return answer

    monkeypatch.setattr(ann.wire, "post", locked_after)
    assert ann.device.sync().outcome in (SyncOutcome.DELIVERED, SyncOutcome.PARTIAL)
    ann.device.unlock(PASSPHRASE)
    ann.sync()
    assert ann.device.status().generation == 2
    assert actors(loop) == {(1, 1)}


@pytest.mark.parametrize("access", ["paused", "revoked"])
def test_a_device_that_may_not_read_gets_no_next_generation(
    loop: Loop, ann: Tablet, access: str
) -> None:
    ann.write(PHONE, "0114 496 0001")
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    set_access(
        loop.platform,
        authority=AUTHORITY,
        device=ann.device.status().device,
        access=Access(access),
        actor="test",
        reason="test",
        now=loop.now,
    )
    ann.device.sync()
    assert ann.device.status().generation == 1
    with (
        pytest.raises(AccessClosed),
        ann.device.session(reason="record-correction") as session,
    ):
        session.open("r-1")


def test_sessions_of_before_are_closed_and_new_ones_read(loop: Loop, ann: Tablet) -> None:
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    with ann.device.session(reason="record-correction") as session:
        ann.sync()
        with pytest.raises(AccessClosed, match="old copy"):
            session.open("r-1")
    assert ann.shown("name.given") == "Ada"


@pytest.mark.parametrize("refuses_at", ["_replace", "first_contact"])
def test_what_is_typed_after_a_change_that_the_disk_refused_is_the_next_generations(  # invariant 1
    loop: Loop, ann: Tablet, monkeypatch: pytest.MonkeyPatch, refuses_at: str
) -> None:
    come_back(ann)

    def refuse(*_: object) -> None:
        raise LocalDataDamaged("disk-refused", "The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(generations, refuses_at, refuse)
        with pytest.raises(LocalDataDamaged):
            ann.device.sync()
    ann.device.unlock(PASSPHRASE)
    assert ann.device.status().generation == 2
    ann.sync()
    ann.write(PHONE, "0114 496 0003")
    ann.sync()
    assert (2, 1) in actors(loop)


def test_after_a_restore_the_earlier_generation_delivers_again(loop: Loop, ann: Tablet) -> None:
    """Invariant 11: it is kept until the backups have it."""
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    backup = loop.back_up()
    ann.write(PHONE, "0114 496 0002", "r-2")
    ann.sync()
    assert (ann.device.status().generation, actors(loop)) == (2, {(1, 1)})
    loop.lose_database()
    loop.restore(backup)
    assert actors(loop) == set()
    loop.seal()
    ann.sync()
    assert (ann.device.status().generation, actors(loop)) == (2, {(1, 1)})


def test_an_earlier_generation_goes_once_the_backups_have_it(loop: Loop, ann: Tablet) -> None:
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    ann.write(PHONE, "0114 496 0002", "r-2")
    ann.sync()
    earlier = ann.home / "earlier" / "1"
    for name in ("first", "second"):
        assert earlier.is_dir()
        loop.back_up(name)
    for _ in range(2):  # the first sync hears of the backups
        ann.sync()
    assert not earlier.exists()


def test_what_the_server_has_already_is_not_sent_again_by_the_earlier_generation(
    loop: Loop, ann: Tablet
) -> None:
    come_back(ann)
    ann.shown(PHONE)
    assert ann.device.sync().look_ups_sent == 1


def test_a_wiped_device_delivers_its_earlier_generation_before_it_is_gone(
    loop: Loop, ann: Tablet
) -> None:
    """Invariant 1, and U4."""
    ann.keep_copy()
    ann.shown(PHONE)
    ann.sync()
    ann.put_back()
    ann.write(PHONE, "0114 496 0002", "r-2")
    ann.wire.fail("lose request", after=4)  # the next generation is there, and nothing else
    ann.device.sync()
    order_wipe(
        loop.platform,
        authority=AUTHORITY,
        device=ann.device.status().device,
        actor="test",
        reason="test",
        now=loop.now,
    )
    for _ in range(3):
        with suppress(AccessClosed):
            ann.device.sync()
    assert not (ann.home / "identity").exists()
    assert not list(ann.home.glob("earlier/*"))
    assert actors(loop) == {(1, 1)}
