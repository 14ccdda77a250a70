"""The table of what becomes of what a device holds, walked with a real device (design §8, P37).

Each row is a life, and each cell a check that is found by the cell's own words: one that says
something new has no check, and fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from children import AUTHORITY, PHONE, child
from fieldward_client import AccessClosed, CallerMistake, LeaseStatus, SyncOutcome, SyncReport
from fieldward_client.disk.folder import Folder
from fieldward_client.logs.boxes import read_box
from fieldward_client.logs.outbox import read_content
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.practitioners import suspend_practitioner
from fieldward_server.services.custody.still_held import report_loss
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.look_ups.journals import list_sealed_look_ups, verify_journals
from fieldward_server.services.look_ups.sealed_look_ups import open_look_ups
from fieldward_server.services.records.known_records import read_edit
from fieldward_server.storage import edits
from fieldward_sync.access import Access
from fieldward_sync.custody import OUTCOMES, Aftermath
from fieldward_sync.leases import LeaseTerms
from loop import Loop, cheap_passphrases
from loop_hand import PASSPHRASE

BENS = "ben's own four words"
TERMS = LeaseTerms()
DAY = 24 * 3600
CASELOAD, CLINIC = "r-1", "r-2"
"""A child in each of the partitions; what is lost by a re-scope is the clinic."""


class Life:
    """Ann's device, which holds two partitions, and has an edit of each, and look-ups, unsent."""

    def __init__(self, folder: Path) -> None:
        self.loop = Loop(folder)
        other = {"a1": {"service": "school-nursing", "team": "SN-1", "since": "2023-01-01"}}
        name = {"family": "Whitcombe", "given": "Eve"}
        self.loop.load(child(CASELOAD), child(CLINIC, name=name, involvements=other))
        self.loop.partition("caseload", "team:HV-1")
        self.loop.partition("clinic", "team:SN-1")
        self.device, self.wire = self.loop.enrol("tablet", "ann", "caseload", "clinic")
        assert self.device.sync().outcome is SyncOutcome.COMPLETE
        self.name = self.device.status().device
        self.began = {each: self.epoch(each) for each in ("caseload", "clinic")}
        self.erased: list[str] = []
        for record in (CASELOAD, CLINIC):
            self.write(record)
        self.typed: dict[str | None, set[int]] = {"ann": {1, 2}}
        self.looked = {"ann"}
        self.look_ups = 0

    # --- What the device does ---

    def write(self, record: str) -> None:
        with self.device.session(reason="home-visit") as session:
            session.open(record).edit(PHONE, f"0114 496 000{record[-1]}")

    def shows(self, *records: str) -> bool:
        """Whether these are shown, and the others are not."""
        shown = set()
        for record in (CASELOAD, CLINIC):
            with suppress(CallerMistake), self.device.session(reason="home-visit") as session:
                shown.add(session.open(record).record_id)
        return shown == {*records}

    def is_shut(self) -> bool:
        try:
            with self.device.session(reason="home-visit") as session:
                session.open(CASELOAD)
        except AccessClosed:
            return True
        return False

    def unlock(self, who: str = "ann") -> bool:
        """Whether there is anything left that a passphrase opens."""
        try:
            self.device.unlock(BENS if who == "ben" else PASSPHRASE, who)
        except AccessClosed:
            return False
        return True

    def sync(self, who: str = "ann") -> SyncReport:
        """Sync unlocked, if that can be."""
        self.unlock(who)
        return self.device.sync()

    def hears(self) -> SyncReport:
        """The device, locked, hears what was done, and delivers."""
        self.device.lock()
        return self.device.sync()

    def lease_of(self, who: str) -> LeaseStatus:
        self.unlock(who)
        lease = self.device.status().lease
        assert lease is not None
        return lease

    def note_what_is_erased(self, monkeypatch: pytest.MonkeyPatch) -> None:
        unlink = os.unlink

        def noted(path: Path) -> None:
            unlink(path)
            self.erased.append(path.name)

        monkeypatch.setattr("fieldward_client.disk.folder.os.unlink", noted)

    def files(self) -> set[str]:
        folder = self.loop.folder / "tablet" / "files"
        return {each.name for each in folder.iterdir()} if folder.is_dir() else set()

    def has(self, name: str) -> bool:
        return (self.loop.folder / "tablet" / name).exists()

    def has_lease(self, who: str = "ann") -> bool:
        return self.has(f"practitioners/{who}/lease")

    # --- What the server knows ---

    def told(self, **about: Any) -> dict[str, Any]:
        given = {"authority": AUTHORITY, "device": self.name, "actor": "test", "reason": "test"}
        return {**given, "now": self.loop.now, **about}

    def set_access(self, access: Access) -> None:
        set_access(self.loop.platform, **self.told(access=access))

    def take(self, practitioner: str, partition: str) -> None:
        take(self.loop.platform, **self.told(practitioner=practitioner, partition=partition))

    def epoch(self, partition: str) -> int:
        return self.loop.stored_partition(partition).key_epoch

    def merged(self) -> dict[str | None, set[int]]:
        """The numbers of the device's edits that merged, by who typed them."""
        found: dict[str | None, set[int]] = {}
        with self.loop.platform.storage.reading() as transaction:
            for record in (CASELOAD, CLINIC):
                for edit in edits.of_record(transaction, AUTHORITY, record):
                    if edit.actor.startswith(self.name):
                        who = read_edit(edit).practitioner
                        found.setdefault(who, set()).add(edit.counter)
        return found

    def inbox(self) -> set[int]:
        with self.loop.platform.storage.reading() as transaction:
            return {item.counter for item in edits.inbox(transaction, AUTHORITY)}

    def gone_at(self, partition: str) -> int:
        """When the device said that nothing is left of a partition, files and keys."""
        held = report_loss(
            self.loop.platform, authority=AUTHORITY, device=self.name, now=self.loop.now
        ).held
        return {each.partition: each.gone_at for each in held}[partition]

    def something_new(self) -> None:
        """Somebody else changes a child of each partition."""
        self.loop.now += 60
        for record in (CASELOAD, CLINIC):
            other = self.loop.device("caseload", "clinic", practitioner="p-1")
            other.sync()
            assert other.edit(record, "sex", "male").outcome == "merged"
        self.loop.seal()

    def close(self) -> None:
        self.device.close()
        self.loop.close()


