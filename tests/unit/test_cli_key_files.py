"""An authority's private keys: for their owner alone, all of them or none, never two of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldward_server.cli.key_files import AUDIT, ROOT, read_key, remove_keys, write_keys
from fieldward_sync.errors import CallerMistake

AUTHORITY = "E08000039"
SECRET = bytes(range(32))


def written(folder: Path) -> Path:
    (path,) = write_keys(folder, authority=AUTHORITY, keys={AUDIT: SECRET})
    return path


def test_a_key_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_key(written(tmp_path), purpose=AUDIT, authority=AUTHORITY) == SECRET


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert written(tmp_path / "keys").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_a_key_that_is_there_is_never_written_over_and_none_is_left_beside_it(
    tmp_path: Path,
) -> None:
    path = written(tmp_path)
    with pytest.raises(CallerMistake, match="key-exists"):
        write_keys(tmp_path, authority=AUTHORITY, keys={ROOT: bytes(32), AUDIT: bytes(32)})
    assert list(tmp_path.iterdir()) == [path]
    assert read_key(path, purpose=AUDIT, authority=AUTHORITY) == SECRET


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CallerMistake, match="key-file"):
        written(tmp_path / "file")


def test_keys_that_nothing_was_founded_on_are_removed(tmp_path: Path) -> None:
    remove_keys([written(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("purpose", "authority"),
    [(ROOT, AUTHORITY), (AUDIT, "E08000020")],
    ids=["purpose", "authority"],
)
def test_a_key_for_something_else_is_refused(purpose: str, authority: str, tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match="not-the-key"):
        read_key(written(tmp_path), purpose=purpose, authority=authority)


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "photo"
    file.write_bytes(b"\xff\xd8")
    with pytest.raises(CallerMistake, match="not-the-key"):
        read_key(file, purpose=AUDIT, authority=AUTHORITY)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallerMistake, match="key-file"):
        read_key(tmp_path, purpose=AUDIT, authority=AUTHORITY)
