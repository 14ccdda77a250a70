"""What reaches a device: feeds, files, digests, and what it is told to lose."""

from __future__ import annotations

import errno
import multiprocessing
import os
from dataclasses import replace
from itertools import count
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from children import AUTHORITY, PHONE, child, stranger
from field_device import FieldDevice
from fieldward_server.files import SealedFiles
from fieldward_server.services.distribution.partition_keys import digest_key
from fieldward_server.services.distribution.partitions import grant, list_partitions
from fieldward_server.services.distribution.sealing import seal_partitions, sweep_files
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.loading import load_records
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import authorities, memberships, open_storage
from fieldward_sync import digest
from fieldward_sync.access import Access
from fieldward_sync.distribution import Manifest
from fieldward_sync.encoding import unpack
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.records import ProposedChange, Value
from fieldward_sync.views import View
from service_world import MASTER_KEYS, World

HOUR = 3600
CHILDREN = [f"c{n:02d}" for n in range(20)]
LOADED_BY_EACH = 30
ROOM_BYTES = 6_000


@pytest.fixture
def device(world: World) -> FieldDevice:
    """A device that holds twenty children."""
    world.load(*(stranger(name) for name in CHILDREN))
    world.partition("caseload", "team:HV-1")
    world.seal()
    device = world.device("caseload")
    device.sync()
    return device


def end_involvement(device: FieldDevice, record_id: str) -> None:
    """The team's work with a child ends, so that the child leaves its caseload."""
    assert device.edit(record_id, "involvements/a1.ended", "2026-01-31").outcome == "merged"


def recomputed(world: World, partition: str) -> tuple[bytes, int]:
    """A partition's digest and size, from its records alone."""
    row = world.stored_partition(partition)
    key = digest_key(world.platform, row)
    with world.platform.storage.reading() as transaction:
        views = memberships.views(transaction, AUTHORITY, partition)
    total = digest.EMPTY
    for body in views:
        view = View.read(body)
        total = digest.added(total, digest.element(key, view.record_id, view.revision, body))
    return total, len(views)


def feed(world: World, partition: str) -> list[tuple[int, str, bool]]:
    """A partition's feed: number, record, whether it left."""
    with world.platform.storage.reading() as transaction:
        rows = transaction.execute(
            "SELECT number, record_id, removed FROM feed WHERE partition_id = :partition"
            " ORDER BY number",
            partition=partition,
        )
    return [(row["number"], row["record_id"], bool(row["removed"])) for row in rows]


def kinds(device: FieldDevice) -> list[str]:
    """The kinds of files in the caseload's manifest."""
    device.sync()
    assert device.distribution is not None
    (manifest,) = device.distribution.manifests
    return [file.context.kind for file in manifest.files]


def test_a_first_sync_brings_all_records_of_the_partition(device: FieldDevice) -> None:
    assert sorted(device.contents("caseload")) == CHILDREN
    assert device.contents("caseload")["c00"] == device.world.view("c00")


def test_a_change_reaches_the_device_in_a_segment_at_the_number_its_verdict_names(
    device: FieldDevice,
) -> None:
    verdict = device.edit("c00", PHONE, "07700 900777")
    assert device.world.seal() == 1
    assert kinds(device) == ["image", "segment"]
    assert device.contents("caseload")["c00"] == device.world.view("c00")
    assert device.distribution is not None
    assert device.distribution.manifests[0].feed == verdict.feeds[0].number


def test_a_record_that_leaves_the_caseload_is_removed_by_feed_and_segment(
    device: FieldDevice,
) -> None:
    end_involvement(device, "c05")
    assert feed(device.world, "caseload")[-1] == (2, "c05", True)
    device.world.seal()
    assert kinds(device) == ["image", "segment"]
    assert sorted(device.contents("caseload")) == [c for c in CHILDREN if c != "c05"]
    assert device.edit("c05", PHONE, "07700 900777").code == "out-of-scope"


def test_what_was_removed_is_gone_from_the_image_within_a_day(device: FieldDevice) -> None:
    end_involvement(device, "c05")
    device.world.seal()
    device.world.now += 20 * HOUR - 1
    assert device.world.seal() == 0
    device.world.now += 1
    assert device.world.seal() == 1
    assert kinds(device) == ["image"]


def test_a_removal_noted_by_a_clock_that_ran_ahead_does_not_wait_until_then(
    device: FieldDevice,
) -> None:
    """It would stay in the image for as long (invariant 4). Clocks of hosts differ a little."""
    world = device.world
    sealed_at = world.now
    world.now += 60
    end_involvement(device, "c05")
    world.now = sealed_at
    world.seal()
    assert kinds(device) == ["image", "segment"]
    world.now = sealed_at - 1
    assert world.seal() == 1
    assert kinds(device) == ["image"]


