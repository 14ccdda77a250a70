"""Enrolment over HTTP: the one call that authenticates itself, with the keys it brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api_actors import AUTHORITY, PRACTITIONER, START, Board, FieldDevice, require_signed, synced
from fieldward_sync.encoding import decode, encode
from fieldward_sync.invitations import fingerprint, read_code
from fieldward_sync.messages import MAX_ANSWER_BYTES, EnrolAnswer, Trust


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    board.close()


@pytest.fixture
def device(board: Board) -> FieldDevice:
    return FieldDevice(board)


def test_an_enrolment_is_answered_in_the_chain_of_the_code(
    board: Board, device: FieldDevice
) -> None:
    code = board.invitation()
    request = device.enrolment(code)
    response = request.send(board.client)
    answer = decode(EnrolAnswer, response.data, max_bytes=MAX_ANSWER_BYTES)
    trust = answer.trust.open(Trust, answer.root_key)
    assert fingerprint(answer.root_key) == read_code(code).root_fingerprint
    assert board.answer_keys() == {f"{AUTHORITY}/answer": trust.answer_key}
    assert require_signed(board, request, response) == START
    assert (answer.authority, answer.practitioner) == (AUTHORITY, PRACTITIONER)


def test_an_enrolment_that_is_repeated_gets_the_same_answer(
    board: Board, device: FieldDevice
) -> None:
    code = board.invitation()
    first, again = (device.enrolment(code).send(board.client) for _ in range(2))
    assert (first.status_code, first.data) == (200, again.data)


def test_a_device_whose_clock_is_wrong_can_enrol(board: Board, device: FieldDevice) -> None:
    request = device.enrolment(board.invitation(), created=START - 10**6)
    response = request.send(board.client)
    assert response.status_code == 200
    assert require_signed(board, request, response) == START


def test_a_device_of_its_own_key_id_syncs_after_enrolment(board: Board) -> None:
    device = FieldDevice.enrolled(board)
    body = encode(device.sync_request())
    as_itself = device.signed(body, key=device.identity, key_id=device.identity_key_id())
    assert synced(as_itself.send(board.client)).access == "active"


def refusal(board: Board, device: FieldDevice, code: str, **changes: Any) -> tuple[int, str]:
    """How an enrolment is refused, once it is seen that nothing has changed."""
    request = device.enrolment(code, **changes)
    before = board.contents()
    response = request.send(board.client)
    assert response.content_type == "application/problem+json"
    assert board.contents() == before
    return response.status_code, response.get_json()["code"]


def test_an_unknown_code_is_refused(tmp_path: Path, board: Board, device: FieldDevice) -> None:
    elsewhere = Board(tmp_path / "elsewhere")
    assert refusal(board, device, elsewhere.invitation()) == (403, "invitation-unknown")
    elsewhere.close()


def test_a_code_that_has_expired_is_refused(board: Board, device: FieldDevice) -> None:
    code = board.invitation(valid_seconds=60)
    board.clock.seconds += 61
    assert refusal(board, device, code) == (403, "invitation-expired")


def test_a_code_enrols_one_device(board: Board, device: FieldDevice) -> None:
    code = board.invitation()
    device.enrolment(code).send(board.client)
    assert refusal(board, FieldDevice(board), code) == (403, "invitation-used")


def test_a_wrong_proof_is_refused(board: Board, device: FieldDevice) -> None:
    assert refusal(board, device, board.invitation(), proof=bytes(32)) == (403, "proof-wrong")


def test_a_key_in_the_body_that_did_not_sign_is_refused(board: Board, device: FieldDevice) -> None:
    code = board.invitation()
    other = FieldDevice(board)
    body = encode(other.enrol_request(code))
    request = device.enrolment(code)
    stolen = other.signed(
        body,
        path="/v1/enrol",
        key=Ed25519PrivateKey.generate(),
        key_id=other.enrolment_key_id(),
    )
    assert stolen.send(board.client).get_json()["code"] == "signature-wrong"
    misnamed = other.signed(
        body, path="/v1/enrol", key=other.identity, key_id=device.enrolment_key_id()
    )
    assert misnamed.send(board.client).get_json()["code"] == "unknown-key"
    assert request.send(board.client).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"content_type": "application/json"}, 415, "wrong-media-type"),
        ({"signature": None}, 401, "signature-malformed"),
    ],
)
def test_an_enrolment_of_another_form_is_refused(
    headers: dict[str, str | None], status: int, code: str, board: Board, device: FieldDevice
) -> None:
    request = device.enrolment(board.invitation()).with_headers(**headers)
    response = request.send(board.client)
    assert (response.status_code, response.get_json()["code"]) == (status, code)
