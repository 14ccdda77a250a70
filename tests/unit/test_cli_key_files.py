"""An authority's private keys: files that are there before the key, and never two of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldward_server.cli.key_files import AUDIT, ROOT, new_key_file, read_key
from fieldward_sync.errors import CallerMistake

AUTHORITY = "E08000039"
SECRET = bytes(range(32))


def written(folder: Path) -> Path:
    with new_key_file(folder, purpose=AUDIT, authority=AUTHORITY) as write:
        return write(SECRET)


def test_a_key_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_key(written(tmp_path), purpose=AUDIT, authority=AUTHORITY) == SECRET


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert written(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    written(tmp_path)
    with (
        pytest.raises(CallerMistake, match="key-exists"),
        new_key_file(tmp_path, purpose=AUDIT, authority=AUTHORITY),
    ):
        pytest.fail("A second key was let in.")
    assert read_key(tmp_path / f"{AUTHORITY}-audit-key", purpose=AUDIT, authority=AUTHORITY)


def test_a_key_that_was_not_made_leaves_no_file(tmp_path: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        new_key_file(tmp_path, purpose=ROOT, authority=AUTHORITY),
    ):
        raise ZeroDivisionError
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
