"""Signed requests and answers."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from second_implementation import http_signatures
from second_implementation.keys import signing_public
from vectors.cases import Case, Topic, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    ANSWER_KEY,
    ANSWER_SEED,
    AUTHORITY,
    DEVICE,
    GENERATION,
    NOW,
    PRACTITIONER,
    SIGNING_KEY,
    SIGNING_SEED,
)

HOST = "fieldward.example:8441"
BODY = b"fieldward/sync/1\n\x90"
KEY_ID = f"{AUTHORITY}/{DEVICE}/{GENERATION}/{PRACTITIONER}"
ANSWER_KEY_ID = f"{AUTHORITY}/answer"


def signed_request(**changes: Any) -> dict[str, Any]:
    """A request with its headers; what is signed may be changed."""
    target = {"method": "POST", "authority": HOST, "path": "/v1/sync", "query": ""}
    told: dict[str, Any] = {
        **target,
        "key_id": KEY_ID,
        "body": BODY,
        "counter": 42,
        "created": NOW,
        **changes,
    }
    headers = http_signatures.sign_request(SIGNING_SEED, **told)
    sent = {name: told[name] for name in target}
    return {
        "kind": "request",
        **sent,
        "body": told["body"],
        "headers": headers,
        "public_key": SIGNING_KEY,
    }


def signed_answer() -> dict[str, Any]:
    """The answer to it."""
    request_signature = signed_request()["headers"]["signature"]
    body = b"fieldward/synced/1\n\x90"
    headers = http_signatures.sign_answer(
        ANSWER_SEED,
        key_id=ANSWER_KEY_ID,
        status=200,
        body=body,
        now=NOW + 1,
        request_signature=request_signature,
    )
    return {
        "kind": "answer",
        "status": 200,
        "body": body,
        "headers": headers,
        "request_signature": request_signature,
        "public_keys": {ANSWER_KEY_ID: ANSWER_KEY},
    }


def _requests() -> Iterator[Case]:
    good = signed_request()
    yield valid("request", "a sync", **good, key_id=KEY_ID, created=NOW, counter=42)
    asked = signed_request(method="GET", body=b"", query="after=7&limit=20", path="/v1/a.b_c~d-e")
    yield valid(
        "request-with-query",
        "no body, a query, every character a path may have",
        **asked,
        key_id=KEY_ID,
        created=NOW,
        counter=42,
    )
    for name, why, part in (
        ("method-changed", "another method", {"method": "PUT"}),
        ("authority-changed", "meant for another server", {"authority": "other.example"}),
        ("path-changed", "another path", {"path": "/v1/enrol"}),
        ("query-added", "a query that was not signed", {"query": "a=1"}),
        ("request-key-changed", "another key", {"public_key": signing_public(secret("x"))}),
    ):
        yield refused(name, why, Outcome.SIGNATURE_WRONG, **{**good, **part})
    yield refused(
        "body-changed", "another body", Outcome.DIGEST_WRONG, **{**good, "body": BODY + b"\x00"}
    )
    yield refused(
        "path-escaped",
        "a character that would need escaping",
        Outcome.SIGNATURE_MALFORMED,
        **{**good, "path": "/v1/%73ync"},
    )
    for name, why, code, change in (
        ("counter-changed", "another counter", Outcome.SIGNATURE_WRONG, ("42", "43")),
        ("counter-zeros", "a leading zero", Outcome.SIGNATURE_MALFORMED, ("42", "042")),
    ):
        yield refused(
            name, why, code, **_with_header(good, "fieldward-counter", change[0], change[1])
        )
    yield from _malformed_inputs(good)


def _malformed_inputs(good: dict[str, Any]) -> Iterator[Case]:
    for name, why, old, new in (
        ("label-other", "another label", "fw=", "sig1="),
        ("component-missing", "the query is not covered", '"@query" ', ""),
        (
            "components-reordered",
            "another order",
            '"@method" "@authority"',
            '"@authority" "@method"',
        ),
        ("parameters-reordered", "another order of parameters", ';alg="ed25519"', ""),
        ("algorithm-other", "another algorithm", "ed25519", "hmac-sha256"),
        ("tag-of-answers", "the tag of answers", "fieldward-request", "fieldward-answer"),
        ("expires", "a further parameter", ";keyid", f";expires={NOW + 9};keyid"),
        ("two-signatures", "a second signature", "fw=", 'a=("@method");created=1, fw='),
    ):
        yield refused(
            name,
            why,
            Outcome.SIGNATURE_MALFORMED,
            **_with_header(good, "signature-input", old, new),
        )
    yield refused(
        "created-changed",
        "another time than was signed",
        Outcome.SIGNATURE_WRONG,
        **_with_header(good, "signature-input", str(NOW), str(NOW + 1)),
    )
    signature = good["headers"]["signature"]
    yield refused(
        "base-64-bits",
        "bits in base 64 that mean nothing",
        Outcome.SIGNATURE_MALFORMED,
        **_with_header(good, "signature", signature[-4:], chr(ord(signature[-4]) + 1) + "==:"),
    )
    digest = f"sha-512=:{b64encode(hashlib.sha512(BODY).digest()).decode()}:"
    yield refused(
        "digest-other",
        "another digest algorithm",
        Outcome.SIGNATURE_MALFORMED,
        **_with_header(good, "content-digest", good["headers"]["content-digest"], digest),
    )
    unsigned = {name: value for name, value in good["headers"].items() if name != "signature"}
    yield refused(
        "unsigned", "no signature", Outcome.SIGNATURE_MALFORMED, **{**good, "headers": unsigned}
    )


def _answers() -> Iterator[Case]:
    good = signed_answer()
    yield valid("answer", "to the request above", **good, time=NOW + 1)
    another = signed_request(counter=43)["headers"]["signature"]
    for name, why, code, part in (
        ("status-changed", "another status", Outcome.SIGNATURE_WRONG, {"status": 403}),
        (
            "answer-to-another",
            "a recorded answer to another request",
            Outcome.SIGNATURE_WRONG,
            {"request_signature": another},
        ),
        ("answer-body-changed", "another body", Outcome.DIGEST_WRONG, {"body": b""}),
        (
            "answer-key-unknown",
            "signed by nobody we trust",
            Outcome.KEY_UNKNOWN,
            {"public_keys": {"E06000001/answer": ANSWER_KEY}},
        ),
        (
            "answer-key-changed",
            "another key under the same id",
            Outcome.SIGNATURE_WRONG,
            {"public_keys": {ANSWER_KEY_ID: SIGNING_KEY}},
        ),
    ):
        yield refused(name, why, code, **{**good, **part})
    yield refused(
        "two-times",
        "fieldward-time is not created",
        Outcome.SIGNATURE_MALFORMED,
        **_with_header(good, "fieldward-time", str(NOW + 1), str(NOW + 2)),
    )
    yield refused(
        "answer-unbound",
        "the request's signature is not covered",
        Outcome.SIGNATURE_MALFORMED,
        **_with_header(good, "signature-input", ' "signature";req;key="fw"', ""),
    )


def _with_header(good: dict[str, Any], name: str, old: str, new: str) -> dict[str, Any]:
    headers: dict[str, str] = good["headers"]
    assert old in headers[name]
    return {**good, "headers": {**headers, name: headers[name].replace(old, new, 1)}}


def _cases() -> Iterator[Case]:
    yield from _requests()
    yield from _answers()


TOPIC = Topic(
    "http_signatures",
    "signature bases by hand; tests/unit/test_http_signatures.py holds the code against"
    " http-message-signatures",
    _cases,
)
