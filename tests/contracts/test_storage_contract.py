"""The storage port: what every driver promises."""

from __future__ import annotations

import multiprocessing
import re
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier

import pytest

from fieldward_server.storage import Storage, authorities, open_storage, turns
from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.migrations import STEPS
from fieldward_sync.errors import CallerMistake, RetryLater

CODE = "E08000039"
ROUNDS = 40
HOUSEKEEPING = {"migration", "turn"}
"""The tables that belong to no authority and stay where they are when the others are sharded."""


def add_authority(transaction: Transaction, code: str = CODE, name: str = "Sheffield") -> bool:
    return authorities.add(
        transaction,
        authority=code,
        name=name,
        incarnation=1,
        root_key=b"r",
        trust=b"t",
        trust_version=1,
        answer_key=b"a",
        edit_seed=b"e",
    )


def count_up(url: str, start: Barrier) -> None:
    """What each process does: take numbers, each in a transaction of its own."""
    storage = open_storage(url)
    start.wait()
    for _ in range(ROUNDS):
        with storage.transaction() as transaction:
            authorities.lock(transaction, CODE)
            seen = authorities.find(transaction, CODE)
            taken = authorities.next_state(transaction, CODE)
            authorities.next_edit_counter(transaction, CODE)
            assert seen is not None
            assert taken == seen.state_number + 1
    storage.close()


def test_what_a_transaction_wrote_is_there_afterwards(storage: Storage) -> None:
    with storage.transaction() as transaction:
        assert add_authority(transaction)
    with storage.reading() as transaction:
        assert authorities.codes(transaction) == (CODE,)


def test_an_exception_rolls_everything_back(storage: Storage) -> None:
    with pytest.raises(CallerMistake), storage.transaction() as transaction:  # noqa: PT012
        add_authority(transaction)
        raise CallerMistake("no", "No.")
    with storage.reading() as transaction:
        assert authorities.codes(transaction) == ()


def test_a_storage_works_on_after_a_transaction_failed(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError), storage.transaction():
        raise ZeroDivisionError
    with storage.transaction() as transaction:
        assert add_authority(transaction)


def test_what_is_not_committed_is_not_read(storage: Storage) -> None:
    with storage.transaction() as writing:
        add_authority(writing)
        with storage.reading() as transaction:
            assert authorities.codes(transaction) == ()


def test_a_reading_is_of_one_moment(storage: Storage) -> None:
    with storage.reading() as reading:
        assert authorities.codes(reading) == ()
        with storage.transaction() as transaction:
            add_authority(transaction)
        assert authorities.codes(reading) == ()


def test_a_reading_cannot_write(storage: Storage) -> None:
    with pytest.raises(Exception, match=r"read-?only"), storage.reading() as transaction:
        add_authority(transaction)
    with storage.reading() as transaction:
        assert authorities.codes(transaction) == ()


def test_a_row_that_is_there_is_left_as_it_is(storage: Storage) -> None:
    with storage.transaction() as transaction:
        assert add_authority(transaction, name="Sheffield")
        assert not add_authority(transaction, name="Doncaster")
        found = authorities.find(transaction, CODE)
    assert found is not None
    assert found.name == "Sheffield"


def test_bytes_texts_and_large_numbers_come_back_as_they_went(storage: Storage) -> None:
    everything = bytes(range(256))
    with storage.transaction() as transaction:
        authorities.add(
            transaction,
            authority=CODE,
            name="Šťastná: 100 % «O’Brien»",
            incarnation=2**53 - 1,
            root_key=everything,
            trust=b"",
            trust_version=1,
            answer_key=b"a",
            edit_seed=b"e",
        )
        found = authorities.find(transaction, CODE)
    assert found is not None
    assert (found.name, found.incarnation) == ("Šťastná: 100 % «O’Brien»", 2**53 - 1)
    assert (found.root_key, found.trust) == (everything, b"")


def test_texts_are_ordered_by_their_bytes_whatever_the_servers_language(storage: Storage) -> None:
    codes = ("E-1", "E1", "EA", "Ea", "Z", "a", "é")
    with storage.transaction() as transaction:
        for code in sorted(codes, reverse=True):
            add_authority(transaction, code)
    with storage.reading() as transaction:
        assert authorities.codes(transaction) == codes