# --- What happens ---


def pause(life: Life) -> None:
    life.set_access(Access.PAUSED)


def resume(life: Life) -> None:
    life.set_access(Access.PAUSED)
    assert life.hears().access == "paused"
    assert life.is_shut()
    life.set_access(Access.ACTIVE)
    fetched = life.wire.fetched_bytes
    life.sync()
    assert life.wire.fetched_bytes == fetched
    life.write(CASELOAD)
    life.typed["ann"] |= {3}


def drain(life: Life) -> None:
    life.set_access(Access.DRAINING)


def suspend(life: Life) -> None:
    """Ann, on all of her devices (A4); Ben shares this one with her."""
    life.loop.practitioner("ben")
    assert life.device.join(life.loop.code("clinic", practitioner="ben"), passphrase=BENS) == "ben"
    assert life.sync("ben").edits_sent == 2
    life.unlock()
    life.write(CASELOAD)
    life.typed["ann"] |= {3}
    told = life.told(practitioner="ann")
    del told["device"]
    suspend_practitioner(life.loop.platform, **told)


def revoke(life: Life) -> None:
    life.set_access(Access.REVOKED)


def wipe(life: Life) -> None:
    order_wipe(life.loop.platform, **life.told())


def expiry(life: Life) -> None:
    life.loop.now += TERMS.closes_seconds


def re_scope(life: Life) -> None:
    life.take("ann", "clinic")


def hand_over(life: Life) -> None:
    """Without signal, with a code that was issued before (P6)."""
    life.loop.practitioner("ben")
    told = life.told(practitioner="ben", partitions=["clinic"], valid_seconds=5 * DAY)
    code = prepare_hand_over(life.loop.platform, **told).code
    assert life.sync("ann").edits_sent == 2
    posts = life.wire.posts
    assert life.device.join(code, passphrase=BENS) == "ben"
    life.write(CLINIC)
    life.unlock("ann")
    life.write(CASELOAD)
    assert life.wire.posts == posts
    life.typed, life.looked = {"ann": {1, 2, 4}, "ben": {3}}, {"ann", "ben"}


HAPPENS: dict[str, Callable[[Life], None]] = {
    "pause": pause,
    "resume": resume,
    "drain": drain,
    "suspend": suspend,
    "revoke": revoke,
    "wipe": wipe,
    "expiry": expiry,
    "re-scope": re_scope,
    "hand-over": hand_over,
}


# --- What becomes of it: first what goes up, then what comes down, then what is shown ---


def pushes(life: Life) -> None:
    status = life.device.status()
    unsent = status.pending_edits + status.pending_edits_of_others
    report = life.hears()
    assert (report.outcome, report.edits_sent) == (SyncOutcome.DELIVERED, unsent)
    assert unsent > 0


def pushes_until_all_is_delivered(life: Life) -> None:
    life.wire.fail("lose answer", after=1)  # of what it delivers once it has heard
    assert life.hears().wiped
    assert life.device.status().wiped
    assert life.device.sync().outcome is SyncOutcome.DELIVERED
    with pytest.raises(AccessClosed, match="delivered"):
        life.device.sync()


