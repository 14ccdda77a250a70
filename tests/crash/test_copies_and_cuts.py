"""A folder put back from a copy of any step, and an outbox cut at any edit, are noticed: on the
device, by its administrator, or both (design §5, U4)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseloads import loop_with
from children import AUTHORITY, child
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import MARKER, frame, read_frames
from fieldward_client.logs.outbox_content import Frame, SealedEdit
from fieldward_server.storage import events
from fieldward_sync.encoding import unpack
from loop import Loop

PHONE = "involvements/a1.phone"


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    with loop_with(tmp_path, child("r-1"), child("r-2"), caseload="team:HV-1") as loop:
        yield loop


def incidents(loop: Loop) -> dict[str, str]:
    """What was noticed, with what the latest of each says."""
    with loop.platform.storage.reading() as transaction:
        return {each.kind: each.detail for each in events.incidents(transaction, AUTHORITY)}


STEPS = ("look", "edit", "sync", "look", "edit", "edit", "sync", "edit")
NOTICED = {
    0: {"journal-shrunk", "old-copy"},
    1: {"journal-shrunk", "old-copy"},
    2: {"journal-shrunk", "old-copy"},
    3: {"journal-shrunk", "old-copy"},
    4: {"journal-shrunk", "old-copy"},
    5: {"journal-shrunk", "old-copy"},
}
"""By how many steps had been taken when the copy was made: what the server notices. From step 6 on
it has nothing that the copy lacks: such a copy is the device itself, but for edits never sent."""


@pytest.mark.parametrize("taken", range(len(STEPS) + 1))
def test_a_copy_of_any_step_is_noticed_once_the_server_has_more(loop: Loop, taken: int) -> None:
    device, wire = loop.enrol("ann", "ann", "caseload")
    device.sync()
    home, copy = loop.folder / "ann", loop.folder / "ann-copy"
    for number, step in enumerate((*STEPS, "")):
        if number == taken:
            device.close()
            shutil.copytree(home, copy)
            device = loop.reopen("ann", wire)
        if step == "sync":
            device.sync()
        elif step:
            with device.session(reason="clinic") as session:
                record = session.open("r-1")
                if step == "edit":
                    record.edit(PHONE, f"0114 496 00{number:02}")
    device.close()
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    device = loop.reopen("ann", wire)
    assert device.sync().outcome.value == "complete"
    assert set(incidents(loop)) == NOTICED.get(taken, set())
    assert device.status().generation == (2 if taken in NOTICED else 1)
    device.close()


@pytest.mark.parametrize("kept", range(4))
def test_an_outbox_cut_behind_any_edit_is_noticed_by_device_and_administrator(  # U4
    loop: Loop, kept: int
) -> None:
    device, wire = loop.enrol("ann", "ann", "caseload")
    device.sync()
    with device.session(reason="clinic") as session:
        for number in range(4):
            session.open("r-1").edit(PHONE, f"0114 496 00{number:02}")
    device.close()
    cut(Folder(loop.folder / "ann"), kept)
    device = loop.reopen("ann", wire)
    assert (device.status().lost_edits, device.status().pending_edits) == (4 - kept, kept)
    assert device.sync().outcome.value == "complete"
    assert incidents(loop) == {"edits-lost": str(4 - kept)}
    with device.session(reason="clinic") as session:
        session.open("r-1").edit(PHONE, "0114 496 0099")
    device.sync()
    assert (device.status().lost_edits, device.status().pending_edits) == (4 - kept, 0)
    device.close()


def test_an_outbox_without_its_beginning_is_lost_count_unknown(loop: Loop) -> None:  # U4
    device, wire = loop.enrol("ann", "ann", "caseload")
    device.sync()
    with device.session(reason="clinic") as session:
        session.open("r-1").edit(PHONE, "0114 496 0001")
    device.close()
    (loop.folder / "ann" / "outbox").write_bytes(b"")
    device = loop.reopen("ann", wire)
    assert device.status().lost_edits is None
    device.sync()
    assert incidents(loop) == {"edits-lost": "count unknown"}
    device.close()


def cut(folder: Folder, edits: int) -> None:
    """Leave the frames up to so many edits."""
    kept, seen = [], 0
    for payload in read_frames(folder.read("outbox") or b"").payloads:
        seen += isinstance(unpack(Frame, payload), SealedEdit)
        if seen > edits:
            break
        kept.append(payload)
    folder.replace("outbox", MARKER + b"".join(frame(each) for each in kept))
