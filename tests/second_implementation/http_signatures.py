"""The one profile of HTTP Message Signatures."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping

from second_implementation.keys import sign, verify


def _bytes(value: bytes) -> str:
    return f":{b64encode(value).decode()}:"


def sign_request(
    seed: bytes,
    *,
    key_id: str,
    method: str,
    authority: str,
    path: str,
    query: str,
    body: bytes,
    counter: int,
    created: int,
) -> dict[str, str]:
    """The four headers that sign a request."""
    digest = f"sha-256={_bytes(hashlib.sha256(body).digest())}"
    params = (
        '("@method" "@authority" "@path" "@query" "content-digest" "fieldward-counter")'
        f';created={created};keyid="{key_id}";alg="ed25519";tag="fieldward-request"'
    )
    base = "\n".join(
        (
            f'"@method": {method}',
            f'"@authority": {authority}',
            f'"@path": {path}',
            f'"@query": ?{query}',
            f'"content-digest": {digest}',
            f'"fieldward-counter": {counter}',
            f'"@signature-params": {params}',
        )
    )
    return {
        "content-digest": digest,
        "fieldward-counter": str(counter),
        "signature-input": f"fw={params}",
        "signature": f"fw={_bytes(sign(seed, base.encode()))}",
    }


def answer_base(status: int, digest: str, time: int, request_signature: str, key_id: str) -> bytes:
    """What the signature of an answer covers."""
    return "\n".join(
        (
            f'"@status": {status}',
            f'"content-digest": {digest}',
            f'"fieldward-time": {time}',
            f'"signature";req;key="fw": {request_signature.removeprefix("fw=")}',
            f'"@signature-params": {_answer_params(time, key_id)}',
        )
    ).encode()


def sign_answer(
    seed: bytes, *, key_id: str, status: int, body: bytes, now: int, request_signature: str
) -> dict[str, str]:
    """The four headers that sign an answer."""
    digest = f"sha-256={_bytes(hashlib.sha256(body).digest())}"
    base = answer_base(status, digest, now, request_signature, key_id)
    return {
        "content-digest": digest,
        "fieldward-time": str(now),
        "signature-input": f"fw={_answer_params(now, key_id)}",
        "signature": f"fw={_bytes(sign(seed, base))}",
    }


def verify_answer(
    headers: Mapping[str, str],
    *,
    status: int,
    body: bytes,
    request_signature: str,
    key_id: str,
    public_key: bytes,
) -> int:
    """The server's time, once the answer is the authority's and answers this request."""
    time = int(headers["fieldward-time"])
    digest = f"sha-256={_bytes(hashlib.sha256(body).digest())}"
    expected = f"fw={_answer_params(time, key_id)}"
    if headers["content-digest"] != digest or headers["signature-input"] != expected:
        raise ValueError("not an answer in the one profile")
    signature = b64decode(headers["signature"].removeprefix("fw=:").removesuffix(":"))
    verify(public_key, signature, answer_base(status, digest, time, request_signature, key_id))
    return time


def _answer_params(time: int, key_id: str) -> str:
    return (
        '("@status" "content-digest" "fieldward-time" "signature";req;key="fw")'
        f';created={time};keyid="{key_id}";alg="ed25519";tag="fieldward-answer"'
    )
