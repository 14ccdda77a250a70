"""``fieldward backup`` and ``fieldward restore``: a backup is whole or it is none, it holds no
secret that opens it, and what is missing is said before anything is written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from click.testing import CliRunner

from caseloads import loop_with
from children import AUTHORITY, child
from databases import NewDatabase
from fieldward_server import backups
from fieldward_server.backups import read_backup, restore_backup, write_backup
from fieldward_server.cli.root import root
from fieldward_server.services.authorities import show_authority
from fieldward_server.services.records.reading import record_history
from fieldward_server.storage.copies import copier
from fieldward_sync.errors import CallerMistake, Error, LocalDataDamaged, RetryLater
from loop import Loop


@pytest.fixture
def loop(tmp_path: Path, new_database: NewDatabase) -> Iterator[Loop]:
    """A server with two children."""
    with loop_with(
        tmp_path / "loop", child("r-1"), child("r-2"), database_url=new_database()
    ) as loop:
        yield loop


def refused(loop: Loop, backup: Path, code: str, **told: object) -> None:
    """The restore is refused, and the database is as empty as it was."""
    with pytest.raises(Error, match=f"\\[{code}\\]"):
        loop.restore(backup, **told)


def test_a_backup_made_while_the_server_writes_is_of_one_moment(
    loop: Loop, new_database: NewDatabase
) -> None:
    """Every record in it has all its edits, whichever came in meanwhile."""
    stop = Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            loop.load(*(child(f"w-{number}-{n}") for n in range(5)))

    writer = Thread(target=write)
    writer.start()
    try:
        backup = loop.back_up()
    finally:
        stop.set()
        writer.join()
    loop.lose_database(new_database())
    loop.restore(backup)
    with loop.platform.storage.reading() as transaction:
        found = transaction.execute("SELECT record_id, revision FROM record")
    assert len(found) % 5 == 2, "all of a load or nothing of it"
    for row in found:
        history = record_history(loop.platform, authority=AUTHORITY, record_id=row["record_id"])
        assert len(history.edits) == row["revision"]
    assert found
    assert not loop.misfiled()


def test_a_backup_says_what_it_is_and_holds_no_key(loop: Loop) -> None:
    backup = loop.back_up()
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["format"] == "fieldward/backup/1"
    assert [each["authority"] for each in manifest["authorities"]] == [AUTHORITY]
    assert {path.name for path in backup.iterdir()} == {"database", "manifest.json"}
    for path in (backup, *backup.iterdir()):
        assert path.stat().st_mode & 0o077 == 0
    for path in backup.iterdir():
        for secret in (loop.platform.master_keys.in_force, loop.secrets.root_private):
            assert secret not in path.read_bytes()
            assert secret.hex().encode() not in path.read_bytes()


def test_a_backup_that_was_broken_off_is_none(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = tmp_path / "backup"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for place in ("_sha256", "durable.write_new", "os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"fieldward_server.backups.{place}", full)
            with pytest.raises(RetryLater, match="backup-failed"):
                write_backup(loop.config, destination, now=loop.now)
        assert not destination.exists()
        with pytest.raises(CallerMistake, match="no-backup"):
            read_backup(destination)
    with loop.platform.storage.reading() as transaction:
        (row,) = transaction.execute("SELECT backup_begun, backup_done, kept_until FROM authority")
    assert dict(row) == {"backup_begun": 3, "backup_done": 0, "kept_until": 0}


def test_a_backup_goes_into_a_new_or_an_empty_folder(loop: Loop, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_backup(loop.config, tmp_path / "empty", now=loop.now)
    with pytest.raises(CallerMistake, match="destination-taken"):
        write_backup(loop.config, tmp_path / "empty", now=loop.now)
    (tmp_path / "file").touch()
    with pytest.raises(CallerMistake, match="destination-taken"):
        write_backup(loop.config, tmp_path / "file", now=loop.now)


def test_what_a_restore_lacks_is_said_before_anything_is_written(
    loop: Loop, tmp_path: Path, new_database: NewDatabase
) -> None:
    backup = loop.back_up()
    loop.lose_database(new_database())
    config, key = loop.config, loop.config.master_key_file.read_bytes()
    refused(loop, backup, "root-key-missing", root_keys={})
    refused(loop, backup, "root-key-missing", root_keys={AUTHORITY: bytes(32)})
    refused(loop, tmp_path, "no-backup")
    register = config.shield_register_file.read_bytes()
    config.shield_register_file.write_bytes(register[:60] + b"\n" + register[60:])
    refused(loop, backup, "register-damaged")
    config.shield_register_file.unlink()
    refused(loop, backup, "register-missing")
    config.master_key_file.write_bytes(bytes(32))
    refused(loop, backup, "other-master-key", without_register=True)
    config.master_key_file.unlink()
    refused(loop, backup, "no-master-key", without_register=True)
    config.master_key_file.write_bytes(key)
    content = bytearray((backup / "database").read_bytes())
    content[len(content) // 2] ^= 1
    (backup / "database").write_bytes(content)
    with pytest.raises(LocalDataDamaged, match="backup-damaged"):
        loop.restore(backup, without_register=True)
    assert copier(config.database_url).is_empty()


def test_a_backup_goes_back_into_a_database_of_its_kind_alone(
    loop: Loop, postgres_database: str, tmp_path: Path
) -> None:
    backup = loop.back_up()
    is_file = loop.config.database_url.startswith("sqlite")
    loop.lose_database(postgres_database if is_file else f"sqlite:///{tmp_path / 'other.db'}")
    refused(loop, backup, "other-database")


def test_a_database_in_use_is_not_restored_over(loop: Loop) -> None:
    backup = loop.back_up()
    refused(loop, backup, "database-not-empty")
    assert show_authority(loop.platform, AUTHORITY).incarnation == 1


def test_what_a_crash_left_of_the_database_before_does_not_get_into_the_restored_one(
    tmp_path: Path,
) -> None:
    """SQLite's log stays beside a file that is moved away, and is played into the next there."""
    loop = Loop(tmp_path / "loop")
    loop.load(child("r-1"))
    backup = loop.back_up()
    database = Path(loop.config.database_url.removeprefix("sqlite:///"))
    log = database.with_name(database.name + "-wal")
    loop.load(child("r-2"))
    crashed = log.read_bytes()
    assert crashed
    loop.lose_database(loop.config.database_url)
    database.rename(tmp_path / "moved")
    log.write_bytes(crashed)
    refused(loop, backup, "database-not-empty")
    assert not database.exists()
    log.rename(tmp_path / "moved-wal")
    loop.restore(backup)
    with loop.platform.storage.reading() as transaction:
        found = transaction.execute("SELECT record_id FROM record")
    assert [row["record_id"] for row in found] == ["r-1"]
    loop.close()


