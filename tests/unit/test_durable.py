"""Files that are on the disk when the call returns, or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fieldward_server.durable import write_new


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "key", b"second")
    assert (tmp_path / "key").read_bytes() == b"first"


def test_on_a_full_disk_no_half_of_a_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_new(tmp_path / "key", b"first")
    assert not (tmp_path / "key").exists()
    write_new(tmp_path / "key", b"first")