def pushes_for_both(life: Life) -> None:
    content = read_content(Folder(life.loop.folder / "tablet"))
    boxes = {edit.box: read_box(content.boxes[edit.box]) for edit in content.undelivered}
    assert {box.practitioner for box in boxes.values()} == {"ann", "ben"}
    pushes(life)


def merge(life: Life) -> None:
    assert life.merged() == life.typed
    assert life.inbox() == set()


def wait_in_the_inbox(life: Life) -> None:
    assert (life.merged(), life.inbox()) == ({}, life.typed["ann"])


def merge_for_what_is_left(life: Life) -> None:
    assert (life.merged(), life.inbox()) == ({"ann": {1}}, {2})


def merge_under_their_names(life: Life) -> None:
    merge(life)
    assert life.typed.keys() == {"ann", "ben"}


def is_delivered(life: Life) -> None:
    (journal,) = verify_journals(life.loop.platform, AUTHORITY, device=life.name)
    assert (journal.size, journal.damage) == (life.look_ups, "")


def is_delivered_and_erased(life: Life) -> None:
    is_delivered(life)
    assert not life.has("journal")


def is_delivered_naming_who_looked(life: Life) -> None:
    is_delivered(life)
    page = list_sealed_look_ups(life.loop.platform, AUTHORITY, device=life.name)
    opened = [it.look_up for it in open_look_ups(page, [life.loop.secrets.audit_seed])]
    assert {it.practitioner for it in opened if it is not None} == life.looked == {"ann", "ben"}


def pulls_nothing(life: Life) -> None:
    fetched = life.wire.fetched_bytes
    life.something_new()
    with suppress(AccessClosed):  # a wiped device has nothing more to say
        assert life.sync().updated == ()
    assert life.wire.fetched_bytes == fetched


def pulls(life: Life, who: str = "ann", *updated: str) -> None:
    life.something_new()
    report = life.sync(who)
    assert (report.outcome, {*report.updated}) == (SyncOutcome.COMPLETE, {*updated})


def pulls_all(life: Life) -> None:
    pulls(life, "ann", "caseload", "clinic")


def pulls_what_is_left(life: Life) -> None:
    life.something_new()
    report = life.sync()
    assert (report.outcome, report.updated, report.lost) == (
        SyncOutcome.COMPLETE,
        ("caseload",),
        ("clinic",),
    )


def pulls_for_each(life: Life) -> None:
    pulls(life, "ann", "caseload", "clinic")
    pulls(life, "ben", "clinic")


def reads_nothing(life: Life) -> None:
    life.unlock()
    assert life.is_shut()


def pulls_for_the_others(life: Life) -> None:
    pulls_nothing(life)
    assert (life.sync("ben").outcome, life.shows(CLINIC)) == (SyncOutcome.COMPLETE, True)


def the_others_read(life: Life) -> None:
    reads_nothing(life)
    life.unlock("ben")
    assert life.shows(CLINIC)


def reads_nothing_for_good(life: Life) -> None:
    for _ in range(2):
        reads_nothing(life)
        with suppress(AccessClosed):
            life.device.sync()
    with suppress(CallerMistake):  # there is no such move
        life.set_access(Access.ACTIVE)
    life.device.close()
    with suppress(AccessClosed), life.loop.reopen("tablet", life.wire) as life.device:
        life.device.sync()
        assert life.is_shut()


def reads_until_the_lease_closes(life: Life) -> None:
    life.unlock()
    assert life.shows(CASELOAD, CLINIC)
    life.loop.now = life.lease_of("ann").closes
    assert life.is_shut()
    life.sync()
    assert life.is_shut()


def reads_on(life: Life) -> None:
    life.unlock()
    assert life.shows(CASELOAD, CLINIC)
    reads_from_the_next_sync(life)


def reads_from_the_next_sync(life: Life) -> None:
    life.unlock()
    life.loop.now = max(life.loop.now, life.lease_of("ann").closes)
    assert life.is_shut()
    life.sync()
    assert life.shows(CASELOAD, CLINIC)


def reads_what_is_left(life: Life) -> None:
    life.sync()
    assert life.shows(CASELOAD)


def reads_what_each_is_granted(life: Life) -> None:
    life.unlock("ben")
    assert life.shows(CLINIC)
    life.unlock("ann")
    assert life.shows(CASELOAD, CLINIC)
    for partition in ("caseload", "clinic"):
        life.take("ann", partition)
    life.sync("ann")
    assert life.shows()
    life.sync("ben")
    assert life.shows(CLINIC)


def keys_stay_and_no_lease_comes(life: Life) -> None:
    assert not life.sync().lease_renewed
    keys_stay_until_destroyed(life)


def keys_stay_until_destroyed(life: Life) -> None:
    destroys = life.lease_of("ann").destroys
    life.device.lock()
    for life.loop.now, is_there in ((destroys - 1, True), (destroys, False)):
        life.device.sync()
        assert life.has_lease() is is_there


