"""Who is calling: every request is refused unless it is signed, and every answer to it is signed.

The signature covers what the server itself knows or received: the configured authority, never the
``Host`` header, and the path as it stood in the request line, never a decoded form of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, Response, g, request

from fieldward_server.api.context import allow_body, read_body, service
from fieldward_server.services.authentication import (
    AdministratorCaller,
    Caller,
    Received,
    authenticate,
    authenticate_administrator,
    find_administrator,
)
from fieldward_server.services.authorities import answer_key, open_answer_key
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol, RetryLater
from fieldward_sync.http_signatures import (
    REQUEST_HEADERS,
    RequestSignature,
    read_request_signature,
    sign_answer,
    verify_request,
)
from fieldward_sync.messages import MAX_COMMAND_BYTES, answer_key_id

ADMIN_PATH = "/v1/admin"

OPEN_ENDPOINTS = frozenset(
    {
        "device_api.enrol",  # authenticates itself, with the keys in its body
        "device_api.fetch_file",  # the name is unguessable, the content sealed
        "device_api.fetch_trust",  # public keys, vouched for by the root key
        "health.live",
        "health.ready",
        "openapi.document",
        "openapi.problem",
    }
)
"""Everything that may be asked without being known here."""


@dataclass(frozen=True)
class Signer:
    """Whose key signs the answer to the current request."""

    authority: str
    key: Ed25519PrivateKey


def install(app: Flask) -> None:
    """Authenticate every request to ``app``, and sign every answer that can be signed."""
    app.before_request(_authenticate)
    app.after_request(_sign)


def caller() -> Caller:
    """The device that signed the current request."""
    found: Caller = g.caller
    return found


def administrator() -> AdministratorCaller:
    """The administrator who signed the current command."""
    found: AdministratorCaller = g.administrator
    return found


def sign_answer_with(authority: str, key: Ed25519PrivateKey) -> None:
    """Have the answer to the current request signed with the key of ``authority``."""
    g.signer = Signer(authority, key)


def verify_own_signature(public_key: bytes) -> RequestSignature:
    """The signature of an enrolment, once it holds with the key that the body itself brings."""
    signature = read_request_signature(_headers())
    if signature.key_id != f"enrol/{hashlib.sha256(public_key).hexdigest()[:32]}":
        raise PeerBrokeProtocol("unknown-key", "This is not the key id of the key in the body.")
    verify_request(signature, **vars(_received()), public_key=public_key)
    return signature


def _authenticate() -> None:
    if request.endpoint in OPEN_ENDPOINTS:
        return
    here = service()
    signature = read_request_signature(_headers())
    g.signing_for = signature.key_id.partition("/")[0]
    if request.path.startswith(f"{ADMIN_PATH}/"):
        # Nobody who is unknown gets a long body read.
        signer = find_administrator(here.platform, signature)
        allow_body(MAX_COMMAND_BYTES)
        g.administrator = authenticate_administrator(
            here.platform, signer, signature, _received(), now=here.now()
        )
    else:
        g.caller = found = authenticate(here.platform, signature, _received(), now=here.now())
        key = open_answer_key(here.platform, found.signer.authority)
        sign_answer_with(found.authority, key)


def _received() -> Received:
    path, query = _target()
    return Received(
        method=request.method,
        authority=service().config.signed_authority,
        path=path,
        query=query,
        body=read_body(),
    )


def _find_signer() -> Signer | None:
    """Whose key signs the answer: known already, or that of the authority that was asked."""
    found: Signer | None = g.get("signer")
    if found is not None or "signing_for" not in g:
        return found
    try:
        return Signer(g.signing_for, answer_key(service().platform, g.signing_for))
    except (CallerMistake, RetryLater):
        return None  # nobody's key, or none to be had now: the refusal goes out unsigned


def _sign(response: Response) -> Response:
    signer = _find_signer()
    if signer is not None:
        response.headers.update(
            sign_answer(
                status=response.status_code,
                body=response.get_data(),
                request_signature=request.headers["signature"],
                now=service().now(),
                key=signer.key,
                key_id=answer_key_id(signer.authority),
            )
        )
    return response


def _headers() -> dict[str, str]:
    given = request.headers
    return {name: given.get(name, "") for name in REQUEST_HEADERS}


def _target() -> tuple[str, str]:
    """Path and query as they stood in the request line.

    Where the web server does not tell, the decoded path will do: the profile allows no character in
    a path that could have been encoded.
    """
    raw: str | None = request.environ.get("RAW_URI")
    if raw is None:
        return request.environ["PATH_INFO"], request.environ.get("QUERY_STRING", "")
    path, _, query = raw.partition("?")
    return path, query