def test_two_processes_that_write_at_once_lose_nothing(storage: Storage, database_url: str) -> None:
    with storage.transaction() as transaction:
        add_authority(transaction)
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(2)
    others = [spawn.Process(target=count_up, args=(database_url, start)) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert [other.exitcode for other in others] == [0, 0]
    with storage.transaction() as transaction:
        assert authorities.next_state(transaction, CODE) == 2 * ROUNDS + 1
        assert authorities.next_edit_counter(transaction, CODE) == 2 * ROUNDS + 1


def test_many_threads_share_a_storage(storage: Storage) -> None:
    def work(number: int) -> int:
        with storage.transaction() as transaction:
            add_authority(transaction, f"E{number:08}")
        with storage.reading() as reading:
            return len(authorities.codes(reading))

    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(work, range(64)))
    assert max(seen) == 64


def test_a_statement_that_is_wrong_is_no_passing_trouble(storage: Storage) -> None:
    with pytest.raises(Exception, match="no_such_table") as raised, storage.reading() as reading:
        reading.execute("SELECT 1 FROM no_such_table")
    assert not isinstance(raised.value, RetryLater)


# --- Migrations ---


def test_migrations_are_applied_once_and_recorded(empty_database_url: str) -> None:
    storage = open_storage(empty_database_url)
    assert storage.pending_migrations() == tuple(STEPS)
    assert storage.migrate() == tuple(STEPS)
    assert storage.pending_migrations() == ()
    assert storage.migrate() == ()
    storage.close()


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(empty_database_url)
    monkeypatch.setitem(STEPS, "9999-broken", "CREATE TABLE half (n INTEGER); SELEKT")
    with pytest.raises(Exception, match="SELEKT"):
        storage.migrate()
    assert storage.pending_migrations() == ("9999-broken",)
    assert "half" not in storage.tables()
    storage.close()


def test_a_database_of_a_later_version_is_refused(empty_database_url: str) -> None:
    storage = open_storage(empty_database_url)
    storage.migrate()
    with storage.transaction() as transaction:
        transaction.execute("INSERT INTO migration (name) VALUES (:name)", name="9999-later")
    for refused in (storage.migrate, storage.pending_migrations):
        with pytest.raises(CallerMistake, match="database-newer") as raised:
            refused()
        assert "9999-later" in raised.value.message
    storage.close()


def test_the_authority_leads_every_key() -> None:
    """What sharding needs (design §10): keys and references begin with the authority."""
    tables = re.findall(
        r"CREATE TABLE (\w+) \((.*?)\)\s*(?:;|\Z)", ";\n".join(STEPS.values()), re.DOTALL
    )
    assert len(tables) > 20
    for name, columns in tables:
        keys = re.findall(r"(?:PRIMARY KEY|UNIQUE|FOREIGN KEY) \((\w+)", columns)
        references = re.findall(r"^\s*(\w+) .*(?:PRIMARY KEY|REFERENCES)", columns, re.MULTILINE)
        leading = {*keys, *references} - {"FOREIGN"}
        assert leading == {"authority"} or name in HOUSEKEEPING, name


# --- Turns ---


@pytest.mark.parametrize(
    ("holder", "now", "taken"),
    [("worker-a", 5, True), ("worker-b", 5, False), ("worker-b", 10, True)],
    ids=["its own", "somebody else's", "run out"],
)
def test_a_turn_is_one_workers_until_it_runs_out(
    storage: Storage, holder: str, now: int, taken: bool
) -> None:
    with storage.transaction() as transaction:
        assert turns.take(transaction, job="seal", holder="worker-a", now=0, until=10)
        assert turns.take(transaction, job="seal", holder=holder, now=now, until=20) is taken


def test_a_turn_is_given_back_only_by_whose_it_is(storage: Storage) -> None:
    with storage.transaction() as transaction:
        turns.take(transaction, job="seal", holder="worker-a", now=0, until=10)
        turns.end(transaction, job="seal", holder="worker-b")
        assert not turns.take(transaction, job="seal", holder="worker-b", now=1, until=11)
        turns.end(transaction, job="seal", holder="worker-a")
        assert turns.take(transaction, job="seal", holder="worker-b", now=1, until=11)
