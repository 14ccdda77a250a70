"""The outbox on the device, and the numbers its edits have."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_client import LocalDataDamaged, outbox
from fieldward_client.boxes import OpenBox
from fieldward_client.counters import Counters
from fieldward_client.folder import Folder
from fieldward_client.outbox import OUTBOX, Outbox
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import Verdict
from fieldward_sync.outbox import new_box


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    Outbox.create(made)
    return made


def box() -> OpenBox:
    return OpenBox(
        new_box(
            "edits",
            authority="E08000039",
            device="d-1",
            generation=1,
            practitioner="p-1",
            authority_key=hpke_public_key(bytes(32)),
            store_key=bytes(32),
            signing_key=Ed25519PrivateKey.generate(),
            entropy=os.urandom,
        )
    )


def verdict(counter: int, outcome: str = "merged") -> Verdict:
    return Verdict(counter, 7, outcome, "", ())  # type: ignore[arg-type]  # tests name the three


def test_edits_and_verdicts_come_back(folder: Folder) -> None:
    writing, first = Outbox(folder), box()
    writing.add(b"one", 1, first)
    writing.add(b"two", 2, first)
    writing.add(b"three", 3, box())
    assert writing.settle([verdict(2), verdict(9)], backup=0) == (verdict(2),)
    assert writing.settle([verdict(2)], backup=0) == ()
    again = Outbox(folder)
    assert [edit.counter for edit in again.undelivered()] == [1, 3]
    assert again.edits == writing.edits
    assert (again.boxes, again.verdicts, again.last_counter) == (
        writing.boxes,
        {2: verdict(2)},
        3,
    )


def test_only_edits_that_are_done_with_are_let_go(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_BYTES", 0)
    writing, first = Outbox(folder), box()
    for counter in range(1, 6):
        writing.add(b"x", counter, first)
    writing.settle([verdict(1), verdict(2, "refused"), verdict(3), verdict(5)], backup=3)
    writing.prune(done={1, 3, 5}, kept_until=3)
    assert set(writing.edits) == {1, 2, 3, 4, 5}, "a restored server would ask for them"
    writing.prune(done={1, 3, 5}, kept_until=4)
    for kept in (writing, Outbox(folder)):
        assert set(kept.edits) == {2, 4}
        assert set(kept.verdicts) == {2}
        assert kept.last_counter == 5, "its number is not given again"


def test_a_box_that_was_pruned_is_written_again_with_its_next_edit(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_BYTES", 0)
    writing, first = Outbox(folder), box()
    writing.add(b"one", 1, first)
    writing.settle([verdict(1)], backup=0)
    writing.prune(done={1}, kept_until=1)
    assert not writing.edits
    writing.add(b"two", 2, first)
    (edit,) = Outbox(folder).undelivered()
    assert edit.index == 1


def test_where_nobody_makes_backups_the_outbox_does_not_grow_for_ever(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("KEPT_BYTES", "MOST_BYTES"):
        monkeypatch.setattr(outbox, bound, 0)
    writing = Outbox(folder)
    writing.add(b"one", 1, box())
    writing.settle([verdict(1)], backup=0)
    writing.prune(done={1}, kept_until=0)
    assert not writing.edits


def test_a_server_that_came_back_from_a_backup_gets_what_it_lacks_again(  # invariant 11
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_BYTES", 0)
    writing, first = Outbox(folder), box()
    for counter in range(1, 5):
        writing.add(b"x", counter, first)
    writing.settle([verdict(1), verdict(2), verdict(3)], backup=1)
    assert writing.begin_incarnation(2, held=1) == {2, 3}
    assert [edit.counter for edit in Outbox(folder).undelivered()] == [2, 3, 4]
    writing.settle([verdict(3)], backup=1)
    for again in (writing, Outbox(folder)):
        assert again.begin_incarnation(2, held=1) == frozenset(), "it is begun once"
        assert [edit.counter for edit in again.undelivered()] == [2, 4]
    writing.settle([verdict(2), verdict(4)], backup=1)
    writing.prune(done={1, 2}, kept_until=2)
    pruned = Outbox(folder)
    assert (set(pruned.edits), pruned.undelivered()) == ({3, 4}, ())
    assert pruned.begin_incarnation(2, held=0) == frozenset()
    assert pruned.begin_incarnation(3, held=3) == {4}


def test_numbers_go_on_without_a_gap(folder: Folder) -> None:
    for expected in (1, 2, 3):
        counters = Counters(folder, last_edit=expected - 1)
        with counters.edit() as counter:
            assert counter == expected


def test_a_number_is_reserved_before_it_is_used_and_used_only_if_the_edit_was_kept(
    folder: Folder,
) -> None:
    counters = Counters(folder, last_edit=0)
    for _ in range(2):
        with suppress(LocalDataDamaged), counters.edit() as counter:
            assert counter == 1
            raise LocalDataDamaged("disk-refused", "No.")
    with Counters(folder, last_edit=None).edit() as counter:
        assert counter > 1, "in doubt, whatever may have been used counts as used"


@pytest.mark.parametrize("damage", ["torn", "flipped", "gone"])
def test_a_damaged_outbox_gives_no_number_twice(folder: Folder, damage: str) -> None:
    writing, counters, first = Outbox(folder), Counters(folder, last_edit=0), box()
    for _ in range(3):
        with counters.edit() as counter:
            writing.add(b"x" * 50, counter, first)
    stored = folder.read(OUTBOX)
    assert stored is not None
    broken = {"torn": stored[:-1], "flipped": stored[:-30] + b"?" + stored[-29:], "gone": b""}
    folder.replace(OUTBOX, broken[damage])
    again = Outbox(folder)
    assert again.last_counter is None
    with Counters(folder, last_edit=again.last_counter).edit() as counter:
        assert counter > 3
    assert len(again.undelivered()) == (0 if damage == "gone" else 2)


def test_request_numbers_only_rise(folder: Folder) -> None:
    seen = [0]
    for _ in range(3):
        counters = Counters(folder, last_edit=0)
        seen += [counters.next_request() for _ in range(70)]
    counters.skip_requests(5_000)
    counters.skip_requests(10)
    seen += [counters.next_request(), Counters(folder, last_edit=0).next_request()]
    assert seen == sorted(set(seen))
    assert seen[-2] == 5_001
