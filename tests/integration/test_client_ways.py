"""The ways to hold a partition, with real devices of a real application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client_world import cheap_unlock_key
from fieldward_client import Answer, CallerMistake, Device, Status, Unsearched, Way, passphrases
from fieldward_server.services.ways import set_way
from fieldwork import AUTHORITY, child
from loop import Loop

HIDDEN = {"family": "Wójcik", "given": "Zofia"}


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loop]:
    """One child in West, and one in Refuge, each of a team."""
    monkeypatch.setattr(passphrases, "unlock_key", cheap_unlock_key)
    loop = Loop(tmp_path)
    other_team = {"team": "HV-2", "service": "health-visiting", "since": "2025-01-01"}
    loop.load(
        child("r-ada"),
        child("r-zofia", name=HIDDEN, born="2018-05-06", involvements={"z": other_team}),
    )
    loop.partition("west", "team:HV-1")
    loop.partition("refuge", "team:HV-2")
    yield loop
    loop.close()


def hold(loop: Loop, partition: str, way: Way) -> None:
    """An administrator has a partition held in another way."""
    command: dict[str, Any] = {"actor": "mo", "reason": "in-hiding", "now": loop.clock.now()}
    set_way(loop.platform, authority=AUTHORITY, partition=partition, way=way.value, **command)


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
