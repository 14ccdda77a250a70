"""The outbox on the device, and the numbers its edits have."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_client import LocalDataDamaged
from fieldward_client.disk.counters import Counters
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import MARKER, frame, read_frames
from fieldward_client.logs import outbox
from fieldward_client.logs.boxes import OpenBox
from fieldward_client.logs.outbox import MADE, OUTBOX, Outbox
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
    stored = written(folder, 3)
    broken = {"torn": stored[:-1], "flipped": stored[:-30] + b"?" + stored[-29:], "gone": b""}
    folder.replace(OUTBOX, broken[damage])
    again = Outbox(folder)
    assert again.last_counter == (None if damage == "gone" else 3)
    assert again.lost == (None if damage == "gone" else 1)
    with Counters(folder, last_edit=again.last_counter).edit() as counter:
        assert counter > 3
    assert len(again.undelivered()) == (0 if damage == "gone" else 2)


def written(folder: Folder, edits: int) -> bytes:
    """An outbox with so many edits, in two boxes."""
    writing = Outbox(folder)
    counters, boxes = Counters(folder, last_edit=writing.last_counter), (box(), box())
    for number in range(edits):
        with counters.edit() as counter:
            writing.add(b"x" * 50, counter, boxes[number * 2 // edits])
    writing.close()
    stored = folder.read(OUTBOX)
    assert stored is not None
    return stored


def boundaries(stored: bytes) -> list[int]:
    """Where frames begin, and the end."""
    payloads = read_frames(stored).payloads
    return [*accumulate((len(frame(each)) for each in payloads), initial=len(MARKER))]


def accepted_but_not_here(folder: Folder, edits: int) -> int:
    return edits - len(Outbox(folder).undelivered())


def test_an_outbox_that_was_cut_at_or_in_any_frame_says_how_many_edits_are_lost(  # U4
    folder: Folder,
) -> None:
    stored = written(folder, 6)
    starts = boundaries(stored)
    whole_beginning = starts[1]
    cuts = {start + offset for start in starts for offset in (-1, 0, 1, 13)}
    for length in sorted(cut for cut in cuts if cut < len(stored)):
        folder.replace(OUTBOX, stored[:length])
        gone = accepted_but_not_here(folder, 6)
        assert Outbox(folder).lost == (gone if length >= whole_beginning else None)
    folder.replace(OUTBOX, stored)
    assert Outbox(folder).lost == 0


def test_each_frame_that_is_cut_out_changed_or_moved_is_noticed(folder: Folder) -> None:  # U4
    stored = written(folder, 6)
    starts = boundaries(stored)
    frames = [stored[a:b] for a, b in pairwise(starts)]
    for place, each in enumerate(frames):
        changed = each[:-1] + bytes([each[-1] ^ 1])
        forged = frame(each[12:-1] + changed[-1:])
        for other in (b"", changed, forged):
            folder.replace(
                OUTBOX, MARKER + b"".join([*frames[:place], other, *frames[place + 1 :]])
            )
            gone, again = accepted_but_not_here(folder, 6), Outbox(folder)
            no_beginning = place == 0 and other != forged
            assert again.lost == (None if no_beginning else gone), (place, other)
            assert place == 0 or gone or other == forged, "what opens nothing is for the unlocking"
        for later in range(place + 1, len(frames)):
            moved = [*frames[:place], *frames[place + 1 : later + 1], each, *frames[later + 1 :]]
            folder.replace(OUTBOX, MARKER + b"".join(moved))
            again = Outbox(folder)
            assert again.lost == (None if place == 0 else 0), "nothing is lost by the order"
            assert len(again.undelivered()) == 6


def test_a_loss_is_remembered_while_more_is_written_and_let_go(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_BYTES", 0)
    stored = written(folder, 6)
    folder.replace(OUTBOX, stored[: boundaries(stored)[-3]])
    written(folder, 2)
    again = Outbox(folder)
    assert (again.lost, set(again.edits)) == (2, {1, 2, 3, 4, 7, 8})
    again.settle([verdict(n) for n in (1, 2, 3, 4, 7)], backup=0)
    again.prune(done={1, 2, 3, 4, 7}, kept_until=1)
    assert (Outbox(folder).lost, set(Outbox(folder).edits)) == (2, {8})
    again.arrived(5)
    assert (Outbox(folder).lost, again.lost) == (1, 1)
    again.arrived(8)
    assert (Outbox(folder).lost, again.lost) == (0, 0)


def test_without_the_highest_number_nobody_knows_how_many_are_lost(folder: Folder) -> None:  # U4
    written(folder, 2)
    folder.remove(MADE)
    again = Outbox(folder)
    assert (again.lost, again.last_counter) == (None, None)


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