def test_a_record_that_comes_back_is_there_again(device: FieldDevice) -> None:
    end_involvement(device, "c05")
    device.world.load(child("c05", involvements={"b1": involvement("HV-1")}))
    device.world.seal()
    device.sync()
    assert sorted(device.contents("caseload")) == CHILDREN


def involvement(team: str) -> dict[str, str]:
    return {"service": "health-visiting", "team": team, "since": "2022-01-01"}


def test_a_record_is_in_every_partition_whose_rule_chooses_it(world: World) -> None:
    world.partition("late", "team:HV-2", "sector:M14 5")
    world.load(child("c1", involvements={"a1": involvement("HV-2"), "a2": involvement("HV-3")}))
    world.partition("early", "team:HV-3")
    world.partition("everybody", "all")
    world.partition("nobody", "team:HV-9")
    reports = list_partitions(world.platform, AUTHORITY)
    assert [(report.partition, report.records) for report in reports] == [
        ("early", 1),
        ("everybody", 1),
        ("late", 1),
        ("nobody", 0),
    ]


@pytest.mark.parametrize(
    "rule", ["", "team:", "team:hv-1", "sector:M14", "postcode:M14 5AB", "All"]
)
def test_a_rule_is_one_of_three_kinds(world: World, rule: str) -> None:
    with pytest.raises(CallerMistake, match="rule-malformed"):
        world.partition("caseload", rule)


def test_a_partition_is_made_once(world: World) -> None:
    world.partition("caseload", "all")
    with pytest.raises(CallerMistake, match="partition-exists"):
        world.partition("caseload", "all")


def test_the_digest_is_always_that_of_the_records(world: World, device: FieldDevice) -> None:
    world.partition("sector", "sector:M14 5")
    moved: Value = {"kind": "current", "lines": ["9 Low Road"], "postcode": "S1 2AB"}
    device.edit("c00", PHONE, "07700 900777")
    device.edit("c01", "address", moved)
    end_involvement(device, "c02")
    world.load(child("c20"), child("c03", sex="male"))
    for partition in ("caseload", "sector"):
        row = world.stored_partition(partition)
        assert (row.digest, row.records) == recomputed(world, partition)
        numbers = [number for number, _, _ in feed(world, partition)]
        assert numbers == list(range(2, row.feed + 1))
    assert [world.stored_partition(p).records for p in ("caseload", "sector")] == [20, 20]


# --- The sealing job ---


def test_the_job_does_nothing_where_nothing_changed(device: FieldDevice) -> None:
    before = device.world.written()
    assert device.world.seal() == 0
    assert device.world.written() == before


def test_an_empty_partition_has_files_too(world: World) -> None:
    world.partition("empty", "team:HV-9")
    assert world.seal() == 1
    device = world.device("empty")
    device.sync()
    assert device.contents("empty") == {}


def test_a_partition_that_is_too_large_for_a_device_holds_up_no_other(
    world: World, device: FieldDevice
) -> None:
    """Nor is it listed: a device refuses a list with such a file in it, and all else there."""
    world.load(*(stranger(f"more-{n}") for n in range(100)))
    world.partition("empty", "team:NOBODY")
    world.seal()
    manifest: Manifest = unpack(Manifest, world.stored_partition("empty").manifest or b"")
    world.partition("all-of-them", "all")
    world.partition("nobody", "team:NOBODY")
    largest = manifest.files[0].opened_bytes
    with (
        patch("fieldward_sync.distribution.MAX_OPENED_BYTES", largest),
        pytest.raises(CallerMistake, match="file-too-large"),
    ):
        world.seal()
    files = {each.partition: each.files for each in list_partitions(world.platform, AUTHORITY)}
    assert (files["all-of-them"], files["nobody"]) == (0, 1)


class Small(SealedFiles):
    """A folder on a disk that has room for little more."""

    def write(self, sealed: bytes) -> str:
        if len(sealed) > ROOM_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(sealed)


