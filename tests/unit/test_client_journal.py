"""The journal on the device: epochs, what is due, what may be let go (design §9)."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from faulty_disk import FaultyDisk
from fieldward_client import LocalDataDamaged
from fieldward_client.disk import folder as folder_module
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import MARKER, frame
from fieldward_client.keys.identity import Identity
from fieldward_client.logs import journal
from fieldward_client.logs.boxes import OpenBox
from fieldward_client.logs.journal import EPOCH_KEY, JOURNAL, EpochKey, Journal
from fieldward_sync.journal import (
    EPOCH_ENTRIES,
    EPOCH_SECONDS,
    BoxItem,
    EntryItem,
    JournalHead,
    JournalItem,
    LookUp,
    SealItem,
)
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.leases import NOTHING_SPENT, Spent
from fieldward_sync.outbox import new_box
from fieldward_sync.signing import public_key, signing_key

NOON = 1_800_000_000
FIRST_SEED = bytes(range(32))
IDENTITY = Identity("https://x", "E08000039", "d-1", 1, bytes(32), bytes(32))
FIRST = JournalHead.first("d-1", 1, public_key(signing_key(FIRST_SEED)))
LOOK_UP = LookUp("open", "shown", "p-1", None, "clinic", NOON, {}, ("r-1",), ("born",), b"")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    Journal.create(made, FIRST, FIRST_SEED)
    return made


def opened(folder: Folder) -> Journal:
    return Journal(folder, IDENTITY, entropy=os.urandom)


def box(practitioner: str = "p-1") -> OpenBox:
    return OpenBox(
        new_box(
            "journal",
            authority="E08000039",
            device="d-1",
            generation=1,
            practitioner=practitioner,
            authority_key=hpke_public_key(bytes(32)),
            store_key=None,
            signing_key=Ed25519PrivateKey.generate(),
            entropy=os.urandom,
        )
    )


def verified(items: tuple[JournalItem, ...]) -> JournalHead:
    """The head a server comes to that is given these items from the start."""
    head = FIRST
    for item in items:
        if isinstance(item, EntryItem):
            head = head.take_entry(item)
        elif isinstance(item, SealItem):
            head = head.take_seal(item)
    return head


def kinds(items: tuple[JournalItem, ...]) -> str:
    return "".join({BoxItem: "b", EntryItem: "e", SealItem: "s"}[type(item)] for item in items)


def test_what_is_written_verifies_and_comes_back(folder: Folder) -> None:
    writing, first = opened(folder), box()
    writing.write([LOOK_UP], first, spent=NOTHING_SPENT, now=NOON)
    writing.write([LOOK_UP, LOOK_UP], first, spent=NOTHING_SPENT, now=NOON)
    writing.seal(NOON)
    writing.seal(NOON)
    writing.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    again = opened(folder)
    assert kinds(again.due(0, 0)) == "beeesbe"
    assert again.due(0, 0) == writing.due(0, 0)
    assert (verified(again.due(0, 0)).size, again.size, again.is_sealed) == (4, 4, False)


def spent(look_ups: int) -> Spent:
    return Spent(b"l" * 16, look_ups)


def test_what_is_spent_is_in_the_last_entry_of_each_practitioner(folder: Folder) -> None:
    writing = opened(folder)
    assert writing.spent("p-1") == NOTHING_SPENT
    for person, look_ups in (("p-1", 3), ("p-2", 7), ("p-1", 4)):
        writing.write([LOOK_UP], box(person), spent=spent(look_ups), now=NOON)
    for each in (writing, opened(folder)):
        assert (each.spent("p-1"), each.spent("p-2")) == (spent(4), spent(7))
        assert each.spent("p-3") == NOTHING_SPENT


def test_an_entry_that_was_torn_spent_nothing(folder: Folder) -> None:
    opened(folder).write([LOOK_UP], box(), spent=spent(1), now=NOON)
    whole = folder.read(JOURNAL)
    opened(folder).write([LOOK_UP], box(), spent=spent(2), now=NOON)
    both = folder.read(JOURNAL)
    assert whole is not None
    assert both is not None
    for end in range(len(whole), len(both)):
        folder.replace(JOURNAL, both[:end])
        with closing(opened(folder)) as torn:
            assert (torn.spent("p-1"), torn.size) == (spent(1), 1)


def test_what_was_spent_in_entries_that_are_gone_stays_spent(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "KEPT_BYTES", 100)
    writing = opened(folder)
    for person, look_ups in (("p-1", 3), ("p-2", 7)):
        writing.write([LOOK_UP], box(person), spent=spent(look_ups), now=NOON)
    writing.seal(NOON)
    writing.prune((2, 1), (2, 1))
    assert kinds(writing.due(0, 0)) == ""
    for each in (writing, opened(folder)):
        assert (each.spent("p-1"), each.spent("p-2")) == (spent(3), spent(7))


def test_an_epoch_is_closed_after_its_entries_and_after_its_time(folder: Folder) -> None:
    writing, first = opened(folder), box()
    writing.write([LOOK_UP] * EPOCH_ENTRIES, first, spent=NOTHING_SPENT, now=NOON)
    writing.write([LOOK_UP], first, spent=NOTHING_SPENT, now=NOON)
    writing.write([LOOK_UP], first, spent=NOTHING_SPENT, now=NOON + EPOCH_SECONDS - 1)
    writing.write([LOOK_UP], first, spent=NOTHING_SPENT, now=NOON + EPOCH_SECONDS)
    assert kinds(writing.due(0, 0)) == "b" + "e" * EPOCH_ENTRIES + "seese"
    assert verified(writing.due(0, 0)).epoch == 2


def test_entries_that_a_crash_left_unsealed_are_closed_first(folder: Folder) -> None:
    opened(folder).write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    opened(folder).write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    assert kinds(opened(folder).due(0, 0)) == "besbe"


def test_the_key_of_a_closed_epoch_is_erased(folder: Folder, tmp_path: Path) -> None:
    writing = opened(folder)
    writing.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    writing.seal(NOON)
    assert FIRST_SEED not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_stored_seal_wins(folder: Folder) -> None:
    """The key's replacement is what a crash may have kept from happening."""
    writing = opened(folder)
    writing.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    before = folder.load(EPOCH_KEY, EpochKey)
    assert before is not None
    writing.seal(NOON)
    after = folder.load(EPOCH_KEY, EpochKey)
    assert after is not None
    folder.store(EPOCH_KEY, EpochKey(before.epoch, before.seed, after.seed))
    again = opened(folder)
    promoted = folder.load(EPOCH_KEY, EpochKey)
    assert promoted is not None
    assert (promoted.epoch, promoted.seed) == (after.epoch, after.seed)
    again.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    again.seal(NOON)
    assert verified(again.due(0, 0)).epoch == 2


