"""The folder of sealed files: named by content, never half a file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fieldward_server.files import SealedFiles
from fieldward_sync.distribution import file_name


def everything(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_found_by_the_hash_of_its_bytes(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path)
    name = files.write(b"sealed")
    path = files.path(name)
    assert name == file_name(b"sealed")
    assert path is not None
    assert path.read_bytes() == b"sealed"
    assert files.write(b"sealed") == name
    assert everything(tmp_path) == [path]


@pytest.mark.parametrize(
    "name", ["", "0" * 63, "0" * 64, "../" * 21 + "x", "A" * 64, "0" * 64 + "\n"]
)
def test_what_is_no_name_is_no_file(tmp_path: Path, name: str) -> None:
    assert SealedFiles(tmp_path).path(name) is None


def test_a_removed_file_is_gone_and_may_be_removed_again(tmp_path: Path) -> None:
    files = SealedFiles(tmp_path)
    name = files.write(b"sealed")
    for _ in range(2):
        files.remove(name)
        assert files.path(name) is None


def test_a_file_that_could_not_be_made_durable_has_no_name_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError("disk full")

    files = SealedFiles(tmp_path)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write(b"sealed")
    assert everything(tmp_path) == []


@pytest.mark.parametrize(
    ("why", "is_removed"), [(errno.EIO, True), (errno.EACCES, True), (errno.ESTALE, False)]
)
def test_what_will_never_be_read_is_removed_and_what_cannot_be_read_now_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int, is_removed: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(why, os.strerror(why))

    files = SealedFiles(tmp_path)
    name = files.write(b"sealed")
    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", fail)
        if is_removed:
            assert files.remove_damaged(name)
        else:
            with pytest.raises(OSError, match=os.strerror(why)):
                files.remove_damaged(name)
    assert (files.path(name) is None) is is_removed
    assert not files.remove_damaged(name)