def test_a_partition_that_the_disk_has_no_room_for_holds_up_no_other(
    world: World, device: FieldDevice, tmp_path: Path
) -> None:
    """Nor what a shield hides there (H7)."""
    world.partition("all-of-them", "all")
    world.load(*(stranger(f"more-{n}") for n in range(100)))
    raise_shield(
        world.platform,
        authority=AUTHORITY,
        record_id="c05",
        actor="test",
        reason="court-order",
        now=world.now,
    )
    world.partition("nobody", "team:NOBODY")
    full = replace(world.platform, files=Small(tmp_path / "files"))
    with pytest.raises(OSError, match="No space left"):
        seal_partitions(full, world.now)
    assert world.stored_partition("all-of-them").manifest is None
    assert world.stored_partition("nobody").manifest is not None


@pytest.mark.parametrize(("busy_at", "made"), [((1,), 4), ((1, 2, 3), 1), ((0, 1, 3, 4), 1)])
def test_a_database_that_is_busy_for_one_partition_is_asked_for_the_others(
    world: World, tmp_path: Path, busy_at: tuple[int, ...], made: int
) -> None:
    """One that is busy or away for several in a row is not asked for thousands."""
    for name in "abcde":
        world.partition(name, "all")
    turns = count()

    def happening() -> None:
        if next(turns) in busy_at:
            raise RetryLater("database-busy", "The database cannot take this now.")

    with pytest.raises(RetryLater):
        seal_while(world, tmp_path / "files", happening)
    assert sum(world.stored_partition(name).manifest is not None for name in "abcde") == made


def test_a_segment_that_passes_a_fifth_of_its_image_becomes_an_image(device: FieldDevice) -> None:
    for name in CHILDREN[:4]:
        device.edit(name, PHONE, "07700 900777")
    device.world.seal()
    assert kinds(device) == ["image", "segment"]
    device.edit(CHILDREN[4], PHONE, "07700 900777")
    device.world.seal()
    assert kinds(device) == ["image"]
    assert device.contents("caseload")["c04"] == device.world.view("c04")


def test_a_lost_file_is_made_again_under_the_next_manifest(device: FieldDevice) -> None:
    assert device.distribution is not None
    (file,) = device.distribution.manifests[0].files
    device.world.platform.files.remove(file.name)
    assert device.world.seal() == 1
    device.sync()
    assert sorted(device.contents("caseload")) == CHILDREN


@pytest.mark.parametrize("damage", ["cut", "emptied", "a bit changed"])
def test_a_damaged_file_is_made_again_under_the_next_manifest(
    device: FieldDevice, damage: str
) -> None:
    """Until then no holder takes their list, nor what other partitions are to hide (9, H7)."""
    world, files = device.world, device.world.platform.files
    assert device.distribution is not None
    (file,) = device.distribution.manifests[0].files
    path = files.path(file.name)
    assert path is not None
    sealed = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(sealed[:-1])
        case "emptied":
            path.write_bytes(b"")
        case _:
            path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
            assert world.seal() == 0, "that is seen when the files are swept"
            assert sweep_files(world.platform, world.now) == 1
    assert world.seal() == 1
    device.sync()
    assert sorted(device.contents("caseload")) == CHILDREN
    assert sweep_files(world.platform, world.now) == 0, "what is whole stays"


@pytest.mark.parametrize("stays", [0, 1])
def test_a_file_that_cannot_be_removed_keeps_no_other(device: FieldDevice, stays: int) -> None:
    world, files = device.world, device.world.platform.files
    device.edit("c00", PHONE, "07700 900777")
    assert world.seal() == 1
    device.sync()
    assert device.distribution is not None
    names = [each.name for each in device.distribution.manifests[0].files]
    paths = [path for name in names if (path := files.path(name)) is not None]
    stray = paths[0].with_name("0" * 64)
    stray.write_bytes(b"")
    os.utime(stray, (0, 0))
    for path in paths:
        path.unlink()
    paths.pop(stays).mkdir()
    (damaged,) = paths
    damaged.write_bytes(b"no longer what was sealed")
    with pytest.raises(OSError, match="directory"):
        sweep_files(world.platform, world.now)
    assert not stray.exists()
    assert not damaged.exists()


def test_a_shield_makes_a_new_image_in_a_new_epoch_at_once(device: FieldDevice) -> None:
    raise_shield(
        device.world.platform,
        authority=AUTHORITY,
        record_id="c05",
        actor="test",
        reason="court-order",
        now=device.world.now,
    )
    assert device.world.seal() == 1
    assert kinds(device) == ["image"]
    view = device.contents("caseload")["c05"]
    assert view.shielded
    assert not view.at("address")
    assert device.distribution is not None
    assert device.distribution.manifests[0].files[0].context.epoch == 2
    assert device.world.seal() == 0


