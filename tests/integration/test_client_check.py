"""``fieldward field fsck``: what is damaged in a folder is told, and nothing is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from client_world import PASSPHRASE, PHONE, World
from device_clock import DeviceClock
from fieldward_client.checking.check import Checked, check_folder
from fieldward_client.checking.check_reading import check_reading
from fieldward_client.checking.findings import Finding
from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import UNFINISHED, Folder
from fieldward_client.disk.frames import MARKER, frame, read_frames
from fieldward_client.keys.device_secret import DEVICE_SECRET
from health_visitor import HealthVisitor, synced_at


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A device that has synced, with look-ups and two unsent edits."""
    world = World(tmp_path, monkeypatch)
    with world.ready() as device:
        with device.session("clinic") as session:
            session.open("r-ben")
        device.sync()
        with device.session("home-visit") as session:
            for phone in ("07700 900111", "07700 900222"):
                session.open("r-ada").edit(PHONE, phone)
    return world


def check(world: World) -> Checked:
    folder = Folder(world.home())
    return check_folder(folder, TrustedClock(folder, world.clock))


def contents(home: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in home.rglob("*") if each.is_file()}


def drop_frame(place: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        kept = [*read_frames(data).payloads]
        del kept[place]
        return MARKER + b"".join(frame(each) for each in kept)

    return change


def swap_frames(one: int, other: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        kept = [*read_frames(data).payloads]
        kept[one], kept[other] = kept[other], kept[one]
        return MARKER + b"".join(frame(each) for each in kept)

    return change


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_a_device_that_works_is_sound_locked_and_read(world: World) -> None:
    before = contents(world.home())
    checked = check(world)
    assert (checked.findings, checked.is_sound) == ((), True)
    assert checked.sealed_bytes > 0
    assert contents(world.home()) == before, "nothing is changed"
    assert reading(world) == ()


@pytest.mark.parametrize(
    "name",
    [
        *("identity", "contact", "counters", "clock", "device-secret", "journal-key"),
        *("outbox-made", "practitioners/p-tablet/vault", "practitioners/p-tablet/attempts"),
        *("practitioners/p-tablet/lease", "practitioners/p-tablet/distribution"),
        "practitioners/p-tablet/store-key",
    ],
)
def test_every_document_that_is_changed_is_named(world: World, name: str) -> None:
    path = world.home() / name
    path.write_bytes(path.read_bytes()[:-1])
    codes = {(each.code, each.where) for each in check(world).findings}
    assert ("document-damaged", name) in codes


@pytest.mark.parametrize(
    "name", ["contact", "clock", "journal", "outbox", "journal-key", "outbox-made"]
)
def test_every_document_that_is_gone_is_named(world: World, name: str) -> None:
    (world.home() / name).unlink()
    assert ("document-missing", name) in {(f.code, f.where) for f in check(world).findings}


@pytest.mark.parametrize(
    ("name", "change", "codes"),
    [
        ("outbox", lambda data: data[:-5], {"torn-tail", "edits-lost"}),
        ("outbox", lambda data: data + b"\0" * 9, {"torn-tail"}),
        ("outbox", drop_frame(-1), {"edits-lost"}),
        ("outbox", drop_frame(2), {"edits-lost"}),
        ("outbox", drop_frame(0), {"edits-lost-unknown"}),
        ("outbox", swap_frames(2, 3), {"edits-out-of-order"}),
        ("outbox", flip, {"frames-damaged", "edits-lost"}),
        ("journal", lambda data: data + b"\0" * 9, {"torn-tail"}),
        ("journal", drop_frame(2), {"journal-broken"}),
        ("journal", drop_frame(0), {"journal-broken"}),
        ("journal", swap_frames(-1, -2), {"journal-broken"}),
        ("journal", flip, {"frames-damaged", "journal-broken"}),
    ],
)
def test_a_log_that_was_cut_changed_or_reordered_is_told_from_a_torn_one(  # U4
    world: World, name: str, change: Callable[[bytes], bytes], codes: set[str]
) -> None:
    path = world.home() / name
    path.write_bytes(change(path.read_bytes()))
    assert {each.code for each in check(world).findings} == codes


def test_a_journal_cut_behind_what_the_server_has_is_noticed(world: World) -> None:
    path = world.home() / "journal"
    base, *_ = read_frames(path.read_bytes()).payloads
    path.write_bytes(MARKER + frame(base))
    assert "journal-behind" in {each.code for each in check(world).findings}


def test_sealed_files_are_compared_with_their_signed_list(world: World) -> None:
    (sealed,) = (world.home() / "files").iterdir()
    sealed.write_bytes(flip(sealed.read_bytes()))
    assert {each.code for each in check(world).findings} == {"file-changed"}
    sealed.unlink()
    assert {each.code for each in check(world).findings} == {"file-missing"}


def test_strays_and_what_a_crash_left_are_told_apart(world: World) -> None:
    (world.home() / "notes.txt").write_bytes(b"x")
    (world.home() / "practitioners" / "p-tablet" / "lease.new").write_bytes(b"x")
    (world.home() / "files" / ("0" * 64)).write_bytes(b"x")
    found = {each.code: each.weight for each in check(world).findings}
    assert found == {"stray": "damage", "half-replaced": "unfinished", "unlisted": "unfinished"}
    world.open().close()
    assert "half-replaced" not in {each.code for each in check(world).findings}


@pytest.mark.parametrize("name", [b"\xff\xfe", b"\x1b[1A\x1b[2K"], ids=["no text", "obeyed"])
def test_whatever_a_stray_is_called_it_can_be_shown(world: World, name: bytes) -> None:
    """Whoever put it there could end the check, or take its line off the screen."""
    Path(os.fsdecode(os.fsencode(world.home()) + b"/" + name)).write_bytes(b"x")
    (found,) = check(world).findings
    assert found.code == "stray"
    assert found.where.isascii()
    assert found.where.isprintable()


def test_an_enrolment_that_broke_off_at_its_first_file_has_left_no_damage(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "device")
    folder.create()
    (tmp_path / "device" / f"{DEVICE_SECRET}{UNFINISHED}").write_bytes(b"")
    checked = check_folder(folder, TrustedClock(folder, DeviceClock()))
    assert checked.is_sound
    assert [each.code for each in checked.findings] == ["half-replaced"]


def test_an_edit_that_was_changed_is_found_with_the_passphrase(world: World) -> None:
    path = world.home() / "outbox"
    payloads = [*read_frames(path.read_bytes()).payloads]
    payloads[2] = payloads[2][:-1] + bytes([payloads[2][-1] ^ 1])
    path.write_bytes(MARKER + b"".join(frame(each) for each in payloads))
    assert check(world).is_sound, "without it there is nothing to see"
    assert {each.code for each in reading(world)} == {"edit-unreadable"}


def test_nothing_is_read_after_the_lease(world: World) -> None:  # invariant 3
    world.clock.advance(hours=100)
    assert {each.code for each in reading(world)} == {"not-read"}


def reading(world: World) -> tuple[Finding, ...]:
    folder = Folder(world.home())
    return check_reading(
        folder,
        TrustedClock(folder, world.clock),
        "p-tablet",
        PASSPHRASE,
        key_store=None,
        entropy=os.urandom,
    )


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    with synced_at(tmp_path) as ann:
        yield ann


def test_the_command_says_what_is_lost_and_what_to_do(ann: HealthVisitor) -> None:
    assert "sound" in ann.does("fsck")
    (sealed, *_) = (ann.folder / "files").iterdir()
    sealed.unlink()
    said = ann.types("fsck")
    assert said.exit_code == 1
    assert "[file-missing]" in said.stdout
    assert "Connect and sync" in said.stdout
    (found,) = (json.loads(line) for line in ann.types("fsck", "--json").stdout.splitlines())
    assert (found["code"], found["weight"]) == ("file-missing", "damage")
    ann.does("sync")
    assert "sound" in ann.does("fsck")
