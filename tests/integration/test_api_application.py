"""The application as a whole: refusing by default, described, quiet about what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from api_actors import START, Board, FieldDevice, require_signed, synced
from fieldward_server.api import device_api
from fieldward_server.api.admin_commands import COMMANDS
from fieldward_server.api.authentication import OPEN_ENDPOINTS
from fieldward_server.api.problems import KNOWN
from fieldward_server.logs import request_id
from fieldward_sync.encoding import encode


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


@pytest.fixture
def app(board: Board) -> Flask:
    return board.another_application()


@pytest.fixture(scope="module")
def one_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One for all tests that change nothing."""
    with closing(Board(tmp_path_factory.mktemp("board"))) as board:
        yield board.another_application()


@pytest.fixture
def device(board: Board) -> FieldDevice:
    return FieldDevice.enrolled(board)


OPEN_TO_ALL = {
    "/health/live",
    "/health/ready",
    "/problems/<code>",
    "/v1/enrol",
    "/v1/files/<name>",
    "/v1/openapi.json",
    "/v1/trust/<authority>",
}
"""Written out here too, so that nobody opens a route by one line of code."""


def test_every_route_but_the_listed_ones_refuses_a_stranger(app: Flask) -> None:
    client = app.test_client()
    assert len(list(app.url_map.iter_rules())) > len(COMMANDS) + len(OPEN_TO_ALL)
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<name>", "0" * 64).replace("<code>", "malformed")
        for method in rule.methods or ():
            refused = client.open(path, method=method).status_code == 401
            assert refused == (rule.rule not in OPEN_TO_ALL), f"{method} {rule}"


def test_the_list_of_open_routes_names_routes_that_exist(app: Flask) -> None:
    assert app.view_functions.keys() >= OPEN_ENDPOINTS


def test_the_open_enrolment_lets_no_stranger_in_either(app: Flask) -> None:
    response = app.test_client().post("/v1/enrol")
    assert response.get_json()["code"] == "wrong-media-type"


def test_the_interface_is_described_completely_and_validly(app: Flask) -> None:
    document = app.test_client().get("/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    described = {
        (path, method) for path, methods in document["paths"].items() for method in methods
    }
    assert described == {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_problem_type_has_a_page(code: str, one_app: Flask) -> None:
    page = one_app.test_client().get(f"/problems/{code}")
    assert page.text == f"{KNOWN[code].title} [{code}]\n"


def test_a_problem_type_that_is_none_has_no_page(app: Flask) -> None:
    assert app.test_client().get("/problems/nonsense").status_code == 404


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_a_healthy_service_says_so(path: str, app: Flask) -> None:
    assert app.test_client().get(path).status_code == 200


def test_a_service_that_lost_its_database_lives_and_is_not_ready(
    board: Board, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fieldward_server.storage.Storage.pending_migrations", lambda _: ("0099-later",)
    )
    client = app.test_client()
    assert client.get("/health/live").status_code == 200
    response = client.get("/health/ready")
    assert (response.status_code, response.get_json()["code"]) == (503, "not-ready")
    assert response.headers["Retry-After"]


def test_the_host_header_decides_nothing(board: Board, device: FieldDevice) -> None:
    synced(device.sync().with_headers(host="another.example").send(board.client))
    misled = device.signed(encode(device.sync_request()), authority="another.example")
    response = misled.with_headers(host="another.example").send(board.client)
    assert response.get_json()["code"] == "signature-wrong"
    assert f"signed for {board.config.signed_authority}." in response.get_json()["next_step"]


def test_the_answers_time_is_the_services(board: Board, device: FieldDevice) -> None:
    board.clock.seconds += 77
    request = device.sync()
    assert require_signed(board, request, request.send(board.client)) == START + 77


def test_a_request_id_goes_from_edge_to_edge(app: Flask) -> None:
    client = app.test_client()
    given = client.get("/health/live", headers={"X-Request-Id": "abc-123-xyz"})
    assert given.headers["X-Request-Id"] == "abc-123-xyz"
    made = client.get("/health/live", headers={"X-Request-Id": "not one\tat all"})
    assert len(made.headers["X-Request-Id"]) == 16


def test_what_a_worker_does_after_a_request_belongs_to_no_request(app: Flask) -> None:
    app.test_client().get("/health/live")
    assert request_id.get() is None


def fails_with_a_childs_name(*_: object, **__: object) -> None:
    raise ValueError("Ada Okafor")


def test_a_failure_tells_the_caller_its_request_id_and_nothing_else(
    board: Board,
    device: FieldDevice,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(device_api, "synchronise", fails_with_a_childs_name)
    request = device.sync()
    response = request.send(board.client)
    require_signed(board, request, response)
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (500, "internal")
    assert problem["request_id"]
    said = response.text + str([vars(record) for record in caplog.records])
    assert "Ada" not in said
    assert "ValueError" in said