def test_a_shielded_record_is_in_no_sector(world: World, device: FieldDevice) -> None:
    world.partition("sector", "sector:M14 5")
    device.edit("c05", "shield", "raised")
    assert world.stored_partition("sector").records == len(CHILDREN) - 1
    assert world.stored_partition("caseload").records == len(CHILDREN)
    world.seal()
    assert feed(world, "sector") == [(2, "c05", True)]
    assert world.stored_partition("sector").image_feed == 2


def test_withdrawn_consent_hides_an_involvement_at_once(device: FieldDevice) -> None:
    device.edit("c05", "involvements/a1.consent_withdrawn", "raised")
    assert device.world.seal() == 1
    assert kinds(device) == ["image"]
    assert "c05" not in device.contents("caseload")


def test_an_involvement_that_turns_out_to_be_sensitive_is_hidden_at_once(
    device: FieldDevice,
) -> None:
    changes = (
        ProposedChange("involvements/a1.service", "mental-health", (1,)),
        ProposedChange("involvements/a1.sensitive_ground", "consent"),
    )
    verdict = device.edit("c05", "", None, shown=(), changes=changes)
    assert verdict.outcome == "merged"
    assert device.world.seal() == 1
    assert kinds(device) == ["image"]
    view = device.contents("caseload")["c05"]
    assert view.text("involvements/a1.service") == "sensitive"
    assert not view.at(PHONE)


def test_what_stays_in_sight_needs_no_new_image(device: FieldDevice) -> None:
    device.edit("c05", "shield", "raised")
    device.world.seal()
    device.edit("c05", "name.given", "Adaeze")
    assert device.world.seal() == 1
    assert kinds(device) == ["image", "segment"]


class Meanwhile(SealedFiles):
    """A folder in which something happens while a file is being written."""

    def __init__(self, folder: Path, happening: Any) -> None:
        super().__init__(folder)
        self._happening = happening

    def write(self, sealed: bytes) -> str:
        self._happening()
        return super().write(sealed)

    def remove(self, name: str) -> None:
        self._happening()
        super().remove(name)


def seal_while(world: World, folder: Path, happening: Any) -> int:
    """Run the sealing job while something else happens."""
    return seal_partitions(replace(world.platform, files=Meanwhile(folder, happening)), world.now)


def test_what_changes_while_files_are_made_is_caught_up_with(
    device: FieldDevice, tmp_path: Path
) -> None:
    world = device.world
    device.edit("c00", PHONE, "07700 900777")

    def happening() -> None:
        device.edit("c01", PHONE, "07700 900778")

    assert seal_while(world, tmp_path / "files", happening) == 1
    device.sync()
    assert device.contents("caseload")["c01"] != world.view("c01")
    assert world.seal() == 1
    device.sync()
    assert device.contents("caseload")["c01"] == world.view("c01")


def test_nothing_is_published_under_a_key_epoch_that_ended_meanwhile(
    device: FieldDevice, tmp_path: Path
) -> None:
    world = device.world
    other = world.device("caseload")
    device.edit("c00", PHONE, "07700 900777")
    state = world.stored_partition("caseload").published_state
    assert seal_while(world, tmp_path / "files", lambda: other.loses("caseload")) == 0
    assert world.stored_partition("caseload").published_state == state
    files = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert len(files) == 1
    world.now += 25 * HOUR
    assert sweep_files(world.platform, world.now) == 0
    assert world.seal() == 1
    device.sync()
    assert device.contents("caseload")["c00"] == world.view("c00")


def test_files_that_no_manifest_lists_stay_for_a_day(device: FieldDevice) -> None:
    world = device.world
    device.edit("c00", PHONE, "07700 900777")
    world.seal()
    first = device.world.platform.files
    device.sync()
    assert device.distribution is not None
    image, segment = device.distribution.manifests[0].files
    device.edit("c01", PHONE, "07700 900777")
    world.seal()
    world.now += 24 * HOUR
    assert sweep_files(world.platform, world.now) == 0
    world.now += 1
    assert sweep_files(world.platform, world.now) == 1
    assert first.path(segment.name) is None
    assert first.path(image.name) is not None
    assert sweep_files(world.platform, world.now) == 0


def test_nobody_waits_for_the_files_disk_while_it_lets_go_of_some(
    device: FieldDevice, tmp_path: Path
) -> None:
    """Nor is a file forgotten that it did not let go of."""
    world = device.world
    for number in range(3):
        device.edit("c00", PHONE, f"07700 90077{number}")
        world.seal()
    world.now += 24 * HOUR + 1
    answers = iter([OSError(errno.EIO, "Input/output error"), None, None])

    def happening() -> None:
        device.edit("c01", PHONE, "07700 900779")
        if error := next(answers):
            raise error

    slow = replace(world.platform, files=Meanwhile(tmp_path / "files", happening))
    with pytest.raises(OSError, match="Input/output"):
        sweep_files(slow, world.now)
    assert sweep_files(slow, world.now) == 2


