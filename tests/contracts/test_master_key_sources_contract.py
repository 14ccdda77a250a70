"""Where master keys come from: what each place promises (design §7)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldward_server.master_key_sources import (
    KeyCommand,
    KeyFile,
    KeyText,
    MasterKeySource,
)
from fieldward_server.master_keys import MasterKeys
from fieldward_sync.errors import CallerMistake, LocalDataDamaged

NEW, OLD = os.urandom(32), os.urandom(32)
TEXT = f"{NEW.hex()} {OLD.hex()}\n"
PRINTED = (sys.executable, "-c", "import sys; sys.stdout.write(sys.argv[1])")

Holding = Callable[[bytes, str], MasterKeySource]
"""A source that holds these bytes, or this text where it holds text."""


@pytest.fixture(params=["file", "text", "command"])
def holding(request: pytest.FixtureRequest, tmp_path: Path) -> Holding:
    def make(content: bytes, text: str) -> MasterKeySource:
        if request.param == "text":
            return KeyText(text)
        if request.param == "command":
            return KeyCommand((*PRINTED, text))
        file = tmp_path / "master.key"
        file.write_bytes(content)
        return KeyFile(file)

    return make


def test_the_first_key_is_in_force_and_the_others_still_open(holding: Holding) -> None:
    assert holding(NEW + OLD, TEXT).read() == MasterKeys(NEW, (OLD,))
    assert holding(NEW, NEW.hex()).read() == MasterKeys(NEW)


@pytest.mark.parametrize(
    "content", [b"", NEW[:-1], NEW + OLD[:7]], ids=["nothing", "too short", "cut off"]
)
def test_what_is_no_key_is_refused_and_not_repeated(holding: Holding, content: bytes) -> None:
    with pytest.raises(LocalDataDamaged, match="no-master-key") as refused:
        holding(content, content.hex()).read()
    assert not content or content.hex() not in str(refused.value)


def test_a_new_database_finds_a_key_or_gets_one(holding: Holding) -> None:
    source = holding(NEW, NEW.hex())
    source.prepare(os.urandom)
    assert source.read() == MasterKeys(NEW)


def test_another_key_is_put_there_or_its_keeper_is_told_how(holding: Holding) -> None:
    source = holding(OLD, OLD.hex())
    both = source.read().followed_by(NEW)
    if source.is_ours:
        source.keep(both)
        assert source.read() == both
    else:
        with pytest.raises(CallerMistake, match="master-key-elsewhere") as told:
            source.keep(both)
        assert source.place in str(told.value)
        assert "openssl rand -hex 32" in told.value.next_step
        assert source.read() == MasterKeys(OLD)


def test_a_file_that_is_not_there_is_made_once_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    source = KeyFile(tmp_path / "master.key")
    with pytest.raises(LocalDataDamaged, match="no-master-key"):
        source.read()
    source.prepare(lambda size: NEW[:size])
    assert source.read() == MasterKeys(NEW)
    assert source.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("/nowhere/at-all",),
        (sys.executable, "-c", "print('ab' * 32); raise SystemExit(3)"),
        (sys.executable, "-c", "print('é' * 64)"),
    ],
)
def test_a_command_that_fails_gives_no_key_whatever_it_printed(arguments: tuple[str, ...]) -> None:
    with pytest.raises(LocalDataDamaged, match="no-master-key") as refused:
        KeyCommand(arguments).read()
    assert "abab" not in str(refused.value)
    assert arguments[0] in str(refused.value)


def test_a_key_in_a_setting_is_not_shown_with_it() -> None:
    assert NEW.hex() not in repr(KeyText(NEW.hex()))
