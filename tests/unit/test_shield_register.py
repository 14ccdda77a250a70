"""The shield register: what it says is on the disk, and what was done to it shows."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from fieldward_server.master_keys import MasterKeys
from fieldward_server.register_entries import AccessChange, Begun, Entry, Shield
from fieldward_server.shield_register import ShieldRegister
from fieldward_sync.errors import LocalDataDamaged, RetryLater
from fieldward_sync.versions import Dot

AUTHORITY = "E08000039"
KEY = bytes(range(32))
RAISE = Shield(AUTHORITY, "r-1", True, (Dot("server.1", 7),))
REVOKED = AccessChange(AUTHORITY, "d-1", 1, "revoked")
ENTRIES: tuple[Entry, ...] = (Begun(AUTHORITY, 1, 1), RAISE, REVOKED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A register with three entries."""
    register = opened(tmp_path / "apart" / "shield-register")
    for entry in ENTRIES:
        register.append(entry)
    return register.path


def opened(path: Path, key: bytes = KEY) -> ShieldRegister:
    return ShieldRegister(path, MasterKeys(key), entropy=os.urandom)


def test_entries_come_back_in_their_order(path: Path) -> None:
    assert opened(path).read() == ENTRIES
    opened(path).append(RAISE, REVOKED)
    assert opened(path).read() == (*ENTRIES, RAISE, REVOKED)


def test_where_there_is_no_file_there_is_no_entry(tmp_path: Path) -> None:
    assert opened(tmp_path / "none").read() == ()


def test_only_its_owner_may_read_it_and_then_it_says_nothing(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
    content = path.read_bytes()
    for word in (b"r-1", b"d-1", b"revoked", AUTHORITY.encode()):
        assert word not in content


@pytest.mark.parametrize("torn", [1, 20, 100])
def test_a_torn_last_line_is_no_entry_and_the_next_takes_its_place(path: Path, torn: int) -> None:
    whole = path.read_bytes()
    opened(path).append(RAISE)
    path.write_bytes(path.read_bytes()[: len(whole) + torn])
    assert opened(path).read() == ENTRIES
    opened(path).append(REVOKED)
    assert opened(path).read() == (*ENTRIES, REVOKED)


def test_a_register_that_was_torn_as_it_was_made_is_begun_again(tmp_path: Path) -> None:
    torn = tmp_path / "register"
    torn.write_bytes(b"fieldward/shie")
    assert opened(torn).read() == ()
    opened(torn).append(RAISE)
    assert opened(torn).read() == (RAISE,)


@pytest.mark.parametrize("what", ["changed", "missing", "moved", "repeated", "foreign"])
def test_damage_before_the_end_is_refused(path: Path, what: str) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines = {
        "changed": [lines[0], lines[1][:40] + b"AAAA" + lines[1][44:], *lines[2:]],
        "missing": [lines[0], *lines[2:]],
        "moved": [lines[0], lines[2], lines[1], lines[3]],
        "repeated": [*lines, lines[3]],
        "foreign": [b"something else\n", *lines[1:]],
    }[what]
    path.write_bytes(b"".join(lines))
    with pytest.raises(LocalDataDamaged, match="register-damaged"):
        opened(path).read()


def test_another_master_key_does_not_read_it(path: Path) -> None:
    with pytest.raises(LocalDataDamaged, match="register-damaged"):
        opened(path, bytes(32)).read()


def test_what_is_no_register_is_not_written_to(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"a file of somebody else's, which is long enough\n")
    with pytest.raises(LocalDataDamaged, match="register-damaged"):
        opened(other).append(RAISE)
    assert other.read_bytes().startswith(b"a file of somebody")


def test_what_is_not_on_the_disk_was_not_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RetryLater, match="register-refused"):
            opened(path).append(RAISE)
    assert opened(path).read() == ENTRIES


def test_a_write_that_is_taken_in_part_is_ended_or_undone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up takes what it has room for, and says so by a number alone."""
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, content, at: pwrite(handle, content[:40], at))
    opened(path).append(RAISE)
    whole = path.read_bytes()
    assert opened(path).read() == (*ENTRIES, RAISE)

    def fills_up(handle: int, content: bytes, at: int) -> int:
        if at > len(whole):
            raise OSError(28, "No space left on device")
        return pwrite(handle, content[:40], at)

    monkeypatch.setattr(os, "pwrite", fills_up)
    with pytest.raises(RetryLater, match="register-refused"):
        opened(path).append(REVOKED)
    assert path.read_bytes() == whole


def write_fifty(path: Path) -> None:
    register = opened(path)
    for _ in range(50):
        register.append(RAISE)


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "register"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_fifty, args=(path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert opened(path).read() == (RAISE,) * 100