def test_a_copy_that_does_not_come_to_its_end_leaves_nothing(
    loop: Loop, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has no name before it is whole; PostgreSQL takes all of it in one transaction."""
    backup = loop.back_up()
    loop.lose_database(new_database())
    with monkeypatch.context() as patch:
        patch.setattr("fieldward_server.storage.sqlite_copy.os.replace", _fails)
        patch.setattr("fieldward_server.storage.postgres_copy.subprocess.run", _is_killed_midway)
        refused(loop, backup, "copy-failed")
    assert copier(loop.config.database_url).is_empty()
    loop.restore(backup)
    assert show_authority(loop.platform, AUTHORITY).incarnation == 2


def _fails(*_: object) -> None:
    raise OSError(5, "Input/output error")


_run = subprocess.run


def _is_killed_midway(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
    """pg_restore, its input cut off in the middle."""
    *before, file = command
    cut = Path(file).with_name("cut")
    content = Path(file).read_bytes()
    cut.write_bytes(content[: len(content) * 3 // 4])
    return _run([*before, str(cut)], **given)


def test_a_database_brought_back_by_other_means_serves_once_it_is_restored_in_place(
    loop: Loop,
) -> None:
    with pytest.raises(CallerMistake, match="root-key-missing"):
        restore_backup(loop.config, None, root_keys={}, actor="test", now=loop.now)
    assert show_authority(loop.platform, AUTHORITY).incarnation == 1
    keys = {AUTHORITY: loop.secrets.root_private}
    done = restore_backup(loop.config, None, root_keys=keys, actor="test", now=loop.now)
    assert done == {AUTHORITY: 2}
    assert show_authority(loop.platform, AUTHORITY).incarnation == 2


def test_the_commands_do_it(
    loop: Loop, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data_folder", "database_url"):
        monkeypatch.setenv(f"FIELDWARD_{name.upper()}", str(getattr(loop.config, name)))
    run = CliRunner().invoke
    backed_up = run(root, ["backup", str(tmp_path / "backup")])
    assert backed_up.exit_code == 0, backed_up.output
    assert "of 1 authority, checked" in backed_up.output
    key = tmp_path / "root-key"
    key.write_text(f"fieldward/root-key/1 {AUTHORITY} {loop.secrets.root_private.hex()}\n")
    monkeypatch.setenv("FIELDWARD_DATABASE_URL", new_database())
    assert run(root, ["restore"]).exit_code == 2
    lacking = run(root, ["restore", str(tmp_path / "backup")])
    assert (lacking.exit_code, "[root-key-missing]" in lacking.output) == (1, True)
    restored = run(root, ["restore", str(tmp_path / "backup"), "--root-key", str(key)])
    assert restored.exit_code == 0, restored.output
    assert f"{AUTHORITY} serves again, in incarnation 2." in restored.output
    assert backups.UNFINISHED not in restored.output
