"""Whether the service can work, by part; what only hinders it does not take it out of service."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api_actors import AUTHORITY, START, Board
from fieldward_server.jobs import LONGEST_RUN_SECONDS, jobs, run_once
from fieldward_server.services.distribution.sealing import seal_partitions
from fieldward_server.services.platform import Platform
from fieldward_server.services.upkeep.restoration import stop_serving
from fieldward_server.storage import incarnations
from fieldward_sync.encoding import pack
from founding import found

EVERY_SECONDS = 30
PARTS = ["database", "migrations", "master-key", "restore", "jobs", "clock", "files"]


@pytest.fixture(params=["sqlite", "postgresql"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    on_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_database") if on_postgres else None
    board = Board(tmp_path / "data", url, seal_every_seconds=str(EVERY_SECONDS))
    yield board
    board.close()


@pytest.fixture
def client(board: Board) -> FlaskClient:
    return board.client


def states(client: FlaskClient) -> dict[str, str]:
    """How each part is said to be."""
    return {part["name"]: part["state"] for part in client.get("/health/ready").get_json()["parts"]}


def run_jobs(platform: Platform, at: int) -> None:
    for job in jobs(seal_every_seconds=EVERY_SECONDS):
        assert run_once(platform, job, holder="worker", now=lambda: at)


def test_a_service_that_can_work_says_so_of_every_part(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert answer.get_json()["status"] == "ready"
    assert states(client) == dict.fromkeys(PARTS, "ok")


def test_a_database_that_cannot_be_read_is_named_and_nothing_of_it_is_told(tmp_path: Path) -> None:
    board = Board(tmp_path / "data")
    client = board.client
    board.close()
    database = Path(board.config.database_url.removeprefix("sqlite:///"))
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    database.write_bytes(b"no database, only some bytes" * 100)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "not-ready")
    described = client.get("/v1/openapi.json").get_json()["components"]["schemas"]["Problem"]
    assert answer.get_json().keys() <= described["properties"].keys()
    assert states(client)["database"] == "failed"
    assert str(tmp_path) not in answer.text
    assert client.get("/health/live").status_code == 200


def test_another_databases_master_key_is_found_out(board: Board) -> None:
    board.config.master_key_file.chmod(0o600)
    board.config.master_key_file.write_bytes(os.urandom(32))
    client = board.another_application().test_client()
    answer = client.get("/health/ready")
    assert (answer.status_code, states(client)["master-key"]) == (503, "failed")
    assert str(board.config.data_folder) not in answer.text


def test_a_restored_database_is_not_ready_before_it_may_serve(
    board: Board, client: FlaskClient
) -> None:
    stop_serving(board.platform)
    answer = client.get("/health/ready")
    assert (answer.status_code, states(client)["restore"]) == (503, "failed")


def test_an_authority_that_may_not_serve_yet_does_not_take_the_others_out_of_service(
    board: Board, client: FlaskClient
) -> None:
    stop_serving(board.platform)
    found(board.platform, "E08000003", name="Manchester", now=START)
    answer = client.get("/health/ready")
    assert (answer.status_code, states(client)["restore"]) == (200, "hindered")


def test_a_files_folder_that_takes_nothing_hinders_and_does_not_stop(
    board: Board, client: FlaskClient
) -> None:
    shutil.rmtree(board.config.files_folder, ignore_errors=True)
    board.config.files_folder.write_text("in the way")
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "hindered")
    assert states(client)["files"] == "hindered"


def test_a_files_folder_without_the_files_that_are_listed_hinders(
    board: Board, client: FlaskClient
) -> None:
    """A disk that was lost or is not mounted, or a host whose folder is not that of the others."""
    seal_partitions(board.platform, START)
    assert states(client)["files"] == "ok"
    shutil.rmtree(board.config.files_folder)
    assert states(client)["files"] == "hindered"
    seal_partitions(board.platform, START)
    assert states(client)["files"] == "ok"


def test_a_restored_database_lists_no_files_yet(board: Board, client: FlaskClient) -> None:
    seal_partitions(board.platform, START)
    shutil.rmtree(board.config.files_folder)
    with board.platform.storage.transaction() as transaction:
        incarnations.unpublish(transaction, AUTHORITY, file_epochs=pack(()))
    assert states(client)["files"] == "ok"


def test_a_job_that_nobody_has_done_for_too_long_is_named(
    board: Board, client: FlaskClient
) -> None:
    run_jobs(board.platform, START)
    board.clock.seconds = START + EVERY_SECONDS + LONGEST_RUN_SECONDS
    assert states(client)["jobs"] == "ok"
    board.clock.seconds += 1
    (jobs_part,) = [
        part for part in client.get("/health/ready").get_json()["parts"] if part["name"] == "jobs"
    ]
    assert jobs_part["state"] == "hindered"
    assert "seal-partitions" in jobs_part["message"]
    assert "sweep-files" not in jobs_part["message"]


def test_a_job_that_fails_each_time_is_one_that_nobody_has_done(
    board: Board, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_jobs(board.platform, START)

    def fail(*_: object) -> int:
        raise OSError("no space")

    monkeypatch.setattr("fieldward_server.jobs.seal_partitions", fail)
    later = START + EVERY_SECONDS + LONGEST_RUN_SECONDS + 1
    sealing = jobs(seal_every_seconds=EVERY_SECONDS)[0]
    with pytest.raises(OSError, match="no space"):
        run_once(board.platform, sealing, holder="worker", now=lambda: later)
    board.clock.seconds = later
    assert states(client)["jobs"] == "hindered"


def test_a_clock_that_was_put_back_is_noticed(board: Board, client: FlaskClient) -> None:
    run_jobs(board.platform, START)
    board.clock.seconds = START - 60
    assert states(client)["clock"] == "ok"
    board.clock.seconds -= 1
    assert states(client)["clock"] == "hindered"
