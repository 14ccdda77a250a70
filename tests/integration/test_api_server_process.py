"""The real server: gunicorn with two workers, spoken to over a socket."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from threading import Condition, Thread
from typing import IO

import pytest

from api_actors import Board, FieldDevice, Signed
from fieldward_sync.http_signatures import verify_answer
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import MAX_REQUEST_BYTES

PUBLIC_AUTHORITY = "fieldward.example"
PATIENCE_SECONDS = 60
FIELDWARD = (sys.executable, "-m", "fieldward_server.cli")


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes


class Log:
    """What a process says on stderr, as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._news = Condition()
        Thread(target=self._read, daemon=True).start()

    def wait_for(self, *words: str, times: int = 1) -> list[str]:
        """The lines with all these words, once there are so many."""
        with self._news:
            assert self._news.wait_for(
                lambda: len(self._with(words)) >= times, timeout=PATIENCE_SECONDS
            ), self.text()
            return self._with(words)

    def text(self) -> str:
        """Everything so far."""
        return "".join(self._lines)

    def _with(self, words: tuple[str, ...]) -> list[str]:
        return [line for line in self._lines if all(word in line for word in words)]

    def _read(self) -> None:
        for line in self._stream:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()


@dataclass(frozen=True)
class Server:
    """A server process that listens."""

    process: subprocess.Popen[str]
    address: str
    log: Log

    def ask(
        self,
        method: str,
        target: str,
        *,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; an iterator as the body is sent in chunks."""
        connection = HTTPConnection(self.address.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def send(self, request: Signed) -> Answer:
        """Send a signed request as it is."""
        return self.ask(
            request.method, request.path, body=request.body, headers=dict(request.headers)
        )


@contextmanager
def serving(board: Board, folder: Path) -> Iterator[Server]:
    """A server process on the board's database, for the length of the block."""
    environ = {
        **{name: value for name, value in os.environ.items() if "FIELDWARD" not in name},
        **board.environ,
        "FIELDWARD_LISTEN_PORT": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    address_file = folder / "address"
    with subprocess.Popen(
        [*FIELDWARD, "serve", "--address-file", address_file],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        log = Log(process.stderr)
        try:
            line = process.stdout.readline()
            assert line == f"Fieldward listens on {address_file.read_text()}", log.text()
            yield Server(process, address_file.read_text().strip(), log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def board(folder: Path) -> Board:
    return Board(
        folder / "data", began=int(time.time()), public_authority=PUBLIC_AUTHORITY, workers="2"
    )


@pytest.fixture(scope="module")
def server(board: Board, folder: Path) -> Iterator[Server]:
    with serving(board, folder) as server:
        yield server


@pytest.fixture
def device(board: Board) -> FieldDevice:
    board.clock.seconds = int(time.time())
    return FieldDevice.enrolled(board)


def test_a_server_on_a_free_port_says_where_it_listens(server: Server) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]+", server.address)
    assert server.ask("GET", "/health/ready").status == 200


def test_a_sync_is_answered_and_the_answer_signed(
    server: Server, board: Board, device: FieldDevice
) -> None:
    request = device.sync()
    answer = server.send(request)
    server_time = verify_answer(
        answer.headers,
        status=200,
        body=answer.body,
        request_signature=request.headers["signature"],
        public_keys=board.answer_keys(),
    )
    assert abs(server_time - time.time()) < PATIENCE_SECONDS


def test_a_request_with_an_effect_is_taken_once_by_all_workers_together(
    server: Server, device: FieldDevice
) -> None:
    request = device.sync(next_hpke_key=hpke_public_key(bytes(32)))
    answers = [server.send(request) for _ in range(8)]
    assert [answer.status for answer in answers] == [200] + 7 * [409]


def problem_code(answer: Answer) -> str:
    """The code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = re.search(rb'"code": "([a-z-]+)"', answer.body)
    assert found is not None
    return found[1].decode()


def test_a_body_that_is_too_large_is_refused_unread(server: Server, device: FieldDevice) -> None:
    request = device.sync().with_headers(content_length=str(MAX_REQUEST_BYTES + 1))
    answer = server.ask("POST", "/v1/sync", headers=dict(request.headers))
    assert (answer.status, problem_code(answer)) == (413, "too-large")
    assert "signature" in answer.headers


def test_a_body_that_does_not_say_how_large_it_is_is_refused_where_it_passes_the_limit(
    server: Server, device: FieldDevice
) -> None:
    chunks = (bytes(4096) for _ in range(MAX_REQUEST_BYTES // 4096 + 1))
    answer = server.ask("POST", "/v1/sync", body=chunks, headers=dict(device.sync().headers))
    assert (answer.status, problem_code(answer)) == (413, "too-large")


def test_a_body_in_chunks_is_taken(server: Server, device: FieldDevice) -> None:
    request = device.sync()
    chunks = (request.body[i : i + 10] for i in range(0, len(request.body), 10))
    answer = server.ask("POST", "/v1/sync", body=chunks, headers=dict(request.headers))
    assert answer.status == 200


@pytest.mark.parametrize(
    "target", ["/v1/%73ync", "/v1/./sync", "//v1/sync", "http://fieldward.example/v1/sync"]
)
def test_only_the_path_that_was_signed_is_taken_letter_for_letter(
    target: str, server: Server, device: FieldDevice
) -> None:
    answer = server.send(replace(device.sync(), path=target))
    assert answer.status == 401


def test_a_header_given_twice_is_refused(server: Server, device: FieldDevice) -> None:
    request = device.sync()
    connection = HTTPConnection(server.address.removeprefix("http://"), timeout=PATIENCE_SECONDS)
    connection.putrequest("POST", "/v1/sync")
    for name, value in [*request.headers.items(), ("fieldward-counter", "1")]:
        connection.putheader(name, value)
    connection.putheader("content-length", str(len(request.body)))
    connection.endheaders(request.body)
    assert connection.getresponse().status == 401
    connection.close()


def test_a_download_goes_on_over_http(server: Server, board: Board) -> None:
    name = board.platform.files.write(bytes(range(256)))
    answer = server.ask("GET", f"/v1/files/{name}", headers={"Range": "bytes=200-"})
    assert (answer.status, answer.body) == (206, bytes(range(200, 256)))


def test_the_log_names_each_request_and_nothing_that_was_asked(
    server: Server, device: FieldDevice
) -> None:
    server.ask("GET", f"/v1/files/{'ab' * 32}?child=Okafor", headers={"X-Request-Id": "find-me-1"})
    (line,) = server.log.wait_for("find-me-1")
    assert "event=request.done request=find-me-1 method=GET route=/v1/files/<name>" in line
    assert "Okafor" not in server.log.text()
    assert "abab" not in server.log.text()


def test_the_jobs_run_once_across_workers_and_a_server_told_to_stop_ends_well(
    tmp_path: Path,
) -> None:
    """Both workers offer to seal: one does, the other passes, and nobody asks for an hour."""
    board = Board(tmp_path / "data", seal_every_seconds="3600", log_level="debug", workers="2")
    with serving(board, tmp_path) as server:
        offers = server.log.wait_for("event=job.", "job=seal-partitions", times=2)
        assert sorted(re.findall(r"event=(job\.[a-z]+)", "".join(offers))) == [
            "job.done",
            "job.passed",
        ]
    assert server.process.returncode == 0


def test_a_port_that_is_taken_is_a_mistake_with_a_way_out(server: Server, board: Board) -> None:
    port = server.address.rpartition(":")[2]
    refused = subprocess.run(
        [*FIELDWARD, "serve"],
        env={
            **os.environ,
            **board.environ,
            "FIELDWARD_LISTEN_PORT": port,
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "[cannot-listen]" in refused.stderr
    assert "Traceback" not in refused.stderr
