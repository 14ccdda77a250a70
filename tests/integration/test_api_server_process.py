"""The real server: gunicorn with two workers, spoken to over a socket."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import msgspec
import pytest

import served
from api_actors import AUTHORITY, Administrator, Board, FieldDevice
from fieldward_server.services.events import list_events
from fieldward_sync.http_signatures import verify_answer
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import MAX_COMMAND_BYTES, MAX_REQUEST_BYTES
from http_server import Answer, Server, serving
from program import FIELDWARD, environment
from served import PATIENCE_SECONDS

PUBLIC_AUTHORITY = "fieldward.example"


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


@pytest.fixture
def administrator(board: Board) -> Administrator:
    board.clock.seconds = int(time.time())
    return Administrator.of(board)


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


def test_commands_are_long_come_at_once_and_are_each_carried_out_once(
    server: Server, board: Board, administrator: Administrator
) -> None:
    padded = msgspec.json.encode({"reason": "audit"}) + b" " * 3_000_000
    requests = [administrator.signed("device/list", body=padded) for _ in range(8)]
    with ThreadPoolExecutor(len(requests)) as threads:
        answers = list(threads.map(server.send, requests * 2))
    statuses = [{a.status, b.status} for a, b in zip(answers[:8], answers[8:], strict=True)]
    assert statuses == [{200, 409}] * 8
    done = [event.action for event in list_events(board.platform, AUTHORITY)]
    assert done.count("device/list") == 8


def test_a_command_in_chunks_is_refused_where_it_passes_the_limit(
    server: Server, administrator: Administrator
) -> None:
    request = administrator.signed("device/list", reason="audit")
    chunks = (bytes(1 << 16) for _ in range((MAX_COMMAND_BYTES >> 16) + 1))
    answer = server.ask("POST", request.path, body=chunks, headers=dict(request.headers))
    assert (answer.status, problem_code(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "target", ["/v1/%73ync", "/v1/./sync", "//v1/sync", "http://fieldward.example/v1/sync"]
)
def test_only_the_path_that_was_signed_is_taken_letter_for_letter(
    target: str, server: Server, device: FieldDevice
) -> None:
    answer = server.send(replace(device.sync(), path=target))
    assert answer.status == 401


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v1/sync?family=Okafor HTTP/9\r\n\r\n", 400),
        (b"Okafor\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nOkafor Ada: 1\r\n\r\n", 400),
        (b"GET /" + b"Okafor" * 2000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nA: " + b"Okafor" * 20_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: Okafor\r\n\r\n", 501),
    ],
    ids=["version", "line", "header", "long line", "long header", "coding"],
)
def test_what_is_no_request_is_refused_as_everything_else_is_and_not_repeated_in_the_log(
    sent: bytes, status: int, server: Server
) -> None:
    answer = spoken(server, sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head.lower()
    assert (problem["status"], problem["code"]) == (status, "request-unreadable")
    assert problem["type"] == "/problems/request-unreadable"
    (line,) = server.log.wait_for("event=request.unreadable", f"request={problem['request_id']} ")
    assert f"status={status}" in line
    assert "Okafor" not in server.log.text()


@pytest.mark.parametrize("body", [b"x\r\n", b"3\r\nabcd\r\n", b"0\r\nOkafor Ada\r\n\r\n"])
def test_a_body_in_chunks_that_are_none_is_the_senders_mistake(
    body: bytes, server: Server, device: FieldDevice
) -> None:
    headers = {**device.sync().headers, "transfer-encoding": "chunked", "connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = spoken(server, f"POST /v1/sync HTTP/1.1\r\n{head}\r\n".encode() + body)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\nsignature: " in answer.lower()
    assert b'"request-unreadable"' in answer
    assert "level=error" not in server.log.text()
    assert "Okafor" not in server.log.text()


def spoken(server: Server, sent: bytes) -> bytes:
    """What the server says to these bytes until it closes the connection."""
    host, _, port = server.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(sent)
        heard = b""
        try:
            while piece := connection.recv(65536):
                heard += piece
        except ConnectionResetError:
            pass  # it did not care to read everything
    return heard


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
        assert server.process.stop() == 0


def test_whoever_asked_for_the_address_in_a_file_finds_it_there_and_a_log_of_warnings_stays_empty(
    tmp_path: Path,
) -> None:
    """Also what gunicorn says of starting and stopping is at its level."""
    file, log = tmp_path / "address", tmp_path / "log"
    board = Board(tmp_path / "data", listen_port="0", log_level="warning", workers="1")
    with served.serving(board.environ, log, "--address-file", str(file)) as process:
        assert file.read_text() == f"{process.address}\n"
        # Its worker is up: gunicorn kills one that is told to stop while it starts, and says so.
        assert urlopen(f"{process.address}/health/live").status == 200
    assert log.read_text() == ""


def test_a_port_that_is_taken_is_a_mistake_with_a_way_out(server: Server, board: Board) -> None:
    port = server.address.rpartition(":")[2]
    refused = subprocess.run(
        [*FIELDWARD, "serve"],
        env=environment(**{**board.environ, "FIELDWARD_LISTEN_PORT": port}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "[cannot-listen]" in refused.stderr
    assert "Traceback" not in refused.stderr
