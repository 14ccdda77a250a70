"""Loading rows: in their order, several calls at once, and again where the server was away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fieldward_server.cli import record_loading
from fieldward_server.cli.record_files import Row
from fieldward_server.cli.record_loading import (
    Call,
    Rejects,
    Verdict,
    load_rows,
    rejects_path_for,
)
from fieldward_sync.errors import CallerMistake, RetryLater


def rows(count: int, *, records: int = 0) -> Iterator[Row]:
    """So many rows; of so many records, if not each of its own."""
    for n in range(count):
        record_id = f"r{n % records if records else n}"
        line = json.dumps({"record_id": record_id, "n": n})
        yield Row(n + 1, line.encode() + b"\n", line, record_id)


def read(lines: list[msgspec.Raw]) -> list[dict[str, Any]]:
    """The records of a call, which have been encoded for it."""
    return [json.loads(line) for line in json.loads(msgspec.json.encode(lines))]


def verdicts_of(call: Call, given: Iterator[Row] | list[Row]) -> list[Verdict]:
    return [verdict for judged in load_rows(call, given) for _, verdict in judged]


class Server:
    """Takes lines, each call a little later than the one after it."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.calls = 0
        self.at_once = 0
        self.failures: list[Exception] = []
        self._running = 0
        self._lock = threading.Lock()

    def __call__(self, command: str, /, *, lines: list[msgspec.Raw]) -> dict[str, Any]:
        assert command == "records/load"
        records = read(lines)
        with self._lock:
            self.calls += 1
            self._running += 1
            self.at_once = max(self.at_once, self._running)
            pause = 0.04 / self.calls
            failure = self.failures.pop() if self.failures else None
        time.sleep(pause)
        with self._lock:
            self._running -= 1
            if failure:
                raise failure
            self.taken += records
        return {
            "verdicts": [
                {
                    "line": number,
                    "outcome": "created",
                    "record_id": record["record_id"],
                    "field": "",
                    "reason": "",
                }
                for number, record in enumerate(records, start=1)
            ]
        }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(record_loading, "ROWS_OF_A_CALL", 10)
    monkeypatch.setattr(record_loading, "PAUSES_SECONDS", (0.0, 0.0))
    return Server()


def test_verdicts_come_in_the_order_of_the_rows_whatever_overtakes(server: Server) -> None:
    verdicts = verdicts_of(server, rows(95))
    assert [verdict.line for verdict in verdicts] == list(range(1, 96))
    assert [verdict.record_id for verdict in verdicts] == [f"r{n}" for n in range(95)]
    assert server.calls == 10
    assert server.at_once > 1


def test_a_call_that_takes_long_keeps_no_other_worker_idle(server: Server) -> None:
    """Each worker of a server loads one batch at a time: the first call may wait behind others."""
    later = threading.Event()

    def waits_at_first(command: str, /, *, lines: list[msgspec.Raw]) -> dict[str, Any]:
        if read(lines)[0]["n"] == 0:
            assert later.wait(timeout=5)
        answer = server(command, lines=lines)
        if server.calls == record_loading.CALLS_AT_ONCE + 2:
            later.set()
        return answer

    verdicts = verdicts_of(waits_at_first, rows(120))
    assert [verdict.line for verdict in verdicts] == list(range(1, 121))


def test_rows_of_one_record_are_loaded_one_after_the_other(server: Server) -> None:
    list(load_rows(server, rows(100, records=15)))
    by_record: dict[str, list[int]] = {}
    for taken in server.taken:
        by_record.setdefault(taken["record_id"], []).append(taken["n"])
    assert all(order == sorted(order) for order in by_record.values())
    assert len(server.taken) == 100


def test_a_row_that_cannot_be_sent_keeps_its_place(server: Server) -> None:
    mixed = [
        Row(row.line, row.raw, reason="Bad.") if row.line % 3 == 0 else row for row in rows(30)
    ]
    verdicts = verdicts_of(server, mixed)
    assert [verdict.line for verdict in verdicts] == list(range(1, 31))
    assert {v.line for v in verdicts if v.outcome == "refused"} == set(range(3, 31, 3))
    assert len(server.taken) == 20


def test_calls_are_cut_by_their_length_too(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_loading, "BYTES_OF_A_CALL", 60)
    list(load_rows(server, rows(10)))
    assert server.calls == 5


def test_a_call_that_finds_the_server_away_is_made_again(server: Server) -> None:
    server.failures = [RetryLater("offline", "No."), RetryLater("no-answer", "No.")]
    assert len(verdicts_of(server, rows(25))) == 25
    assert len(server.taken) == 25


def test_a_server_that_stays_away_ends_the_load(server: Server) -> None:
    server.failures = [RetryLater("offline", "No.")] * 20
    with pytest.raises(RetryLater):
        list(load_rows(server, rows(5)))


class TestWhatIsRefused:
    def test_is_kept_as_it_stood_under_the_same_header(self, tmp_path: Path) -> None:
        with Rejects(tmp_path / "bad", b"h1,h2\r\n") as rejects:
            assert rejects.path is None
            lines = [rejects.add(Row(n, raw)) for n, raw in ((4, b'"a\nb",c\n'), (9, b"d,\xff"))]
        assert lines == [2, 4]
        assert (tmp_path / "bad").read_bytes() == b'h1,h2\r\n"a\nb",c\nd,\xff\n'

    def test_is_for_its_owner_alone(self, tmp_path: Path) -> None:
        with Rejects(tmp_path / "bad", b"") as rejects:
            rejects.add(Row(1, b"x\n"))
        assert (tmp_path / "bad").stat().st_mode & 0o777 == 0o600

    def test_makes_no_file_where_there_is_none(self, tmp_path: Path) -> None:
        with Rejects(tmp_path / "bad", b"h\n"):
            pass
        assert not (tmp_path / "bad").exists()

    def test_stands_beside_its_file_and_writes_over_no_other(self, tmp_path: Path) -> None:
        file = str(tmp_path / "a.csv")
        for name in ("a.csv.rejects", "a.csv.rejects.2", "a.csv.rejects.3"):
            path = rejects_path_for(file, "csv", None)
            assert path == tmp_path / name
            path.touch()
        assert rejects_path_for(f"{file}.rejects", "csv", None) == tmp_path / "a.csv.rejects.4"
        with pytest.raises(CallerMistake, match="rejects-file"):
            rejects_path_for(file, "csv", tmp_path / "a.csv.rejects")
        with pytest.raises(CallerMistake, match="rejects-file"):
            rejects_path_for(file, "csv", tmp_path / "nowhere" / "bad")
