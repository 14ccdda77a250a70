"""Sealed files over HTTP: whole, in ranges, from caches, and never by another name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from api_actors import Board

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


@pytest.fixture
def name(board: Board) -> str:
    return board.platform.files.write(CONTENT)


def fetch(board: Board, name: str, **headers: str) -> TestResponse:
    """Ask for a file, header names in Python's spelling."""
    spelled = {header.replace("_", "-"): value for header, value in headers.items()}
    return board.client.get(f"/v1/files/{name}", headers=spelled, buffered=True)


def test_a_file_is_fetched_whole_and_may_be_kept_for_ever(board: Board, name: str) -> None:
    response = fetch(board, name)
    assert (response.status_code, response.data) == (200, CONTENT)
    assert response.headers["ETag"] == f'"{name}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.content_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10000, 10240),
        ("bytes=-5", 10235, 10240),
        ("bytes=10200-99999", 10200, 10240),
    ],
)
def test_a_download_goes_on_where_it_stopped(
    asked: str, first: int, end: int, board: Board, name: str
) -> None:
    response = fetch(board, name, range=asked)
    assert (response.status_code, response.data) == (206, CONTENT[first:end])
    assert response.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(CONTENT)}"


@pytest.mark.parametrize("asked", ["bytes=10240-", "bytes=5-4", "bytes=0-1,4-5", "lines=0-1"])
def test_a_range_that_the_file_does_not_have_is_refused(
    asked: str, board: Board, name: str
) -> None:
    response = fetch(board, name, range=asked)
    assert (response.status_code, response.get_json()["code"]) == (416, "range-not-satisfiable")


def test_a_range_of_a_file_that_changed_is_the_whole_file(board: Board, name: str) -> None:
    response = fetch(board, name, range="bytes=0-9", if_range=f'"{"0" * 64}"')
    assert (response.status_code, response.data) == (200, CONTENT)


def test_a_cache_learns_that_a_file_never_changes(board: Board, name: str) -> None:
    response = fetch(board, name, if_none_match=f'"{name}"')
    assert (response.status_code, response.data) == (304, b"")


@pytest.mark.parametrize(
    "other",
    [
        "0" * 64,
        "0" * 63,
        "A" * 64,
        "master.key",
        "..%2f..%2fmaster.key",
        "%2e%2e",
        "a/b",
        "\u0660" * 64,
    ],
)
def test_nothing_is_fetched_by_another_name(other: str, board: Board) -> None:
    response = fetch(board, other)
    assert response.status_code in (401, 404)
    assert response.content_type == "application/problem+json"


def test_a_file_is_fetched_without_saying_who_one_is(board: Board, name: str) -> None:
    """A signature on it is not even looked at: the name is all it takes, for any proxy too."""
    response = fetch(board, name, signature="nonsense")
    assert response.status_code == 200
    assert "signature" not in response.headers