def keys_stay_and_the_lease_is_renewed(life: Life) -> None:
    life.loop.now += TERMS.closes_seconds // 2
    assert life.has_lease()
    assert life.sync().lease_renewed


def keys_are_erased_with_the_files(life: Life) -> None:
    assert not life.has_lease()
    assert life.files() == set()
    assert {each: life.epoch(each) for each in life.began} == {
        each: epoch + 1 for each, epoch in life.began.items()
    }


def keys_are_erased_first_and_the_identity_last(life: Life) -> None:
    keys_are_erased_with_the_files(life)
    gone = [name.removesuffix(".new") for name in life.erased]
    sealed = [place for place, name in enumerate(gone) if len(name) == FILE_NAME]
    assert gone.index("lease") < min(sealed)
    assert max(sealed) < gone.index("identity")


def keys_of_what_is_lost_are_erased(life: Life) -> None:
    before = len(life.files())
    life.sync()
    assert life.sync().outcome is SyncOutcome.COMPLETE
    assert life.gone_at("clinic") > 0
    assert (life.gone_at("caseload"), len(life.files()) <= before) == (0, True)
    assert life.epoch("clinic") == life.began["clinic"] + 1
    assert life.epoch("caseload") == life.began["caseload"]


def keys_are_of_their_own(life: Life) -> None:
    assert life.has("practitioners/ann/store-key")
    assert life.has("practitioners/ben/store-key")
    for who, passphrase in (("ann", BENS), ("ben", PASSPHRASE)):
        with pytest.raises(AccessClosed, match="passphrase-wrong"):
            life.device.unlock(passphrase, who)


WALK: dict[str, dict[str, Callable[[Life], None]]] = {
    "pushing": {
        "goes on, without passphrase too": pushes,
        "goes on without passphrase until all is delivered": pushes_until_all_is_delivered,
        "goes on for both, sealed apart": pushes_for_both,
    },
    "unsent_edits": {
        "merge": merge,
        "wait in the inbox for a person": wait_in_the_inbox,
        "merge for what is left, wait in the inbox for what is lost": merge_for_what_is_left,
        "merge under the name of who typed them": merge_under_their_names,
    },
    "journal": {
        "is delivered": is_delivered,
        "is delivered, then erased": is_delivered_and_erased,
        "is delivered, naming who looked": is_delivered_naming_who_looked,
    },
    "pulling": {
        "stops": pulls_nothing,
        "stops for who is suspended; goes on for the others": pulls_for_the_others,
        "stops for good": pulls_nothing,
        "goes on; what is held is not fetched again": pulls_all,
        "goes on with that sync": pulls_all,
        "goes on for what is left": pulls_what_is_left,
        "goes on for each": pulls_for_each,
    },
    "reading": {
        "stops": reads_nothing,
        "stops for who is suspended; whoever shares the device reads on": the_others_read,
        "stops for good": reads_nothing_for_good,
        "goes on; after the lease, from the next sync": reads_on,
        "goes on until the lease closes": reads_until_the_lease_closes,
        "stops until a sync renews the lease": reads_from_the_next_sync,
        "goes on for what is left, stops for what is lost": reads_what_is_left,
        "the one who comes reads what they are granted; the other as before, until taken back": (
            reads_what_each_is_granted
        ),
    },
    "keys": {
        "stay until the lease destroys them; no new lease comes": keys_stay_and_no_lease_comes,
        "stay; the lease is renewed": keys_stay_and_the_lease_is_renewed,
        "erased with the sealed files; the partitions get new ones": keys_are_erased_with_the_files,
        "erased first, then the sealed files, the identity last; the partitions get new ones": (
            keys_are_erased_first_and_the_identity_last
        ),
        "stay until the lease destroys them": keys_stay_until_destroyed,
        "those of what is lost are erased; the partition gets a new one": (
            keys_of_what_is_lost_are_erased
        ),
        "of their own for each; the other's do not open with them": keys_are_of_their_own,
    },
}
"""By column, in the order in which they are walked, and by the words of the cell."""

FILE_NAME = 64


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with cheap_passphrases():
        lived = Life(tmp_path)
        yield lived
        lived.close()


@pytest.mark.parametrize("what", OUTCOMES)
def test_each_cell_of_the_table_is_so(
    life: Life, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    HAPPENS[what](life)
    life.note_what_is_erased(monkeypatch)
    life.look_ups = life.device.status().look_ups
    for column, cells in WALK.items():
        cells[getattr(OUTCOMES[what], column)](life)


def test_every_column_is_walked() -> None:
    assert {*WALK} == {field.name for field in fields(Aftermath)}
    assert {*HAPPENS} == {*OUTCOMES}
