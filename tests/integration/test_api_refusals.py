"""What is refused at the door: its code, its status, its signature; and nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api_actors import START, Board, FieldDevice, Signed, require_signed, synced
from fieldward_sync.encoding import encode
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import MAX_REQUEST_BYTES

SKEW_SECONDS = 300
WINDOW = 64


@pytest.fixture(params=["sqlite", "postgresql"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    on_postgres = request.param == "postgresql"
    board = Board(tmp_path, request.getfixturevalue("postgres_database") if on_postgres else None)
    yield board
    board.close()


@pytest.fixture
def device(board: Board) -> FieldDevice:
    return FieldDevice.enrolled(board)


@dataclass(frozen=True)
class Refusal:
    """A request that must be refused, and how."""

    name: str
    make: Callable[[FieldDevice], Signed]
    status: int
    code: str
    answer_is_signed: bool = True
    knows_caller: bool = False


def _body(device: FieldDevice) -> bytes:
    return encode(device.sync_request())


def _flipped(device: FieldDevice) -> Signed:
    request = device.sync()
    return replace(request, body=request.body[:-1] + bytes([request.body[-1] ^ 1]))


def _oversized(device: FieldDevice) -> Signed:
    return device.signed(bytes(MAX_REQUEST_BYTES + 1))


def _elsewhere(device: FieldDevice) -> Signed:
    return device.signed(_body(device), authority="another.example")


def _unescaped(device: FieldDevice) -> Signed:
    return replace(device.sync(), path="/v1/%73ync")


def _in_the_future(device: FieldDevice) -> Signed:
    return device.signed(_body(device), created=START + SKEW_SECONDS + 1)


def _long_ago(device: FieldDevice) -> Signed:
    return device.signed(_body(device), created=START - SKEW_SECONDS - 1)


REFUSALS = [
    Refusal(
        "without a signature",
        lambda device: device.sync().with_headers(signature=None, signature_input=None),
        401,
        "signature-malformed",
        answer_is_signed=False,
    ),
    Refusal(
        "without a counter",
        lambda device: device.sync().with_headers(fieldward_counter=None),
        401,
        "signature-malformed",
        answer_is_signed=False,
    ),
    Refusal(
        "signed in another profile",
        lambda device: device.sync().with_headers(signature_input='sig1=("@method");created=1'),
        401,
        "signature-malformed",
        answer_is_signed=False,
    ),
    Refusal(
        "with an escaped path",
        _unescaped,
        401,
        "signature-malformed",
    ),
    Refusal("with another body", _flipped, 400, "digest-wrong"),
    Refusal(
        "with another counter than was signed",
        lambda device: device.sync().with_headers(fieldward_counter="99"),
        401,
        "signature-wrong",
    ),
    Refusal(
        "signed with another key",
        lambda device: device.signed(_body(device), key=Ed25519PrivateKey.generate()),
        401,
        "signature-wrong",
    ),
    Refusal(
        "signed with the device's key as the practitioner",
        lambda device: device.signed(_body(device), key=device.identity),
        401,
        "signature-wrong",
    ),
    Refusal("signed for another server", _elsewhere, 401, "signature-wrong"),
    Refusal(
        "signed for another path",
        lambda device: device.signed(_body(device), signed_path="/v1/other"),
        401,
        "signature-wrong",
    ),
    Refusal(
        "with a query that was not signed",
        lambda device: replace(device.sync(), path="/v1/sync?more=1"),
        401,
        "signature-wrong",
    ),
    Refusal(
        "of an unknown device",
        lambda device: device.signed(_body(device), key_id="E08000039/d-nobody/1/p-1"),
        401,
        "unknown-key",
    ),
    Refusal(
        "of another generation",
        lambda device: device.signed(_body(device), key_id=f"E08000039/{device.device}/9/p-1"),
        401,
        "unknown-key",
    ),
    Refusal(
        "of an unknown practitioner",
        lambda device: device.signed(_body(device), key_id=device.key_id("p-9")),
        401,
        "unknown-key",
    ),
    Refusal(
        "of an unknown authority",
        lambda device: device.signed(_body(device), key_id=f"E09999999/{device.device}/1/p-1"),
        401,
        "unknown-key",
        answer_is_signed=False,
    ),
    Refusal(
        "with a key id of another form",
        lambda device: device.signed(_body(device), key_id="E08000039"),
        401,
        "unknown-key",
    ),
    Refusal("signed in the future", _in_the_future, 401, "clock-skew", knows_caller=True),
    Refusal("signed long ago", _long_ago, 401, "clock-skew", knows_caller=True),
    Refusal("oversized", _oversized, 413, "too-large"),
    Refusal(
        "of another media type",
        lambda device: device.sync().with_headers(content_type="application/json"),
        415,
        "wrong-media-type",
    ),
    Refusal(
        "without a media type",
        lambda device: device.sync().with_headers(content_type=None),
        415,
        "wrong-media-type",
    ),
    Refusal(
        "of another kind",
        lambda device: device.signed(encode(device.enrol_request(device.board.invitation()))),
        400,
        "wrong-kind",
    ),
    Refusal(
        "cut short",
        lambda device: device.signed(_body(device)[:-1]),
        400,
        "malformed",
    ),
    Refusal(
        "with trailing bytes",
        lambda device: device.signed(_body(device) + b"\0"),
        400,
        "malformed",
    ),
    Refusal("empty", lambda device: device.signed(b""), 400, "wrong-kind"),
    Refusal(
        "to an unknown address",
        lambda device: device.signed(_body(device), path="/v1/unknown"),
        404,
        "not-found",
    ),
    Refusal(
        "to an address with a slash too many",
        lambda device: device.signed(_body(device), path="/v1//sync"),
        404,
        "not-found",
    ),
    Refusal(
        "with another method",
        lambda device: device.signed(_body(device), method="PUT"),
        405,
        "method-not-allowed",
    ),
]


def require_problem(response: TestResponse, *, status: int, code: str) -> None:
    """The answer is a complete RFC 9457 problem with this code."""
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    problem = response.get_json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"/problems/{code}"
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert all(problem[member] for member in ("title", "detail", "next_step"))


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_request_is_refused_changes_nothing_and_the_next_is_served(
    refusal: Refusal, board: Board, device: FieldDevice
) -> None:
    request = refusal.make(device)
    before = board.contents()
    response = request.send(board.client)
    require_problem(response, status=refusal.status, code=refusal.code)
    if refusal.answer_is_signed:
        assert require_signed(board, request, response) == START
    else:
        assert "signature" not in response.headers
    assert ("last_counter" in response.get_json()) == refusal.knows_caller
    assert board.contents() == before
    synced(device.sync().send(board.client))


def with_an_effect(device: FieldDevice, *, counter: int | None = None) -> Signed:
    """A sync that asks for a lease, so that its counter is spent in the database."""
    body = encode(device.sync_request(next_hpke_key=hpke_public_key(bytes(32))))
    return device.signed(body, counter=counter)


def require_counter_used(board: Board, request: Signed, client: FlaskClient) -> None:
    """The request is refused as spent, says which counter was the last, and changes nothing."""
    before = board.contents()
    response = request.send(client)
    require_problem(response, status=409, code="counter-used")
    require_signed(board, request, response)
    (row,) = board.device_rows()
    assert response.get_json()["last_counter"] == row["counter_high"]
    assert board.contents() == before


def test_a_request_that_is_replayed_is_refused_by_every_worker(
    board: Board, device: FieldDevice
) -> None:
    request = with_an_effect(device)
    synced(request.send(board.client))
    require_counter_used(board, request, board.client)
    require_counter_used(board, request, board.another_application().test_client())


def test_a_request_without_an_effect_is_refused_where_it_was_seen(
    board: Board, device: FieldDevice
) -> None:
    request = device.sync()
    synced(request.send(board.client))
    require_counter_used(board, request, board.client)


def test_a_request_may_overtake_others_but_not_by_more_than_the_window(
    board: Board, device: FieldDevice
) -> None:
    synced(with_an_effect(device, counter=1000).send(board.client))
    synced(with_an_effect(device, counter=1000 - WINDOW).send(board.client))
    require_counter_used(board, with_an_effect(device, counter=999 - WINDOW), board.client)
    require_counter_used(board, with_an_effect(device, counter=1000), board.client)
