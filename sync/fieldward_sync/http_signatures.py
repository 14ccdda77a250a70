"""HTTP Message Signatures (RFC 9421) in one fixed profile, with Content-Digest (RFC 9530).

One Ed25519 signature per message, labelled ``fw``, over fixed components in a fixed order; the body
is covered by its SHA-256. An answer also covers its request's signature, so that it answers nothing
else. Any other form is refused: there is nothing to negotiate, and so nothing to confuse.

What a signature cannot show is for the caller to check: whether the key is still trusted, whether
the counter is new, whether the time is near.

Headers come as a mapping that is asked for lower-case names only: its keys are lower case, or it
ignores case. A header sent twice has to arrive joined by a comma, as in WSGI; it is then refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol
from fieldward_sync.signing import verify

# Every pattern is bounded: a hostile header is given up after a few hundred characters. In base64
# the last character carries bits that mean nothing; only zeros are allowed there.
_WHOLE = "(0|[1-9][0-9]{0,14})"  # the integers of RFC 8941 have at most 15 digits
_NUMBER = re.compile(_WHOLE)
_DIGEST = re.compile("sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=):")
_SIGNATURE = re.compile("fw=(:([A-Za-z0-9+/]{85}[AQgw]==):)")
_METHOD = re.compile("[A-Z]{1,16}")
_AUTHORITY = re.compile(r"(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?")
_PATH = re.compile("/[A-Za-z0-9._~/-]{0,1023}")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]{0,2048}")
_STATUS = re.compile("[1-5][0-9]{2}")

REQUEST_HEADERS = ("signature-input", "signature", "content-digest", "fieldward-counter")
"""What ``sign_request`` adds to a request, and all that is read of its headers."""


class _Profile:
    """What one kind of message covers, in which order and under which tag."""

    def __init__(self, *components: str, tag: str) -> None:
        self._components = components
        self._head = f"({' '.join(components)});created="
        self._tail = f';alg="ed25519";tag="{tag}"'
        self._input = re.compile(
            f"fw={re.escape(self._head)}{_WHOLE}"
            f';keyid="([A-Za-z0-9._:/~-]{{1,128}})"{re.escape(self._tail)}'
        )

    def sign(
        self, values: tuple[str, ...], *, created: int, key: Ed25519PrivateKey, key_id: str
    ) -> dict[str, str]:
        """The two signature headers of a message whose components have these values."""
        params = self._params(created, key_id)
        _match("time or key id", self._input, f"fw={params}", CallerMistake)
        signature = key.sign(signature_base(zip(self._components, values, strict=True), params))
        return {"signature-input": f"fw={params}", "signature": f"fw={_byte_sequence(signature)}"}

    def read(self, headers: Mapping[str, str]) -> tuple[int, str]:
        """``created`` and the key id of a message that says it is signed in this profile."""
        found = _read(headers, "signature-input", self._input)
        return int(found[1]), found[2]

    def verify(
        self,
        values: tuple[str, ...],
        signature: bytes,
        *,
        created: int,
        public_key: bytes,
        key_id: str,
    ) -> None:
        """Raise ``PeerBrokeProtocol("signature-wrong")`` unless the signature holds."""
        params = self._params(created, key_id)
        base = signature_base(zip(self._components, values, strict=True), params)
        verify(public_key, signature, base)

    def _params(self, created: int, key_id: str) -> str:
        return f'{self._head}{created};keyid="{key_id}"{self._tail}'


_REQUEST = _Profile(
    '"@method"',
    '"@authority"',
    '"@path"',
    '"@query"',
    '"content-digest"',
    '"fieldward-counter"',
    tag="fieldward-request",
)
_ANSWER = _Profile(
    '"@status"',
    '"content-digest"',
    '"fieldward-time"',
    '"signature";req;key="fw"',
    tag="fieldward-answer",
)


@dataclass(frozen=True)
class RequestSignature:
    """What a request's headers say of its signature, before anything has been verified.

    ``created`` is in whole seconds since 1970, ``digest`` the SHA-256 that the body should have.
    """

    key_id: str
    created: int
    counter: int
    digest: bytes
    signature: bytes


def sign_request(
    *,
    method: str,
    authority: str,
    path: str,
    query: str,
    body: bytes,
    key: Ed25519PrivateKey,
    key_id: str,
    counter: int,
    created: int,
) -> dict[str, str]:
    """The headers to add to a request. A request without a body signs the empty body.

    ``authority`` is what both sides have configured: host in lower case, and the port unless it is
    the scheme's default. ``path`` has unreserved characters and slashes only; ``query`` is as sent,
    without its question mark, empty if there is none. ``created`` is in whole seconds since 1970.
    Raises ``CallerMistake("signature-malformed")`` for what cannot be signed in this profile.
    """
    digest = content_digest(hashlib.sha256(body).digest())
    number = str(counter)
    values = _request_values(CallerMistake, method, authority, path, query, digest, number)
    signed = _REQUEST.sign(values, created=created, key=key, key_id=key_id)
    return {"content-digest": digest, "fieldward-counter": number, **signed}


def read_request_signature(headers: Mapping[str, str]) -> RequestSignature:
    """Read a request's signature headers, to learn whose key to verify with.

    Raises ``PeerBrokeProtocol("signature-malformed")`` unless they are exactly of this profile.
    """
    created, key_id = _REQUEST.read(headers)
    return RequestSignature(
        key_id=key_id,
        created=created,
        counter=int(_read(headers, "fieldward-counter", _NUMBER)[0]),
        digest=b64decode(_read(headers, "content-digest", _DIGEST)[1]),
        signature=b64decode(_read(headers, "signature", _SIGNATURE)[2]),
    )


def verify_request(
    signature: RequestSignature,
    *,
    method: str,
    authority: str,
    path: str,
    query: str,
    body: bytes,
    public_key: bytes,
) -> None:
    """Accept a request whose signature by ``public_key`` (Ed25519, 32 bytes) holds.

    ``authority`` is the server's own, as configured and never from a header; ``path`` and ``query``
    are as they arrived (see ``sign_request``). Raises ``PeerBrokeProtocol``: "signature-malformed"
    for a target outside the profile, "digest-wrong" for another body, "signature-wrong" for
    anything else that was changed; ``CallerMistake`` for an authority outside the profile.
    """
    _check_digest(signature.digest, body)
    digest, number = content_digest(signature.digest), str(signature.counter)
    values = _request_values(PeerBrokeProtocol, method, authority, path, query, digest, number)
    try:
        _REQUEST.verify(
            values,
            signature.signature,
            created=signature.created,
            public_key=public_key,
            key_id=signature.key_id,
        )
    except PeerBrokeProtocol as e:
        raise PeerBrokeProtocol(
            "signature-wrong",
            "The request's signature does not hold.",
            next_step=f"Call the server by its own address: requests are signed for {authority}. "
            "If you do, report the code.",
        ) from e


def sign_answer(
    *,
    status: int,
    body: bytes,
    request_signature: str,
    now: int,
    key: Ed25519PrivateKey,
    key_id: str,
) -> dict[str, str]:
    """The headers to add to the answer to one request (RFC 9421, section 2.4).

    ``request_signature`` is the request's ``Signature`` header, ``now`` the server's time in whole
    seconds since 1970. Raises ``CallerMistake("signature-malformed")`` for what cannot be signed in
    this profile: a request without a proper signature gets no signed answer.
    """
    digest = content_digest(hashlib.sha256(body).digest())
    values = _answer_values(CallerMistake, str(status), digest, str(now), request_signature)
    signed = _ANSWER.sign(values, created=now, key=key, key_id=key_id)
    return {"content-digest": digest, "fieldward-time": str(now), **signed}


def verify_answer(
    headers: Mapping[str, str],
    *,
    status: int,
    body: bytes,
    request_signature: str,
    public_keys: Mapping[str, bytes],
) -> int:
    """The server's time, in whole seconds since 1970, from an answer to exactly this request.

    ``request_signature`` is the ``Signature`` header the request was sent with, ``public_keys`` the
    server's trusted signing keys (Ed25519, 32 bytes) by key id. Raises ``PeerBrokeProtocol``:
    "signature-malformed" for another form, "key-unknown" for another signer, "digest-wrong" for
    another body, "signature-wrong" for anything else that was changed or answers something else;
    ``CallerMistake`` if ``request_signature`` is not of this profile.
    """
    if "signature-input" not in headers:
        raise PeerBrokeProtocol(
            "signature-malformed",
            "What answered is not the server: the answer is not signed.",
            next_step="A network that wants you to log in answers so: log in there, or take "
            "another, and try again. If it comes back, report the code.",
        )
    created, key_id = _ANSWER.read(headers)
    number = _read(headers, "fieldward-time", _NUMBER)[0]
    if int(number) != created:
        raise PeerBrokeProtocol("signature-malformed", "The answer gives two different times.")
    digest = _read(headers, "content-digest", _DIGEST)
    signature = _read(headers, "signature", _SIGNATURE)
    if key_id not in public_keys:
        raise PeerBrokeProtocol(
            "key-unknown", "The answer is signed with a key nobody vouched for."
        )
    _check_digest(b64decode(digest[1]), body)
    _ANSWER.verify(
        _answer_values(PeerBrokeProtocol, str(status), digest[0], number, request_signature),
        b64decode(signature[2]),
        created=created,
        public_key=public_keys[key_id],
        key_id=key_id,
    )
    return created


def content_digest(sha256: bytes) -> str:
    """The ``Content-Digest`` field for a body with this SHA-256 (RFC 9530)."""
    return f"sha-256={_byte_sequence(sha256)}"


def signature_base(components: Iterable[tuple[str, str]], params: str) -> bytes:
    """The bytes that are signed (RFC 9421, section 2.5), from (identifier, value) pairs in order.

    Values must be checked before: a line break in one would pass for a further component.
    """
    lines = [f"{identifier}: {value}" for identifier, value in components]
    return "\n".join((*lines, f'"@signature-params": {params}')).encode("ascii")


def _request_values(
    refusal: type[Error],
    method: str,
    authority: str,
    path: str,
    query: str,
    digest: str,
    counter: str,
) -> tuple[str, ...]:
    _match("method", _METHOD, method, refusal)
    _match("authority", _AUTHORITY, authority, CallerMistake)
    _match("path", _PATH, path, refusal)
    _match("query", _QUERY, query, refusal)
    _match("counter", _NUMBER, counter, refusal)
    return (method, authority, path, f"?{query}", digest, counter)


def _answer_values(
    refusal: type[Error], status: str, digest: str, time: str, request_signature: str
) -> tuple[str, ...]:
    _match("status", _STATUS, status, refusal)
    answered = _match("request's signature", _SIGNATURE, request_signature, CallerMistake)
    return (status, digest, time, answered[1])


def _read(headers: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> re.Match[str]:
    return _match(f"header {name}", pattern, headers.get(name, ""), PeerBrokeProtocol)


def _match(what: str, pattern: re.Pattern[str], value: str, refusal: type[Error]) -> re.Match[str]:
    match = pattern.fullmatch(value)
    if match is None:
        raise refusal("signature-malformed", f"The {what} is not of the one form allowed here.")
    return match


def _check_digest(digest: bytes, body: bytes) -> None:
    if not hmac.compare_digest(digest, hashlib.sha256(body).digest()):
        raise PeerBrokeProtocol("digest-wrong", "The body is not the one that was signed.")


def _byte_sequence(value: bytes) -> str:
    return f":{b64encode(value).decode('ascii')}:"
