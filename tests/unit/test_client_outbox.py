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
    assert writing.settle([verdict(2), verdict(9)]) == (verdict(2),)
    assert writing.settle([verdict(2)]) == ()
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
    writing.settle([verdict(1), verdict(2, "refused"), verdict(3), verdict(5)])
    writing.prune(done={1, 5})
    for kept in (writing, Outbox(folder)):
        assert set(kept.edits) == {2, 3, 4}
        assert set(kept.verdicts) == {2, 3}
        assert kept.last_counter == 5, "its number is not given again"


def test_a_box_that_was_pruned_is_written_again_with_its_next_edit(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT_BYTES", 0)
    writing, first = Outbox(folder), box()
    writing.add(b"one", 1, first)
    writing.settle([verdict(1)])
    writing.prune(done={1})
    assert not writing.edits
    writing.add(b"two", 2, first)
    (edit,) = Outbox(folder).undelivered()
    assert edit.index == 1


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