def test_what_was_hidden_is_sealed_first_and_then_the_smallest(device: FieldDevice) -> None:  # H7
    """A worker whose memory is too small for the largest has sealed all others by then."""
    world = device.world
    elsewhere = {"b1": {"service": "health-visiting", "team": "HV-9", "since": "2023-01-01"}}
    world.load(*(stranger(f"other-{n}", involvements=elsewhere) for n in range(3)))
    world.partition("a-large-one", "team:HV-9")
    world.partition("b-small-one", "team:NOBODY")
    device.edit("c05", "involvements/a1.consent_withdrawn", "raised")
    assert world.seal() == 3
    order = sorted(
        ("a-large-one", "b-small-one", "caseload"),
        key=lambda name: world.stored_partition(name).published_state,
    )
    assert order == ["caseload", "b-small-one", "a-large-one"]


# --- What a practitioner may hold ---


def test_a_lost_partition_is_named(device: FieldDevice) -> None:  # P2
    for _ in range(2):
        device.loses("caseload")
    device.sync()
    assert device.distribution is not None
    assert device.distribution.manifests == ()
    assert device.distribution.lost == ("caseload",)
    assert device.sync().distribution is None


def test_a_partition_that_is_granted_again_is_no_longer_lost(device: FieldDevice) -> None:
    device.loses("caseload")
    device.sync()
    grant(
        device.world.platform,
        authority=AUTHORITY,
        device=device.name,
        practitioner="p-1",
        partition="caseload",
        actor="test",
        reason="routine",
        now=device.world.now,
    )
    device.sync()
    assert device.distribution is not None
    assert device.distribution.lost == ()
    assert sorted(device.contents("caseload")) == CHILDREN


def test_another_partitions_files_concern_nobody_else(device: FieldDevice) -> None:
    device.world.partition("other", "all")
    device.world.seal()
    assert device.sync().distribution is None


def test_a_distribution_is_sent_again_after_a_restore(device: FieldDevice) -> None:
    device.held = msgspec.structs.replace(device.held, incarnation=device.held.incarnation - 1)
    assert device.sync().distribution is not None


def test_while_more_requests_follow_nothing_comes_down(device: FieldDevice) -> None:
    device.held = msgspec.structs.replace(device.held, incarnation=0, number=0)
    assert device.sync(more=True).distribution is None
    assert device.sync().distribution is not None


def test_a_paused_device_pulls_nothing(device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)
    device.held = msgspec.structs.replace(device.held, incarnation=0, number=0)
    assert device.sync().distribution is None


def test_newer_trust_comes_down_once(device: FieldDevice) -> None:
    assert device.sync(trust_version=0).trust is not None
    assert device.sync().trust is None


# --- Several writers ---


def load_some(url: str, folder: Path, prefix: str, start: Barrier) -> None:
    """What each process does: load children, each in a transaction of its own."""
    storage = open_storage(url)
    register = ShieldRegister(folder / "shield-register", MASTER_KEYS, entropy=os.urandom)
    files = SealedFiles(folder)
    platform = Platform(storage, MASTER_KEYS, files, register, bytes, LeaseTerms(), 0)
    start.wait()
    for n in range(LOADED_BY_EACH):
        list(
            load_records(
                platform,
                [child(f"{prefix}{n}")],
                authority=AUTHORITY,
                actor="test",
                reason="routine",
                now=0,
            )
        )
    storage.close()


def test_feeds_of_two_writing_processes_have_no_holes_and_lose_nothing(
    world: World, database_url: str, tmp_path: Path
) -> None:
    world.partition("caseload", "team:HV-1")
    world.partition("everybody", "all")
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    writers = [
        spawn.Process(target=load_some, args=(database_url, tmp_path, prefix, start))
        for prefix in "ab"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    loaded = 2 * LOADED_BY_EACH
    for partition in ("caseload", "everybody"):
        row = world.stored_partition(partition)
        assert (row.digest, row.records) == recomputed(world, partition)
        assert row.records == loaded
        assert [number for number, _, _ in feed(world, partition)] == list(range(2, loaded + 2))
    with world.platform.storage.reading() as transaction:
        sheffield = authorities.find(transaction, AUTHORITY)
    assert sheffield is not None
    assert sheffield.edit_counter == loaded
