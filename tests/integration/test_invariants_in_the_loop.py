"""The invariants end to end: real devices against the real application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from caseloads import holding, loop_with
from children import AUTHORITY, PHONE, child
from fieldward_client import AccessClosed, CallerMistake, Device, SyncOutcome, Value
from fieldward_client.wire.transport import HttpAnswer
from fieldward_server.services.custody.device_reports import show_device
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.redactions import ReachedDevice, find_reached
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import take
from fieldward_server.services.distribution.rescoping import change_partition
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.storage import edits
from fieldward_sync.access import Access, WipeState
from fieldward_sync.errors import RetryLater
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.names import device_actor
from loop import Loop, Wire

TERMS = LeaseTerms()


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """A server with two children in one caseload, a third outside it."""
    children = (
        child("r-1"),
        child("r-2", name={"family": "Nowak", "given": "Jan"}),
        child("r-3", involvements={}),
    )
    with loop_with(tmp_path, *children, caseload="team:HV-1", everybody="all") as loop:
        yield loop


@pytest.fixture
def ann(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """A device that holds the caseload."""
    with holding(loop, "ann", "caseload") as ann:
        yield ann


def shield(loop: Loop) -> None:
    raise_shield(
        loop.platform,
        authority=AUTHORITY,
        record_id="r-1",
        actor="test",
        reason="at-risk",
        now=loop.clock.wall,
    )


def write(device: Device, value: str, record: str = "r-1") -> None:
    with device.session(reason="home-visit") as session:
        session.open(record).edit(PHONE, value)


def shown(device: Device) -> set[str]:
    """The children that a device shows, of those there are."""
    held = set()
    with device.session(reason="home-visit") as session:
        for record in ("r-1", "r-2", "r-3", "r-4"):
            with suppress(CallerMistake):
                held.add(session.open(record).record_id)
    return held


def is_shut(device: Device) -> bool:
    try:
        with device.session(reason="home-visit") as session:
            session.search(family="Okafor")
    except AccessClosed:
        return True
    return False


def counters_with_the_server(loop: Loop, device: Device) -> tuple[set[int], set[int]]:
    """The counters of a device's edits that merged, and of those in the inbox."""
    status = device.status()
    actor = device_actor(status.device, status.generation)
    with loop.platform.storage.reading() as transaction:
        merged = {
            edit.counter
            for record in ("r-1", "r-2", "r-3")
            for edit in edits.of_record(transaction, AUTHORITY, record)
            if edit.actor == actor
        }
        refused = {i.counter for i in edits.inbox(transaction, AUTHORITY) if i.actor == actor}
    return merged, refused


def set_access_of(loop: Loop, device: Device, access: Access) -> None:
    set_access(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        access=access,
        actor="test",
        reason="test",
        now=loop.clock.wall,
    )


