"""The ways to hold a partition, with real devices of a real application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from children import AUTHORITY, child
from client_world import cheap_unlock_key
from fieldward_client import (
    AccessClosed,
    Answer,
    CallerMistake,
    Device,
    RetryLater,
    Status,
    Unsearched,
    Way,
)
from fieldward_client.keys import passphrases
from fieldward_server.services.distribution.key_epochs import renew_partition_key
from fieldward_server.services.distribution.ways import set_way
from fieldward_server.services.records.shields import raise_shield
from hand_timer import YEARS
from held_keys import keys_of, keys_on_disk
from loop import Loop, Wire
from loop_hand import PASSPHRASE

OTHER_TEAM = {"team": "HV-2", "service": "health-visiting", "since": "2025-01-01"}
HIDDEN = {"family": "Wójcik", "given": "Zofia"}


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    """One child in West, and one in Refuge, each of a team."""
    monkeypatch.setattr(passphrases, "unlock_key", cheap_unlock_key)
    loop = Loop(tmp_path)
    loop.load(
        child("r-ada"),
        child("r-zofia", name=HIDDEN, born="2018-05-06", involvements={"z": OTHER_TEAM}),
    )
    loop.partition("west", "team:HV-1")
    loop.partition("refuge", "team:HV-2")
    yield loop
    loop.close()


def hold(loop: Loop, partition: str, way: Way) -> None:
    """An administrator has a partition held in another way."""
    command: dict[str, Any] = {"actor": "mo", "reason": "in-hiding", "now": loop.clock.now()}
    set_way(loop.platform, authority=AUTHORITY, partition=partition, way=way.value, **command)


def renew(loop: Loop, partition: str) -> None:
    """An administrator has a partition's next key epoch begin."""
    command: dict[str, Any] = {"actor": "mo", "reason": "key-exposed", "now": loop.clock.now()}
    renew_partition_key(loop.platform, authority=AUTHORITY, partition=partition, **command)


def ways(status: Status) -> dict[str, Way]:
    """How the device says that it holds each partition."""
    return {each.partition: each.way for each in status.partitions}


def sealed_files(loop: Loop) -> list[Path]:
    """What lies of partitions on Ann's device."""
    return list((loop.folder / "ann" / "files").glob("*"))


def synced(device: Device) -> None:
    """A sync after which nothing is left to do."""
    report = device.sync()
    assert report.outcome.value == "complete", report


# --- Tethered ---


def test_of_a_tethered_partition_no_file_is_listed_and_its_children_are_found_on_line(
    loop: Loop,
) -> None:
    hold(loop, "refuge", Way.TETHERED)
    loop.seal()
    device, wire = loop.enrol("ann", "p-1", "refuge")
    with device:
        synced(device)
        assert wire.fetched_bytes == 0
        assert not sealed_files(loop)
        assert ways(device.status()) == {"refuge": Way.TETHERED}
        with device.session("transfer-in") as session:
            here = session.search(family="Wojcik")
            assert here.answer is Answer.NOT_ON_THIS_DEVICE
            assert here.unsearched == (Unsearched("refuge", "on-line-only"),)
            (hit,) = session.enquire(family="Wojcik", given="Zofia")
            assert session.open_enquired(hit.record_id)["name.given"] == "Zofia"


def test_what_becomes_tethered_leaves_the_device_with_its_next_sync_and_comes_back_later(
    loop: Loop,
) -> None:
    device, _ = loop.enrol("ann", "p-1", "west", "refuge")
    with device:
        synced(device)
        assert len(sealed_files(loop)) == 2
        with device.session("home-visit") as session:
            assert session.search(family="Wojcik")
            session.open("r-zofia").edit("sex", "female")
        hold(loop, "refuge", Way.TETHERED)
        report = device.sync()
        assert (report.on_line_now, report.lost, report.edits_sent) == (("refuge",), (), 1)
        assert [each.outcome for each in report.verdicts] == ["merged"]
        assert len(sealed_files(loop)) == 1
        with device.session("home-visit") as session:
            assert session.search(family="Wojcik").unsearched
            with pytest.raises(CallerMistake, match="not-held"):
                session.open("r-zofia")
        hold(loop, "refuge", Way.OFFLINE)
        loop.seal()
        synced(device)
        assert ways(device.status()) == {"west": Way.OFFLINE, "refuge": Way.OFFLINE}
        with device.session("home-visit") as session:
            assert session.search(family="Wojcik").unsearched == ()


