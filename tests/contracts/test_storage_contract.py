"""The storage port: what every driver promises."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier

import pytest

from fieldward_server.storage import (
    AlreadyThere,
    Storage,
    authorities,
    open_storage,
    records,
    search_keys,
    turns,
)
from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.migrations import STEPS
from fieldward_server.storage.records import StoredRecord
from fieldward_server.storage.search_keys import SearchKey
from fieldward_sync.errors import CallerMistake, RetryLater

CODE = "E08000039"
ROUNDS = 40


def add_authority(transaction: Transaction, code: str = CODE, name: str = "Sheffield") -> bool:
    added = authorities.add(
        transaction, authority=code, incarnation=1, answer_key=b"a", edit_seed=b"e"
    )
    if added:
        found_authority(transaction, code=code, name=name, root_key=b"r")
    return added


def found_authority(transaction: Transaction, *, code: str, name: str, root_key: bytes) -> None:
    authorities.found(
        transaction, authority=code, name=name, root_key=root_key, trust=b"", trust_version=1
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
            assert seen is not None
            authorities.set_edit_counter(transaction, CODE, seen.edit_counter + 1)
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


def test_a_statement_of_its_own_reads_what_is_committed_and_cannot_write(storage: Storage) -> None:
    with storage.transaction() as writing:
        add_authority(writing)
        with storage.statements() as transaction:
            assert authorities.codes(transaction) == ()
    with storage.statements() as transaction:
        assert authorities.codes(transaction) == (CODE,)
    with pytest.raises(Exception, match=r"read-?only"), storage.statements() as transaction:
        authorities.next_state(transaction, CODE)
    with storage.transaction() as transaction:
        assert authorities.next_state(transaction, CODE) == 1


def test_a_write_that_fails_undoes_its_transaction_though_nothing_is_run_after_it(
    storage: Storage,
) -> None:
    again = "INSERT INTO incarnation (authority, incarnation, began_at) VALUES (:authority, 1, 0)"
    with storage.transaction() as transaction:
        add_authority(transaction)
    with pytest.raises(AlreadyThere), storage.transaction() as transaction:  # noqa: PT012
        authorities.set_edit_counter(transaction, CODE, 7)
        transaction.execute(again, authority=CODE)
        transaction.execute(again, authority=CODE)
    with storage.transaction() as transaction:
        found = authorities.find(transaction, CODE)
        transaction.execute(again, authority=CODE)
    assert found is not None
    assert found.edit_counter == 0


def test_statements_that_were_sent_give_their_rows_whenever_each_is_asked(
    storage: Storage,
) -> None:
    renamed = "UPDATE authority SET name = :name WHERE authority = :code RETURNING name"
    with storage.transaction() as transaction:
        add_authority(transaction)
        first = transaction.send(renamed, name="Leeds", code=CODE)
        second = transaction.send(renamed, name="York", code=CODE)
        nowhere = transaction.send(renamed, name="York", code="E06000016")
        assert (second()[0]["name"], nowhere(), first()[0]["name"]) == ("York", [], "Leeds")
        transaction.send(renamed, name="Hull", code=CODE)
    with storage.reading() as transaction:
        found = authorities.find(transaction, CODE)
        assert found is not None
        assert found.name == "Hull"


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 200, 250])
def test_rows_are_inserted_and_changed_in_turn_however_many_they_are(
    storage: Storage, count: int
) -> None:
    keys = [SearchKey(CODE, f"k-{number:03}", "r-1") for number in range(count)]
    with storage.transaction() as transaction:
        search_keys.add(transaction, iter(keys))
        search_keys.remove(transaction, keys[::2])
        search_keys.add(transaction, keys[:1])
        (counted,) = transaction.execute("SELECT count(*) AS n FROM search_key")
    with storage.reading() as transaction:
        (kept,) = transaction.execute("SELECT count(*) AS n FROM search_key")
    assert counted["n"] == kept["n"] == count // 2 + min(count, 1)


def test_where_one_of_many_rows_is_there_already_none_is_inserted(storage: Storage) -> None:
    keys = [SearchKey(CODE, f"k-{number:03}", "r-1") for number in range(250)]
    with pytest.raises(AlreadyThere), storage.transaction() as transaction:
        search_keys.add(transaction, [*keys, keys[120]])
    with storage.reading() as transaction:
        assert transaction.execute("SELECT key FROM search_key") == []


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
            transaction, authority=CODE, incarnation=2**53 - 1, answer_key=b"a", edit_seed=b"e"
        )
        found_authority(
            transaction, code=CODE, name="Šťastná: 100 % «O’Brien»", root_key=everything
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
        found = authorities.find(transaction, CODE)
    assert found is not None
    assert found.edit_counter == 2 * ROUNDS


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


def test_a_later_step_finds_what_is_there(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(empty_database_url)
    storage.migrate()
    with storage.transaction() as transaction:
        add_authority(transaction, "E08000039")
    later = "-- Why\nALTER TABLE authority ADD COLUMN more INTEGER NOT NULL DEFAULT 7;\n"
    monkeypatch.setitem(STEPS, "9999-later", later)
    assert storage.migrate() == ("9999-later",)
    with storage.reading() as transaction:
        (row,) = transaction.execute("SELECT more FROM authority")
    assert row["more"] == 7
    storage.close()


# --- Turns ---


@pytest.mark.parametrize(
    ("holder", "now", "taken"),
    [("worker-a", 5, True), ("worker-b", 5, False), ("worker-b", 10, True), ("worker-b", -1, True)],
    ids=["its own", "somebody else's", "run out", "ends too late"],
)
def test_a_turn_is_one_workers_until_it_runs_out(
    storage: Storage, holder: str, now: int, taken: bool
) -> None:
    with storage.transaction() as transaction:
        take = partial(turns.take, transaction, job="seal")
        assert take(holder="worker-a", now=0, until=10, latest=10)
        assert take(holder=holder, now=now, until=20, latest=now + 10) is taken


def test_a_turn_is_given_back_only_by_whose_it_is(storage: Storage) -> None:
    with storage.transaction() as transaction:
        take = partial(turns.take, transaction, job="seal", latest=20)
        take(holder="worker-a", now=0, until=10)
        turns.end(transaction, job="seal", holder="worker-b")
        assert not take(holder="worker-b", now=1, until=11)
        turns.end(transaction, job="seal", holder="worker-a")
        assert take(holder="worker-b", now=1, until=11)


# --- Many rows at once ---


def test_many_rows_are_added_as_they_were_given(storage: Storage) -> None:
    everything = bytes(range(256))
    given = [
        StoredRecord(CODE, f"r-{n}", n * 2**40, everything * (n % 40), n % 2, n) for n in range(300)
    ]
    given.append(StoredRecord("Šťastná\t\\N\n%", "r'1", 2**53 - 1, b"", 0, 0))
    with storage.transaction() as transaction:
        records.add(transaction, given)
        records.add(transaction, [])
        found = [records.find(transaction, each.authority, each.record_id) for each in given]
    assert found == given


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 200])
def test_rows_are_given_other_values_each_its_own_however_many_they_are(
    storage: Storage, count: int
) -> None:
    before = [
        StoredRecord(code, f"r-{number}", 1, b"v", 0, 0)
        for code in (CODE, "E-2")
        for number in range(201)
    ]
    after = [
        StoredRecord(CODE, f"r-{n}", n * 2**40, bytes(range(256)) * (n % 40), n % 2, n)
        for n in range(count)
    ]
    with storage.transaction() as transaction:
        records.add(transaction, before)
        records.change(transaction, iter(after))
    with storage.reading() as transaction:
        found = {records.find(transaction, each.authority, each.record_id) for each in before}
    assert found == {*after, *before[count:]}


def test_more_is_written_at_once_than_a_connection_takes_in_without_being_read(
    storage: Storage,
) -> None:
    ids = [f"r-{number}" for number in range(100)]
    with storage.transaction() as transaction:
        records.add(transaction, [StoredRecord(CODE, each, 1, b"v", 0, 0) for each in ids])
    large = [StoredRecord(CODE, each, 2, b"v" * 64 * 1024, 0, 0) for each in ids]
    with storage.transaction() as transaction:
        records.change(transaction, large)
    with storage.reading() as transaction:
        assert records.find(transaction, CODE, ids[-1]) == large[-1]


def test_a_row_that_is_there_stops_all_that_come_with_it(storage: Storage) -> None:
    one, other = (StoredRecord(CODE, r, 1, b"v", 0, 0) for r in ("r-1", "r-2"))
    with storage.transaction() as transaction:
        records.add(transaction, [one])
    with pytest.raises(AlreadyThere), storage.transaction() as transaction:
        records.add(transaction, [other, one])
    with storage.reading() as transaction:
        assert records.count(transaction, CODE) == 1


@pytest.mark.parametrize("asked", [0, 1, 3, 5000])
def test_a_list_asks_for_any_number_of_rows_at_once(storage: Storage, asked: int) -> None:
    odd = ["r'1", 'r"2', "Š{},%s\\"]
    with storage.transaction() as transaction:
        records.add(transaction, (StoredRecord(CODE, r, 7, b"v", 0, 0) for r in (*odd, "r-4")))
    wanted = [*odd, *(f"none-{n}" for n in range(asked))][:asked]
    with storage.reading() as transaction:
        found = records.revisions(transaction, CODE, wanted)
    assert found == dict.fromkeys(odd[:asked], 7)
