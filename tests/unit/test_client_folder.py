"""The device's folder and its files of frames."""

from __future__ import annotations

import os
import stat
from contextlib import closing, suppress
from pathlib import Path

import pytest

from faulty_disk import FAILURES, OUTLIVED, Crashed, FaultyDisk
from fieldward_client import LocalDataDamaged, RetryLater
from fieldward_client.disk import folder
from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import MARKER, MAX_PAYLOAD_BYTES, FrameFile, frame, read_frames
from fieldward_sync.clock import ClockState, Reading
from fieldward_sync.errors import CallerMistake

PAYLOADS = (b"first", b"", b"third" * 100)
WHOLE = MARKER + b"".join(map(frame, PAYLOADS))


@pytest.fixture
def home(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "device")
    made.create()
    return made


def test_everything_is_for_its_owner_alone(home: Folder, tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        home.replace("deep/in/it", b"x")
        home.appended("log").close()
        with home.held():
            paths = list((tmp_path / "device").rglob("*"))
    finally:
        os.umask(old_mask)
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths}
    assert len(paths) == 5
    assert modes == {0}


def test_one_process_holds_the_folder(home: Folder, tmp_path: Path) -> None:
    with (
        home.held(),
        pytest.raises(RetryLater, match="folder-in-use"),
        Folder(tmp_path / "device").held(),
    ):
        pass
    with Folder(tmp_path / "device").held():
        assert home.read("absent") is None


def test_a_folder_that_cannot_be_held_is_refused_in_words(home: Folder, tmp_path: Path) -> None:
    """As on a disk that has become read-only."""
    (tmp_path / "device" / "lock").mkdir()
    with pytest.raises(LocalDataDamaged, match="disk-refused"), home.held():
        pass