# --- Warm ---


def require_not_on_disk(loop: Loop, device: Device, partition: str) -> None:
    """Neither opened nor as it lies there does the folder have a key of a partition."""
    keys = keys_of(loop, partition)
    assert not keys & keys_on_disk(device)
    every = b"".join(p.read_bytes() for p in (loop.folder / "ann").rglob("*") if p.is_file())
    assert not [key for key in keys if key in every]


def found(device: Device) -> tuple[list[str], tuple[Unsearched, ...]]:
    """Which of the two children a search finds, and what it did not search."""
    with device.session("home-visit") as session:
        hits = [session.search(born=day) for day in ("2018-05-06", ADA_BORN)]
    return [hit.record_id for each in hits for hit in each], hits[0].unsearched


SHUT = (Unsearched("refuge", "until-sync"),)
ADA_BORN = "2021-03-04"


@pytest.fixture
def warm(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """Ann's device, that holds West offline and Refuge warm, and has synced."""
    hold(loop, "refuge", Way.WARM)
    loop.seal()
    device, wire = loop.enrol("ann", "p-1", "west", "refuge")
    with device:
        synced(device)
        yield device, wire


def test_a_warm_partition_is_read_after_a_sync_and_its_keys_are_never_on_the_disk(
    loop: Loop, warm: tuple[Device, Wire]
) -> None:
    """Design §7: in memory only."""
    device, _ = warm
    assert found(device) == (["r-zofia", "r-ada"], ())
    assert ways(device.status()) == {"west": Way.OFFLINE, "refuge": Way.WARM}
    assert keys_of(loop, "west") & keys_on_disk(device), "what is looked for can be found"
    require_not_on_disk(loop, device, "refuge")


def test_after_lock_and_unlock_without_signal_a_warm_partition_waits_for_a_sync(
    loop: Loop, warm: tuple[Device, Wire]
) -> None:
    device, wire = warm
    fetched = wire.fetched_bytes
    device.lock()
    assert [each.waits for each in device.status().partitions] == [True, False]
    device.unlock(PASSPHRASE)
    wire.fault = "lose request"
    assert device.sync().outcome.value == "offline"
    assert found(device) == (["r-ada"], SHUT)
    with device.session("home-visit") as session, pytest.raises(CallerMistake, match="not-held"):
        session.open("r-zofia")
    assert [each.waits for each in device.status().partitions] == [True, False]
    synced(device)
    assert found(device) == (["r-zofia", "r-ada"], ())
    assert wire.fetched_bytes == fetched, "nothing is fetched twice"
    require_not_on_disk(loop, device, "refuge")


def test_the_keys_of_a_warm_partition_end_with_the_process_the_idle_time_and_the_lease(
    loop: Loop, warm: tuple[Device, Wire]
) -> None:
    device, wire = warm
    device.close()
    with loop.reopen("ann", wire) as again:
        assert found(again) == (["r-ada"], SHUT)
        synced(again)
        assert found(again) == (["r-zofia", "r-ada"], ())
        practitioner = again._practitioner
        assert practitioner is not None
        lease = again.status().lease
        assert lease is not None
        loop.clock.wall = lease.closes
        with pytest.raises(AccessClosed, match="lease-over"):
            found(again)
        assert practitioner.warm_keys.ring == ()
        synced(again)
        assert found(again) == (["r-zofia", "r-ada"], ())
        loop.clock.wall += 2 * YEARS
        assert again.status().locked
        assert practitioner.warm_keys.ring == ()


def test_what_becomes_warm_leaves_no_key_on_the_disk_after_the_next_sync(loop: Loop) -> None:
    """Nor one of an earlier epoch that was kept for the files here."""
    device, wire = loop.enrol("ann", "p-1", "west", "refuge")
    with device:
        synced(device)
        renew(loop, "refuge")
        loop.load(
            child(
                "r-zofia",
                name=HIDDEN,
                born="2018-05-06",
                involvements={"z": OTHER_TEAM},
                sex="female",
            )
        )
        loop.seal()
        synced(device)
        assert keys_of(loop, "refuge") <= keys_on_disk(device)
        fetched = wire.fetched_bytes
        hold(loop, "refuge", Way.WARM)
        synced(device)
        require_not_on_disk(loop, device, "refuge")
        assert found(device) == (["r-zofia", "r-ada"], ())
        assert wire.fetched_bytes == fetched, "the files stay, sealed"


def test_keys_kept_for_older_files_go_before_the_lease_without_them_is_in_force(
    loop: Loop,
) -> None:
    device, wire = loop.enrol("ann", "p-1", "west", "refuge")
    with device:
        synced(device)
        command: dict[str, Any] = {"actor": "mo", "reason": "in-hiding", "now": loop.clock.now()}
        raise_shield(loop.platform, authority=AUTHORITY, record_id="r-zofia", **command)
        loop.seal()  # an image in a new key epoch, whose lease brings no key of the one before
        with patch.object(wire, "fetch", side_effect=RetryLater("offline", "Lost.")):
            device.sync()
            assert keys_of(loop, "refuge") <= keys_on_disk(device)
            hold(loop, "refuge", Way.WARM)
            device.sync()
        require_not_on_disk(loop, device, "refuge")


def test_an_edit_of_a_warm_record_is_kept_and_goes_up(
    loop: Loop, warm: tuple[Device, Wire]
) -> None:
    """Invariant 1."""
    device, wire = warm
    with device.session("home-visit") as session:
        session.open("r-zofia").edit("sex", "female")
    device.close()
    with loop.reopen("ann", wire) as again:
        assert [each.state for each in again.pending()] == ["unsent"]
        assert found(again) == (["r-ada"], SHUT)
        assert [each.outcome for each in again.sync().verdicts] == ["merged"]
        with again.session("home-visit") as session:
            assert session.open("r-zofia")["sex"] == "female"


def test_where_the_lease_is_not_renewed_the_rest_is_taken_and_what_is_warm_stays_shut(
    loop: Loop,
) -> None:
    """Invariant 4: neither a lost partition nor a stricter way waits for a renewal."""
    device, _ = loop.enrol("ann", "p-1", "west", "refuge")
    with device:
        synced(device)
        assert found(device) == (["r-zofia", "r-ada"], ())
        hold(loop, "refuge", Way.WARM)
        loop.practitioner("p-1", vetted_until=loop.now - 1)
        report = device.sync()
        assert report.error is not None
        assert report.error.code == "vetting-over"
        assert ways(device.status()) == {"west": Way.OFFLINE, "refuge": Way.WARM}
        assert found(device) == (["r-ada"], SHUT)
        loop.practitioner("p-1")
        synced(device)
        assert found(device) == (["r-zofia", "r-ada"], ())
        require_not_on_disk(loop, device, "refuge")


def test_a_session_that_gets_no_keys_takes_what_has_changed_elsewhere(
    loop: Loop, warm: tuple[Device, Wire]
) -> None:
    device, _ = warm
    device.lock()
    device.unlock(PASSPHRASE)
    loop.load(child("r-mia", name={"family": "Osei", "given": "Mia"}))
    loop.load(child("r-jan", name=HIDDEN, born="2018-05-06", involvements={"z": OTHER_TEAM}))
    loop.seal()
    loop.practitioner("p-1", vetted_until=loop.now - 1)
    assert device.sync().outcome.value == "partial"
    assert (sorted(found(device)[0]), found(device)[1]) == (["r-ada", "r-mia"], SHUT)
    loop.practitioner("p-1")
    synced(device)
    assert sorted(found(device)[0]) == ["r-ada", "r-jan", "r-mia", "r-zofia"]


def test_what_changes_in_a_warm_partition_reaches_an_open_session(
    loop: Loop, warm: tuple[Device, Wire]
) -> None:
    """Over a new key epoch, too, and though the files of the one before did not come whole."""
    device, wire = warm
    renew(loop, "refuge")
    loop.load(child("r-jan", name=HIDDEN, born="2018-05-06", involvements={"z": OTHER_TEAM}))
    loop.seal()
    with patch.object(wire, "fetch", side_effect=RetryLater("offline", "Lost.")):
        assert device.sync().outcome.value == "partial"
    assert found(device) == (["r-zofia", "r-ada"], ())
    synced(device)
    assert sorted(found(device)[0]) == ["r-ada", "r-jan", "r-zofia"]