def test_an_edit_of_a_revoked_device_waits_in_the_inbox(  # invariant 1
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    write(device, "0114 496 0001")
    set_access_of(loop, device, Access.REVOKED)
    report = device.sync()
    assert report.access == "revoked"
    assert counters_with_the_server(loop, device) == (set(), {1})
    assert is_shut(device)


def test_an_edit_of_an_expired_device_merges_when_it_comes(  # invariants 1 and 3
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, wire = ann
    write(device, "0114 496 0001")
    for seconds in (TERMS.closes_seconds, TERMS.destroys_seconds):
        loop.clock.wall += seconds
        assert is_shut(device)
    device.close()
    device = loop.reopen("ann", wire)
    assert device.sync().outcome is SyncOutcome.COMPLETE
    assert counters_with_the_server(loop, device) == ({1}, set())
    assert not is_shut(device)
    assert wire.fetched_bytes > 0
    device.close()


def test_a_copy_reads_again_after_one_sync_and_fetches_nothing_twice(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, wire = ann
    loop.clock.wall += TERMS.destroys_seconds + 1
    assert is_shut(device)
    before = wire.fetched_bytes
    device.sync()
    assert not is_shut(device)
    assert wire.fetched_bytes == before


@pytest.mark.parametrize("seconds", [TERMS.closes_seconds, TERMS.destroys_seconds, 10**9])
def test_nothing_is_read_after_the_lease(  # invariant 3, P20
    loop: Loop, ann: tuple[Device, Wire], seconds: int
) -> None:
    device, wire = ann
    with device.session(reason="home-visit") as session:
        opened = session.open("r-1")
        loop.clock.wall += seconds
        with pytest.raises(AccessClosed):
            session.open("r-1")
        with pytest.raises(AccessClosed):
            session.search(family="Okafor")
        with pytest.raises(AccessClosed):
            opened.edit(PHONE, "0114 496 0001")
    device.close()
    with loop.reopen("ann", wire) as again:
        assert is_shut(again)


def test_a_clock_set_back_shuts_the_copy(  # invariant 3, V5
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    before, wire = ann
    before.close()
    loop.clock.wall -= 3600
    loop.clock.boot = "boot-2"
    device = loop.reopen("ann", wire)
    assert is_shut(device)
    assert device.sync().outcome is SyncOutcome.COMPLETE
    assert not is_shut(device)


def test_an_edit_of_a_wiped_device_still_arrives(  # invariant 1
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, wire = ann
    write(device, "0114 496 0001")
    told = device.status()
    device.close()
    order_wipe(
        loop.platform,
        authority=AUTHORITY,
        device=told.device,
        actor="test",
        reason="test",
        now=loop.clock.wall,
    )
    with loop.reopen("ann", wire, locked=True) as locked:
        report = locked.sync()
    assert report.wiped
    assert report.edits_sent == 1
    seen = show_device(loop.platform, authority=AUTHORITY, device=told.device, now=loop.clock.wall)
    assert seen.wipe is not None
    assert seen.wipe.state is WipeState.DONE
    with loop.platform.storage.reading() as transaction:
        kept = edits.of_record(transaction, AUTHORITY, "r-1")
    assert [edit.counter for edit in kept if edit.actor.startswith(told.device)] == [1]
    with pytest.raises(AccessClosed):
        loop.reopen("ann", wire)


def test_a_partition_that_was_taken_is_named_and_gone_after_one_sync(  # invariant 4
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    files = {path.name for path in (loop.folder / "ann").rglob("*") if len(path.name) == 64}
    assert files
    take(
        loop.platform,
        authority=AUTHORITY,
        device=device.status().device,
        practitioner="ann",
        partition="caseload",
        actor="test",
        reason="test",
        now=loop.clock.wall,
    )
    assert device.sync().lost == ("caseload",)
    assert device.status().partitions == ()
    with device.session(reason="home-visit") as session:
        assert not session.search(family="Okafor")
    assert not files & {path.name for path in (loop.folder / "ann").rglob("*")}


def test_no_device_shows_what_its_grants_do_not_cover(  # invariant 4
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    with device.session(reason="home-visit") as session:
        assert {hit.record_id for hit in session.search(family="Okafor")} == {"r-1"}
        with pytest.raises(CallerMistake):
            session.open("r-3")


def test_what_a_shield_hides_is_gone_and_no_edit_brings_it_back(  # invariant 5, H7
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    with device.session(reason="home-visit") as session:
        before = session.open("r-1")
        assert before["address"]
    shield(loop)
    with device.session(reason="home-visit") as session:
        session.open("r-1").edit("address", {"kind": "no-known-address"})
        with pytest.raises(CallerMistake):
            session.open("r-1").edit("shield", "released")
    device.sync()
    loop.load(child("r-1", name={"family": "Okafor", "given": "Adah"}))
    loop.seal()
    device.sync()
    with device.session(reason="home-visit") as session:
        (hit,) = session.search(family="Okafor")
        shown = session.open("r-1")
        assert hit.shielded
        assert shown.shielded
        assert hit.postcode_district == ""
        assert not [path for path in shown.fields if path.startswith(("address", "involvements"))]
        assert [hit.record_id for hit in session.search(postcode="M14")] == ["r-2"]


@pytest.mark.parametrize("moved_by", ["the old device", "a file"])
def test_a_child_who_moves_within_the_authority_leaves_old_devices_and_reaches_new_ones(
    loop: Loop, moved_by: str
) -> None:
    """R8, D6, invariant 4: within one sync each, whoever brings the new address."""
    there: Value = {"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2AB"}
    loop.load(
        child("r-4", involvements={}, name={"family": "Said", "given": "Noor"}, address=there)
    )
    loop.partition("north", "sector:M14 5")
    loop.partition("south", "sector:S1 2")
    old, _ = loop.enrol("old", "ann", "north")
    new, _ = loop.enrol("new", "ben", "south")
    for device in (old, new):
        device.sync()
    assert (shown(old), shown(new)) == ({"r-1", "r-2", "r-3"}, {"r-4"})
    if moved_by == "a file":
        loop.load(child("r-1", address=there))
    else:
        with old.session(reason="home-visit") as session:
            session.open("r-1").edit("address", there)
        old.sync()
    loop.seal()
    for device in (old, new):
        device.sync()
    assert (shown(old), shown(new)) == ({"r-2", "r-3"}, {"r-1", "r-4"})
    for device in (old, new):
        assert device.status().pending_edits == 0
        device.close()


def test_a_partition_with_other_rules_shows_at_the_next_sync_what_they_choose(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    """Invariants 1 and 4: and an edit of a child that has gone waits for a person."""
    device, _ = ann
    write(device, "07700 900777", record="r-2")
    change_partition(
        loop.platform,
        authority=AUTHORITY,
        partition="caseload",
        rules=["team:HV-9"],
        actor="test",
        reason="test",
        now=loop.now,
    )
    loop.seal()
    device.sync()
    assert shown(device) == set()
    assert counters_with_the_server(loop, device) == (set(), {1})


def test_a_device_confirms_a_shield_in_the_sync_that_brings_it_and_one_that_stays_away_does_not(
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    """H7: *hidden* and *gone*, or until when it could be read."""
    device, wire = ann
    away, _ = loop.enrol("bob", "bob", "caseload", "everybody")
    away.sync()
    loop.clock.wall += 3600
    shield(loop)
    assert {each.stage for each in reached(loop)} == {"open"}
    loop.seal()
    old_files = {path.name for path in (loop.folder / "ann" / "files").iterdir()}
    wire.posts = 0
    assert device.sync().outcome is SyncOutcome.COMPLETE
    assert wire.posts == 2  # the second says what is gone, and asks for nothing
    assert not old_files & {path.name for path in (loop.folder / "ann" / "files").iterdir()}
    stages = {(each.practitioner, each.partition): each for each in reached(loop)}
    assert {who: each.stage for who, each in stages.items()} == {
        ("ann", "caseload"): "gone",
        ("bob", "caseload"): "open",
        ("bob", "everybody"): "open",
    }
    confirmed = stages["ann", "caseload"]
    assert confirmed.hidden_at == confirmed.gone_at == loop.clock.wall
    lease = away.status().lease
    assert lease is not None
    assert stages["bob", "caseload"].readable_until == lease.closes
    wire.posts = 0
    device.sync()
    assert wire.posts == 1
    away.sync()
    assert {each.stage for each in reached(loop)} == {"gone"}
    away.close()


def test_without_signal_for_it_a_device_confirms_a_shield_at_its_next_sync(  # H7
    loop: Loop, ann: tuple[Device, Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    device, wire = ann
    shield(loop)
    loop.seal()
    post = wire.post

    def only_once(path: str, **told: Any) -> HttpAnswer:
        monkeypatch.setattr(wire, "post", no_signal)
        return post(path, **told)

    def no_signal(path: str, **told: Any) -> HttpAnswer:
        raise RetryLater("offline", "There is no signal.")

    monkeypatch.setattr(wire, "post", only_once)
    assert device.sync().outcome is SyncOutcome.COMPLETE
    assert {each.stage for each in reached(loop)} == {"open"}
    monkeypatch.undo()
    device.sync()
    assert {each.stage for each in reached(loop)} == {"gone"}


def test_while_a_lease_still_has_the_old_key_a_shield_is_hidden_and_not_gone(  # H7
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    shield(loop)
    device.sync()  # a lease with the new key and the old one
    loop.practitioner("ann", vetted_until=loop.now - 1)
    loop.seal()
    device.sync()
    loop.clock.wall += 61
    device.sync()
    assert {each.stage for each in reached(loop)} == {"hidden"}
    loop.practitioner("ann")
    for _ in range(2):
        loop.clock.wall += 61  # sooner, a sync that says it and nothing else is not written down
        device.sync()
    assert {each.stage for each in reached(loop)} == {"gone"}


def test_a_device_that_is_revoked_confirms_what_it_has_erased(  # H7
    loop: Loop, ann: tuple[Device, Wire]
) -> None:
    device, _ = ann
    shield(loop)
    set_access_of(loop, device, Access.REVOKED)
    device.sync()
    assert {each.stage for each in reached(loop)} == {"open"}
    loop.clock.wall += 61
    device.sync()
    assert {each.stage for each in reached(loop)} == {"gone"}


def reached(loop: Loop) -> tuple[ReachedDevice, ...]:
    """The devices that may have had what was hidden."""
    return find_reached(loop.platform, authority=AUTHORITY, record="r-1", now=loop.clock.wall)