def test_erased_keys_are_overwritten_and_gone(
    home: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.replace("key", b"secret")
    another_name = tmp_path / "kept"
    os.link(tmp_path / "device" / "key", another_name)
    home.erase("key", "never-there")
    assert home.read("key") is None
    assert another_name.read_bytes() == bytes(6)


def test_a_failed_append_leaves_the_file_as_it_was(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home.appended("log")
    file.append(b"kept")
    for failing_call in (1, 2):  # the write, the fsync
        with monkeypatch.context() as patch:
            patch.setattr(folder, "os", FaultyDisk("error", at=failing_call))
            with pytest.raises(LocalDataDamaged, match="disk-refused"):
                file.append(b"refused")
        assert file.read() == b"kept"
    file.append(b", and more")
    assert home.read("log") == b"kept, and more"


def test_a_file_in_doubt_takes_nothing_until_it_is_opened_again(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenDisk(FaultyDisk):
        def _step(self, call: str, before_failing: object = None) -> None:
            raise OSError("everything fails")

    file = home.appended("log")
    with monkeypatch.context() as patch:
        patch.setattr(folder, "os", BrokenDisk())
        with pytest.raises(LocalDataDamaged):
            file.append(b"refused")
    with pytest.raises(LocalDataDamaged, match="in doubt"):
        file.append(b"refused too")
    file.close()
    home.appended("log").append(b"taken")


def test_a_file_that_is_let_go_of_twice_takes_nobody_elses_with_it(
    home: Folder, tmp_path: Path
) -> None:
    """As after a change of generation in which the disk refused to open the next one's files."""
    file = home.appended("log")
    file.close()
    with (tmp_path / "another").open("w") as another:  # whose descriptor is the one that is free
        file.close()
        another.write("whole")
    assert (tmp_path / "another").read_text() == "whole"


def test_files_that_are_stored_together_are_each_whole_after_a_failure_anywhere(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (ClockState.at_contact(at, Reading(at, at, "boot")) for at in (1, 2, 3))
    disk = FaultyDisk()
    with monkeypatch.context() as patch:
        patch.setattr(folder, "os", disk)
        home.store_each({"one": first, "other": first})
    assert disk.calls.count("fsync") == 3, "each content, and once their names"
    for failure in FAILURES:
        for at in range(1, len(disk.calls) + 1):
            home.store_each({"one": first, "other": second})
            failing = FaultyDisk(failure, at=at)
            with monkeypatch.context() as patch, suppress(Crashed, *OUTLIVED):
                patch.setattr(folder, "os", failing)
                home.store_each({"one": third, "other": third})
            if failure == "power":
                failing.lose_power()
            assert home.load("one", ClockState) in (first, third)
            assert home.load("other", ClockState) in (second, third)


def test_what_is_fetched_needs_no_durable_name_until_it_is_whole(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FaultyDisk()
    with monkeypatch.context() as patch:
        patch.setattr(folder, "os", disk)
        part = home.appended("part", renamed_later=True)
        part.write(b"all of it")
        part.sync()
        part.close()
        home.rename("part", "whole")
        assert disk.calls.count("fsync") == 2
        disk.lose_power()
    assert home.read("whole") == b"all of it"


def test_frames_come_back(home: Folder) -> None:
    FrameFile.create(home, "frames", PAYLOADS[:1]).append(*PAYLOADS[1:])
    again = FrameFile(home, "frames")
    assert (again.payloads, again.torn_bytes, again.broken) == (PAYLOADS, 0, False)


def test_what_is_appended_after_a_rewrite_that_failed_anywhere_is_kept(
    home: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:  # invariants 1 and 2
    fates = set()
    for at in range(1, 8):
        frames, disk = FrameFile.create(home, "frames", PAYLOADS), FaultyDisk("error", at=at)
        appended: tuple[bytes, ...] = ()
        with monkeypatch.context() as patch:
            patch.setattr(folder, "os", disk)
            with pytest.raises(LocalDataDamaged, match="disk-refused"):
                frames.rewrite([b"less"])
            with suppress(LocalDataDamaged):
                frames.append(b"next")
                appended = (b"next",)
        frames.close()
        disk.lose_power()
        with closing(FrameFile(home, "frames")) as again:
            assert again.payloads in ((*PAYLOADS, *appended), (b"less", *appended)), disk.calls
            fates.add(again.payloads)
    assert {(*PAYLOADS, b"next"), (b"less", b"next"), (b"less",)} == fates


def test_a_tail_torn_anywhere_is_cut_and_nothing_else(home: Folder) -> None:
    ends = [len(MARKER) + len(b"".join(map(frame, PAYLOADS[:n]))) for n in range(4)]
    for length in range(len(MARKER), len(WHOLE)):
        home.replace("frames", WHOLE[:length])
        whole = max(n for n in range(4) if ends[n] <= length)
        opened = FrameFile(home, "frames")
        assert opened.payloads == PAYLOADS[:whole]
        assert opened.torn_bytes == length - ends[whole]
        assert not opened.broken
        opened.append(b"next")
        opened.close()
        with closing(FrameFile(home, "frames")) as again:
            assert again.payloads == (*PAYLOADS[:whole], b"next")


def test_a_flipped_bit_takes_its_own_frame_and_no_other() -> None:
    """Whatever follows the damage is still good, even if it is the length that is damaged."""
    start = len(MARKER) + len(frame(PAYLOADS[0]))
    for position in range(start, start + len(frame(PAYLOADS[1]))):
        damaged = bytearray(WHOLE)
        damaged[position] ^= 1
        scan = read_frames(bytes(damaged))
        assert scan.payloads == (PAYLOADS[0], PAYLOADS[2])
        assert scan.broken
        assert scan.good_bytes == len(WHOLE)


def test_a_file_without_its_beginning_is_reported() -> None:
    scan = read_frames(WHOLE[4:])
    assert scan.payloads == PAYLOADS
    assert scan.broken


def test_a_payload_has_a_bound() -> None:
    with pytest.raises(CallerMistake, match="frame-too-long"):
        frame(bytes(MAX_PAYLOAD_BYTES + 1))
