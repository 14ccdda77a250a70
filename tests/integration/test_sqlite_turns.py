"""Who reads one SQLite file, and who writes to it, from several threads and processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from fieldward_server.storage import Storage, open_storage, sqlite
from fieldward_sync.errors import RetryLater


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[Storage, Storage]]:
    """Two that use one database: nothing but the file is common to them."""
    one, other = (open_storage(f"sqlite:///{tmp_path / 'fieldward.db'}") for _ in range(2))
    one.migrate()
    yield one, other
    one.close()
    other.close()


def write(storage: Storage) -> None:
    with storage.transaction() as transaction:
        transaction.execute("CREATE TABLE IF NOT EXISTS written (number INTEGER)")
        transaction.execute("INSERT INTO written VALUES (1)")


def written(storage: Storage) -> int:
    with storage.reading() as transaction:
        return len(transaction.execute("SELECT number FROM written"))


def test_a_new_database_is_its_owners_alone_in_whatever_folder(
    processes: tuple[Storage, Storage], tmp_path: Path
) -> None:
    write(processes[0])
    assert {file.stat().st_mode & 0o077 for file in tmp_path.glob("fieldward.db*")} == {0}


def test_all_that_wait_for_a_turn_write_in_the_end(processes: tuple[Storage, Storage]) -> None:
    one, other = processes
    with ThreadPoolExecutor(6) as pool:
        with one.transaction():
            waiting = [pool.submit(write, storage) for storage in [one, other] * 3]
            assert not wait(waiting, timeout=0.1).done
        for each in waiting:
            each.result()
    assert written(one) == 6


@pytest.mark.parametrize("holder", [0, 1])
def test_a_turn_that_does_not_come_is_told_and_the_next_one_comes(
    processes: tuple[Storage, Storage], holder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = processes
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    with (
        ThreadPoolExecutor(1) as pool,
        processes[holder].transaction(),
        pytest.raises(RetryLater, match="cannot take this now"),
    ):
        pool.submit(write, one).result()
    write(one)
    assert written(one) == 1
