"""A hand-over of partitions that are not held off line: what waits for the code, and what the next
practitioner reads before the first sync and after it (P6, design §7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caseloads import anns_tablet, two_practitioners
from children import AUTHORITY
from fieldward_client import Answer, CallerMistake, Device, Unsearched, Way
from fieldward_client.copies.hand_over import waiting_hand_over
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import IDENTITY, Identity
from fieldward_client.keys.lease import open_grant
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.still_held import report_loss
from fieldward_server.services.distribution.ways import set_way
from fieldward_sync.invitations import read_code
from held_keys import keys_of, keys_on_disk
from loop import Loop, Wire
from loop_hand import PASSPHRASE

BENS = "ben's own four words"
DAY = 24 * 3600


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    """Ann holds ``both``; Eve alone is in ``nurses``, which Ben is to hold."""
    with two_practitioners(tmp_path / "loop", both="team:HV-1") as loop:
        yield loop


@pytest.fixture
def tablet(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """Ann's, synced."""
    with anns_tablet(loop) as tablet:
        yield tablet


def told(loop: Loop) -> dict[str, Any]:
    return {"authority": AUTHORITY, "actor": "test", "reason": "test", "now": loop.now}


def hold(loop: Loop, way: Way) -> None:
    set_way(loop.platform, partition="nurses", way=way.value, **told(loop))


def prepared(loop: Loop, device: Device) -> str:
    """The code of a hand-over of ``nurses`` that has come to the device."""
    code = prepare_hand_over(
        loop.platform,
        device=device.status().device,
        practitioner="ben",
        partitions=["nurses"],
        valid_seconds=5 * DAY,
        **told(loop),
    ).code
    assert device.sync().outcome.value == "complete"
    return code


def files(loop: Loop) -> set[str]:
    return {file.name for file in (loop.folder / "tablet" / "files").glob("*")}


def files_of_nurses(loop: Loop) -> set[str]:
    with loop.platform.storage.reading() as transaction:
        rows = transaction.execute("SELECT name FROM sealed_file WHERE partition_id = 'nurses'")
    return {row["name"] for row in rows}


def keys_that_wait(loop: Loop, code: str) -> set[bytes]:
    """The keys of partitions that the code opens on the device."""
    folder = Folder(loop.folder / "tablet")
    identity = folder.load(IDENTITY, Identity)
    assert identity is not None
    waiting = waiting_hand_over(folder, identity)
    assert waiting is not None
    seed = read_code(code).hand_over_seed(
        authority=AUTHORITY,
        device=identity.device,
        generation=identity.generation,
        practitioner="ben",
    )
    ring = open_grant(waiting.stored_lease.grant, waiting.lease, seed).ring
    return {each.key for keys in ring for each in keys.epochs}


def unsearched(device: Device) -> tuple[Unsearched, ...]:
    """What a search for Eve did not search; she is not here."""
    with device.session("clinic") as session:
        found = session.search(family="Whitcombe")
        assert (found.answer, list(found)) == (Answer.NOT_ON_THIS_DEVICE, [])
        with pytest.raises(CallerMistake, match="not-held"):
            session.open("r-eve")
        return found.unsearched


def finds(device: Device) -> bool:
    with device.session("clinic") as session:
        return bool(session.search(family="Whitcombe"))


def held_by_ben(loop: Loop, device: Device) -> list[tuple[Way, int]]:
    name = device.status().device
    lost = report_loss(loop.platform, authority=AUTHORITY, device=name, now=loop.now)
    return [(it.way, it.readable_until) for it in lost.held if it.practitioner == "ben"]


def test_of_a_tethered_partition_nothing_waits_and_who_comes_enquires_once_they_are_heard(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, wire = tablet
    hold(loop, Way.TETHERED)
    loop.seal()
    code = prepared(loop, device)
    assert not files(loop) & files_of_nurses(loop)
    assert keys_that_wait(loop, code) == set()
    assert held_by_ben(loop, device) == [(Way.TETHERED, 0)]
    wire.fault = "lose request"
    assert device.join(code, passphrase=BENS) == "ben"
    assert unsearched(device) == (Unsearched("nurses", "on-line-only"),)
    assert device.sync().outcome.value == "offline"
    assert device.sync().outcome.value == "complete"
    assert unsearched(device) == (Unsearched("nurses", "on-line-only"),)
    with device.session("clinic") as session:
        assert [hit.record_id for hit in session.enquire(family="Whitcombe", given="Eve")] == [
            "r-eve"
        ]


def test_of_a_warm_partition_files_wait_without_a_key_and_the_first_sync_opens_them(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, wire = tablet
    hold(loop, Way.WARM)
    loop.seal()
    code = prepared(loop, device)
    assert files(loop) & files_of_nurses(loop)
    assert keys_that_wait(loop, code) == set()
    device.join(code, passphrase=BENS)
    assert unsearched(device) == (Unsearched("nurses", "until-sync"),)
    fetched = wire.fetched_bytes
    assert device.sync().outcome.value == "complete"
    assert finds(device)
    assert wire.fetched_bytes == fetched, "the files were here"
    assert not keys_on_disk(device) & keys_of(loop, "nurses")
    device.lock()
    device.unlock(BENS, "ben")
    assert unsearched(device) == (Unsearched("nurses", "until-sync"),)


@pytest.mark.parametrize("way", [Way.WARM, Way.TETHERED])
def test_a_stricter_way_takes_from_what_waits_at_anybodys_next_sync(
    loop: Loop, tablet: tuple[Device, Wire], way: Way
) -> None:
    device, _ = tablet
    code = prepared(loop, device)
    assert keys_that_wait(loop, code) & keys_of(loop, "nurses")
    hold(loop, way)
    assert device.sync().outcome.value == "complete"
    assert keys_that_wait(loop, code) == set()
    assert bool(files(loop) & files_of_nurses(loop)) is (way is Way.WARM)
    device.join(code, passphrase=BENS)
    shut = Unsearched("nurses", "until-sync" if way is Way.WARM else "on-line-only")
    assert unsearched(device) == (shut,)


@pytest.mark.parametrize("way", [Way.WARM, Way.TETHERED])
def test_a_stricter_way_takes_from_who_has_come_at_their_first_sync(
    loop: Loop, tablet: tuple[Device, Wire], way: Way
) -> None:
    device, _ = tablet
    device.join(prepared(loop, device), passphrase=BENS)
    assert finds(device)
    hold(loop, way)
    ((held_as, until),) = held_by_ben(loop, device)
    assert (held_as, until) == (Way.OFFLINE, loop.now + 5 * DAY), "it has not said otherwise"
    assert device.sync().outcome.value == "complete"
    assert not keys_on_disk(device) & keys_of(loop, "nurses")
    assert bool(files(loop) & files_of_nurses(loop)) is (way is Way.WARM)
    assert finds(device) is (way is Way.WARM)


def test_a_looser_way_brings_to_what_waits_what_it_takes_to_read_it(
    loop: Loop, tablet: tuple[Device, Wire]
) -> None:
    device, wire = tablet
    hold(loop, Way.TETHERED)
    loop.seal()
    code = prepared(loop, device)
    hold(loop, Way.OFFLINE)
    loop.seal()
    assert device.sync().outcome.value == "complete"
    device.unlock(PASSPHRASE, "ann")
    posts = wire.posts
    device.join(code, passphrase=BENS)
    assert finds(device)
    assert wire.posts == posts