def test_what_is_due_begins_with_its_box(folder: Folder) -> None:
    writing, first = opened(folder), box()
    writing.write([LOOK_UP] * 3, first, spent=NOTHING_SPENT, now=NOON)
    writing.seal(NOON)
    writing.write([LOOK_UP], first, spent=NOTHING_SPENT, now=NOON)
    due = writing.due(2, 0)
    assert kinds(due) == "bese"
    assert [item.read_header().sequence for item in due if isinstance(item, EntryItem)] == [2, 3]
    assert kinds(writing.due(3, 0)) == "bse"
    assert kinds(writing.due(3, 1)) == "be"
    assert kinds(writing.due(4, 1)) == ""


def test_only_what_backups_have_is_let_go(  # invariant 11
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, first = opened(folder), box()
    writing.write([LOOK_UP] * 5, first, spent=NOTHING_SPENT, now=NOON)
    writing.seal(NOON)
    writing.write([LOOK_UP] * 2, first, spent=NOTHING_SPENT, now=NOON)
    everything = writing.due(0, 0)
    writing.prune((7, 1), (7, 1))
    assert writing.due(0, 0) == everything, "short files are kept as they are"
    monkeypatch.setattr(journal, "KEPT_BYTES", 100)
    writing.prune((0, 0), (7, 1))
    assert writing.due(0, 0) == everything, "a restored server would ask for it"
    writing.prune((2, 0), (7, 1))
    assert writing.due(0, 0) == everything, "that little is not worth writing the rest again"
    for journal_then in (writing, opened(folder)):
        journal_then.prune((6, 1), (7, 1))
        assert kinds(journal_then.due(6, 1)) == "be"
        assert kinds(journal_then.due(0, 0)) == "be"
    again = opened(folder)
    again.write([LOOK_UP], first, spent=NOTHING_SPENT, now=NOON)
    again.seal(NOON)
    assert again.is_delivered(8, 3)
    assert not again.is_delivered(8, 2)
    assert verified((*everything, *again.due(7, 1))).size == 8


def test_where_nobody_makes_backups_a_journal_does_not_grow_for_ever(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = opened(folder)
    writing.write([LOOK_UP] * 5, box(), spent=NOTHING_SPENT, now=NOON)
    for bound in ("KEPT_BYTES", "MOST_BYTES"):
        monkeypatch.setattr(journal, bound, 100)
    writing.prune((0, 0), (4, 0))
    assert [i.read_header().sequence for i in writing.due(0, 0) if isinstance(i, EntryItem)] == [4]


def test_after_pruning_that_failed_anywhere_a_look_up_comes_with_its_box(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:  # invariant 2
    monkeypatch.setattr(journal, "KEPT_BYTES", 100)
    for at in range(1, 8):
        Journal.create(folder, FIRST, FIRST_SEED)
        with closing(opened(folder)) as writing, monkeypatch.context() as patch:
            old, new = box(), box()
            writing.write([LOOK_UP] * 3, old, spent=NOTHING_SPENT, now=NOON)
            writing.write([LOOK_UP], new, spent=NOTHING_SPENT, now=NOON)
            patch.setattr(folder_module, "os", FaultyDisk("error", at=at))
            with pytest.raises(LocalDataDamaged, match="disk-refused"):
                writing.prune((3, 0), (3, 0))
            with suppress(LocalDataDamaged):
                writing.write([LOOK_UP], old, spent=NOTHING_SPENT, now=NOON)
        with closing(opened(folder)) as again:
            assert kinds(again.due(again.size - 1, 0)) == "be", at
            again.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)


def test_a_journal_with_a_hole_takes_nothing_more_but_delivers_what_is_good(
    folder: Folder,
) -> None:
    writing = opened(folder)
    for _ in range(3):
        writing.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    stored = folder.read(JOURNAL)
    assert stored is not None
    items = writing.due(0, 0)
    middle = stored.index(items[3].header) if isinstance(items[3], EntryItem) else 0
    folder.replace(JOURNAL, stored[:middle] + b"x" + stored[middle + 1 :])
    damaged = opened(folder)
    with pytest.raises(LocalDataDamaged, match="journal-damaged"):
        damaged.write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    with pytest.raises(LocalDataDamaged, match="journal-damaged"):
        damaged.seal(NOON)
    assert kinds(damaged.due(0, 0)).startswith("be")
    assert damaged.size < 3


@pytest.mark.parametrize("rest", [b"", MARKER, MARKER + frame(b"nonsense")])
def test_a_journal_that_is_gone_takes_nothing(folder: Folder, rest: bytes) -> None:
    folder.replace(JOURNAL, rest)
    with pytest.raises(LocalDataDamaged, match="journal-damaged"):
        opened(folder).write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)


def test_a_journal_without_its_key_takes_nothing(folder: Folder) -> None:
    folder.store(EPOCH_KEY, EpochKey(0, bytes(32)))
    with pytest.raises(LocalDataDamaged, match="journal-damaged"):
        opened(folder).write([LOOK_UP], box(), spent=NOTHING_SPENT, now=NOON)
    assert "0, 0" not in repr(EpochKey(0, bytes(32)))
