"""HTTP Message Signatures: the one profile, against RFC 9421, a second library, and forgers."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519
from urllib3 import HTTPHeaderDict
from werkzeug.datastructures import Headers

from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.http_signatures import (
    RequestSignature,
    content_digest,
    read_request_signature,
    sign_answer,
    sign_request,
    signature_base,
    verify_answer,
    verify_request,
)
from fieldward_sync.signing import public_key

DEVICE, DEVICE_ID = Ed25519PrivateKey.from_private_bytes(b"d" * 32), "E08000039/d-17.2"
SERVER, SERVER_ID = Ed25519PrivateKey.from_private_bytes(b"s" * 32), "E08000039:server~1"
STRANGER = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
CREATED = 1_700_000_000
NOW = CREATED + 3
COUNTER = 17
BODY = b"what the device has to say"
ANSWER_BODY = b"what the server answers"


def digest_field(body: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


@dataclass(frozen=True)
class Request:
    """A request as both ends see it, apart from its headers."""

    what: str
    method: str = "POST"
    authority: str = "fieldward.example:8443"
    path: str = "/v1/sync"
    query: str = ""
    body: bytes = BODY

    def signed(self) -> dict[str, str]:
        return sign_request(
            method=self.method,
            authority=self.authority,
            path=self.path,
            query=self.query,
            body=self.body,
            key=DEVICE,
            key_id=DEVICE_ID,
            counter=COUNTER,
            created=CREATED,
        )

    def verify(
        self, headers: Mapping[str, str], *, key: Ed25519PrivateKey = DEVICE
    ) -> RequestSignature:
        signature = read_request_signature(headers)
        verify_request(
            signature,
            method=self.method,
            authority=self.authority,
            path=self.path,
            query=self.query,
            body=self.body,
            public_key=public_key(key),
        )
        return signature


SYNC = Request("a sync")
SIGNED = SYNC.signed()
REQUESTS = [
    SYNC,
    Request("a request without a body", method="GET", body=b""),
    Request("a query", method="GET", query="from=3&to=%2F", body=b""),
    Request("a query with a question mark", query="?"),
    Request("a host without a port", authority="fieldward.example"),
    Request("an IPv4 address", authority="127.0.0.1:40123"),
    Request("an IPv6 address", authority="[::1]:40123"),
    Request("the root", path="/"),
    Request("every unreserved character", path="/files/AZ-az_09.~"),
    Request("a body that is not text", body=bytes(range(256))),
]


@dataclass(frozen=True)
class Answer:
    """An answer as both ends see it, apart from its headers."""

    status: int = 200
    body: bytes = ANSWER_BODY
    request_signature: str = SIGNED["signature"]

    def signed(self, *, key: Ed25519PrivateKey = SERVER, key_id: str = SERVER_ID) -> dict[str, str]:
        return sign_answer(
            status=self.status,
            body=self.body,
            request_signature=self.request_signature,
            now=NOW,
            key=key,
            key_id=key_id,
        )

    def verify(self, headers: Mapping[str, str]) -> int:
        return verify_answer(
            headers,
            status=self.status,
            body=self.body,
            request_signature=self.request_signature,
            public_keys={SERVER_ID: public_key(SERVER)},
        )


ANSWER = Answer()
ANSWERED = ANSWER.signed()


def what(case: object) -> str:
    return str(getattr(case, "what", case))


# What is signed, byte for byte.


def test_a_request_covers_exactly_this() -> None:
    params = (
        '("@method" "@authority" "@path" "@query" "content-digest" "fieldward-counter")'
        ';created=1700000000;keyid="E08000039/d-17.2";alg="ed25519";tag="fieldward-request"'
    )
    base = (
        '"@method": POST\n'
        '"@authority": fieldward.example:8443\n'
        '"@path": /v1/sync\n'
        '"@query": ?\n'
        f'"content-digest": {digest_field(BODY)}\n'
        '"fieldward-counter": 17\n'
        f'"@signature-params": {params}'
    )
    signature = DEVICE.sign(base.encode())
    assert {
        "content-digest": digest_field(BODY),
        "fieldward-counter": "17",
        "signature-input": f"fw={params}",
        "signature": f"fw=:{b64encode(signature).decode()}:",
    } == SIGNED


def test_an_answer_covers_exactly_this() -> None:
    params = (
        '("@status" "content-digest" "fieldward-time" "signature";req;key="fw")'
        ';created=1700000003;keyid="E08000039:server~1";alg="ed25519";tag="fieldward-answer"'
    )
    base = (
        '"@status": 200\n'
        f'"content-digest": {digest_field(ANSWER_BODY)}\n'
        '"fieldward-time": 1700000003\n'
        f'"signature";req;key="fw": {SIGNED["signature"].removeprefix("fw=")}\n'
        f'"@signature-params": {params}'
    )
    signature = SERVER.sign(base.encode())
    assert {
        "content-digest": digest_field(ANSWER_BODY),
        "fieldward-time": "1700000003",
        "signature-input": f"fw={params}",
        "signature": f"fw=:{b64encode(signature).decode()}:",
    } == ANSWERED


@pytest.mark.parametrize("request_", REQUESTS, ids=what)
def test_a_signed_request_is_accepted_and_says_who_signed_it(request_: Request) -> None:
    headers = request_.signed()
    assert request_.verify(headers) == RequestSignature(
        key_id=DEVICE_ID,
        created=CREATED,
        counter=COUNTER,
        digest=sha256(request_.body).digest(),
        signature=b64decode(headers["signature"][4:-1]),
    )


@pytest.mark.parametrize("answer", [ANSWER, Answer(status=401), Answer(body=b"")])
def test_a_signed_answer_is_accepted_and_tells_the_servers_time(answer: Answer) -> None:
    assert answer.verify(answer.signed()) == NOW


@pytest.mark.parametrize("kind", [Headers, HTTPHeaderDict], ids=lambda kind: kind.__name__)
def test_headers_may_come_in_a_mapping_that_ignores_case(kind: Callable[..., Any]) -> None:
    SYNC.verify(kind({name.title(): value for name, value in SIGNED.items()}))
    ANSWER.verify(kind({name.title(): value for name, value in ANSWERED.items()}))


@pytest.mark.parametrize("whole", [0, 1, 10**15 - 1])
def test_numbers_go_from_zero_to_fifteen_digits(whole: int) -> None:
    headers = sign_request(
        method="GET",
        authority="h",
        path="/",
        query="",
        body=b"",
        key=DEVICE,
        key_id="k",
        counter=whole,
        created=whole,
    )
    read = read_request_signature(headers)
    assert (read.counter, read.created) == (whole, whole)


# The published values.

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "http_signatures_rfc9421.json").read_text()
)


def test_the_rfcs_ed25519_example_is_reproduced() -> None:
    vector = VECTORS["ed25519"]
    key = Ed25519PrivateKey.from_private_bytes(b64decode(vector["seed"]))
    base = signature_base([tuple(pair) for pair in vector["components"]], vector["signatureParams"])
    assert public_key(key) == b64decode(vector["publicKey"])
    assert key.sign(base) == b64decode(vector["signature"])


@pytest.mark.parametrize("vector", VECTORS["contentDigests"], ids=lambda v: repr(v["body"]))
def test_the_published_digests_are_reproduced(vector: dict[str, str]) -> None:
    assert content_digest(sha256(vector["body"].encode()).digest()) == vector["contentDigest"]


# A library of somebody else's, both directions.

REQUEST_COMPONENTS = (
    '"@method"',
    '"@authority"',
    '"@path"',
    '"@query"',
    '"content-digest"',
    '"fieldward-counter"',
)
ANSWER_COMPONENTS = (
    '"@status"',
    '"content-digest"',
    '"fieldward-time"',
    '"signature";req;key="fw"',
)


@dataclass(frozen=True)
class LibraryRequest:
    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class LibraryAnswer:
    status_code: int
    headers: dict[str, str]
    request: LibraryRequest


def library_request(request: Request, headers: dict[str, str]) -> LibraryRequest:
    query = f"?{request.query}" if request.query else ""
    url = f"https://{request.authority}{request.path}{query}"
    return LibraryRequest(request.method, url, headers)


def library_answer(headers: dict[str, str]) -> LibraryAnswer:
    return LibraryAnswer(ANSWER.status, headers, library_request(SYNC, SIGNED))


def library_verifies(
    message: object,
    key: Ed25519PrivateKey,
    key_id: str,
    tag: str,
    components: tuple[str, ...],
    body: bytes,
) -> None:
    resolver = MappingKeyResolver(public_keys={key_id: key.public_key()}, private_keys={})
    verifier: Any = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=resolver)
    (result,) = verifier.verify(message, max_age=None, expect_tag=tag, expect_label="fw", body=body)
    assert tuple(result.covered_components) == (*components, '"@signature-params"')


def library_signs(
    message: object,
    key: Ed25519PrivateKey,
    key_id: str,
    tag: str,
    components: tuple[str, ...],
    body: bytes,
    created: int,
) -> None:
    resolver = MappingKeyResolver(public_keys={}, private_keys={key_id: key})
    signer: Any = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=resolver)
    signer.sign(
        message,
        key_id=key_id,
        created=datetime.fromtimestamp(created, UTC),
        label="fw",
        tag=tag,
        covered_component_ids=components,
        body=body,
    )


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("request_", REQUESTS, ids=what)
def test_the_library_accepts_our_requests(request_: Request) -> None:
    library_verifies(
        library_request(request_, request_.signed()),
        DEVICE,
        DEVICE_ID,
        "fieldward-request",
        REQUEST_COMPONENTS,
        request_.body,
    )


@pytest.mark.parametrize("request_", REQUESTS, ids=what)
def test_we_accept_the_librarys_requests(request_: Request) -> None:
    headers = {"fieldward-counter": str(COUNTER)}
    library_signs(
        library_request(request_, headers),
        DEVICE,
        DEVICE_ID,
        "fieldward-request",
        REQUEST_COMPONENTS,
        request_.body,
        CREATED,
    )
    request_.verify(lower(headers))
    assert lower(headers) == request_.signed()


def test_the_library_accepts_our_answers() -> None:
    library_verifies(
        library_answer(ANSWERED),
        SERVER,
        SERVER_ID,
        "fieldward-answer",
        ANSWER_COMPONENTS,
        ANSWER_BODY,
    )


def test_we_accept_the_librarys_answers() -> None:
    headers = {"fieldward-time": str(NOW)}
    library_signs(
        library_answer(headers),
        SERVER,
        SERVER_ID,
        "fieldward-answer",
        ANSWER_COMPONENTS,
        ANSWER_BODY,
        NOW,
    )
    assert ANSWER.verify(lower(headers)) == NOW
    assert lower(headers) == ANSWERED


# Headers that are not of the profile.


@dataclass(frozen=True)
class Misfit:
    """One header, and what has been done to it: ``None`` takes it away."""

    what: str
    header: str
    change: Callable[[str], str] | None


def swapped(old: str, new: str) -> Callable[[str], str]:
    def swap(value: str) -> str:
        assert old in value
        return value.replace(old, new, 1)

    return swap


def set_to(new: str) -> Callable[[str], str]:
    return lambda _: new


def spoil(headers: Mapping[str, str], misfit: Misfit) -> dict[str, str]:
    spoiled = dict(headers)
    value = spoiled.pop(misfit.header)
    if misfit.change is not None:
        spoiled[misfit.header] = misfit.change(value)
    return spoiled


SIGNATURE_MISFITS = [
    Misfit("no signature input", "signature-input", None),
    Misfit("an empty signature input", "signature-input", set_to("")),
    Misfit("no covered component", "signature-input", set_to("fw=()")),
    Misfit("another label", "signature-input", swapped("fw=", "sig1=")),
    Misfit("an upper-case label", "signature-input", swapped("fw=", "FW=")),
    Misfit("the input twice", "signature-input", lambda v: f"{v}, {v}"),
    Misfit("a further signature", "signature-input", lambda v: v + ', x=("@method");created=1'),
    Misfit("a further signature before", "signature-input", lambda v: f"x=(), {v}"),
    Misfit("space before", "signature-input", lambda v: f" {v}"),
    Misfit("space after", "signature-input", lambda v: f"{v} "),
    Misfit("a line break after", "signature-input", lambda v: f"{v}\n"),
    Misfit("two spaces between components", "signature-input", swapped('" "', '"  "')),
    Misfit("space before a parameter", "signature-input", swapped(";keyid", "; keyid")),
    Misfit("a component missing", "signature-input", swapped(' "content-digest"', "")),
    Misfit("a component twice", "signature-input", swapped('("', '("date" "')),
    Misfit("another algorithm", "signature-input", swapped('"ed25519"', '"rsa-v1_5-sha256"')),
    Misfit("an upper-case algorithm", "signature-input", swapped('"ed25519"', '"Ed25519"')),
    Misfit("no algorithm", "signature-input", swapped(';alg="ed25519"', "")),
    Misfit("no tag", "signature-input", lambda v: v[: v.index(";tag=")]),
    Misfit("another tag", "signature-input", swapped('tag="fieldward', 'tag="other')),
    Misfit("a parameter more", "signature-input", lambda v: v + ';nonce="n"'),
    Misfit("an expiry", "signature-input", swapped(";keyid", ";expires=9999999999;keyid")),
    Misfit("another order of parameters", "signature-input", swapped(";created=", ";x=1;created=")),
    Misfit("created missing", "signature-input", swapped(";created=1", ";made=1")),
    Misfit("created twice", "signature-input", swapped(";created=", ";created=1;created=")),
    Misfit("created in words", "signature-input", swapped("created=1", "created=now")),
    Misfit("created as a string", "signature-input", swapped("created=1", 'created="1"')),
    Misfit("created with a fraction", "signature-input", swapped(";keyid", ".5;keyid")),
    Misfit("created with a leading zero", "signature-input", swapped("created=1", "created=01")),
    Misfit("a negative created", "signature-input", swapped("created=1", "created=-1")),
    Misfit("created in Arabic digits", "signature-input", swapped("created=1", "created=1٣")),
    Misfit("created of 16 digits", "signature-input", swapped("created=1", "created=1000000")),
    Misfit("an empty key id", "signature-input", swapped("E08000039", '";x="')),
    Misfit("a space in the key id", "signature-input", swapped("E08000039", "E080 00019")),
    Misfit("a quote in the key id", "signature-input", swapped("E08000039", 'E08\\"')),
    Misfit("a letter beyond ASCII", "signature-input", swapped("E08000039", "É08000019")),
    Misfit("a long key id", "signature-input", swapped("E08000039", "E" * 128)),
    Misfit("a megabyte of key id", "signature-input", swapped("E08000039", "E" * 1_000_000)),
    Misfit("no signature", "signature", None),
    Misfit("another label of the signature", "signature", swapped("fw=", "sig1=")),
    Misfit("the signature twice", "signature", lambda v: f"{v}, {v}"),
    Misfit("a signature more", "signature", lambda v: f"{v}, x=:AA==:"),
    Misfit("the signature as a string", "signature", lambda v: v.replace(":", '"')),
    Misfit("a parameter of the signature", "signature", lambda v: f"{v};a"),
    Misfit("a short signature", "signature", set_to(f"fw=:{b64encode(bytes(63)).decode()}:")),
    Misfit("a long signature", "signature", set_to(f"fw=:{b64encode(bytes(65)).decode()}:")),
    Misfit("unpadded base64", "signature", swapped("==:", ":")),
    Misfit("base64 for addresses", "signature", set_to(f"fw=:{'_' * 85}A==:")),
    Misfit("unused bits set", "signature", set_to(f"fw=:{'A' * 85}B==:")),
    Misfit("space in the base64", "signature", swapped("fw=:", "fw=: ")),
    Misfit("no digest", "content-digest", None),
    Misfit("a weak digest", "content-digest", set_to("md5=:CY9rzUYh03PK3k6DJie09g==:")),
    Misfit("a longer digest", "content-digest", swapped("sha-256", "sha-512")),
    Misfit("an upper-case digest", "content-digest", swapped("sha-256", "SHA-256")),
    Misfit("two digests", "content-digest", lambda v: f"{v}, {v}"),
    Misfit("a digest and a weak one", "content-digest", lambda v: f"{v}, md5=:AA==:"),
    Misfit("a digest cut short", "content-digest", lambda v: v[:-6] + "=:"),
    Misfit("unused bits of the digest set", "content-digest", set_to(f"sha-256=:{'A' * 42}B=:")),
]

COUNTER_MISFITS = [
    Misfit("no counter", "fieldward-counter", None),
    Misfit("an empty counter", "fieldward-counter", set_to("")),
    Misfit("a leading zero", "fieldward-counter", set_to("017")),
    Misfit("two zeros", "fieldward-counter", set_to("00")),
    Misfit("a sign", "fieldward-counter", set_to("+17")),
    Misfit("a negative counter", "fieldward-counter", set_to("-17")),
    Misfit("a fraction", "fieldward-counter", set_to("17.0")),
    Misfit("a separator", "fieldward-counter", set_to("1_7")),
    Misfit("two counters", "fieldward-counter", set_to("17, 17")),
    Misfit("space around", "fieldward-counter", set_to(" 17 ")),
    Misfit("a line break", "fieldward-counter", set_to("17\n")),
    Misfit("other digits", "fieldward-counter", set_to("1７")),
    Misfit("sixteen digits", "fieldward-counter", set_to("1" * 16)),
    Misfit(
        "components in another order",
        "signature-input",
        swapped('"@method" "@authority"', '"@authority" "@method"'),
    ),
    Misfit("no method covered", "signature-input", swapped('"@method" ', "")),
    Misfit("no query covered", "signature-input", swapped('"@query" ', "")),
    Misfit("no counter covered", "signature-input", swapped(' "fieldward-counter"', "")),
    Misfit("the answer's tag", "signature-input", swapped("fieldward-request", "fieldward-answer")),
]

TIME_MISFITS = [
    Misfit("no time", "fieldward-time", None),
    Misfit("a leading zero", "fieldward-time", set_to(f"0{NOW}")),
    Misfit("a fraction", "fieldward-time", set_to(f"{NOW}.0")),
    Misfit("another time than created", "fieldward-time", set_to(f"{NOW + 1}")),
    Misfit("no status covered", "signature-input", swapped('"@status" ', "")),
    Misfit("no time covered", "signature-input", swapped('"fieldward-time" ', "")),
    Misfit("no request covered", "signature-input", swapped(' "signature";req;key="fw"', "")),
    Misfit("its own signature covered", "signature-input", swapped(";req;", ";")),
    Misfit("another of the request's", "signature-input", swapped('key="fw"', 'key="x"')),
    Misfit(
        "the request's tag", "signature-input", swapped("fieldward-answer", "fieldward-request")
    ),
]


@pytest.mark.parametrize("misfit", SIGNATURE_MISFITS + COUNTER_MISFITS, ids=what)
def test_a_request_of_another_form_is_refused_before_any_key_is_looked_up(misfit: Misfit) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        read_request_signature(spoil(SIGNED, misfit))
    assert caught.value.code == "signature-malformed"


@pytest.mark.parametrize("misfit", SIGNATURE_MISFITS + TIME_MISFITS, ids=what)
def test_an_answer_of_another_form_is_refused(misfit: Misfit) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        ANSWER.verify(spoil(ANSWERED, misfit))
    assert caught.value.code == "signature-malformed"


def test_an_answer_never_passes_for_a_request_nor_a_request_for_an_answer() -> None:
    with pytest.raises(PeerBrokeProtocol, match="signature-malformed"):
        SYNC.verify({**SIGNED, **ANSWERED})
    with pytest.raises(PeerBrokeProtocol, match="signature-malformed"):
        ANSWER.verify({**ANSWERED, **SIGNED})


# Messages that are not the ones that were signed.


@dataclass(frozen=True)
class Change:
    what: str
    arrived: Request
    code: str


CHANGES = [
    Change("another method", replace(SYNC, method="PUT"), "signature-wrong"),
    Change("another authority", replace(SYNC, authority="elsewhere.example"), "signature-wrong"),
    Change("another port", replace(SYNC, authority="fieldward.example:443"), "signature-wrong"),
    Change("another path", replace(SYNC, path="/v1/sync2"), "signature-wrong"),
    Change("a slash more", replace(SYNC, path="/v1/sync/"), "signature-wrong"),
    Change("a query added", replace(SYNC, query="all=1"), "signature-wrong"),
    Change("another body", replace(SYNC, body=BODY + b"!"), "digest-wrong"),
    Change("no body", replace(SYNC, body=b""), "digest-wrong"),
    Change("a lower-case method", replace(SYNC, method="post"), "signature-malformed"),
    Change("an escape in the path", replace(SYNC, path="/v1/%73ync"), "signature-malformed"),
    Change("a space in the path", replace(SYNC, path="/v1/ sync"), "signature-malformed"),
    Change("a line break in the path", replace(SYNC, path="/v1/sync\n"), "signature-malformed"),
    Change("a letter beyond ASCII", replace(SYNC, path="/v1/sÿnc"), "signature-malformed"),
    Change("no path", replace(SYNC, path=""), "signature-malformed"),
    Change("a long path", replace(SYNC, path="/" * 1025), "signature-malformed"),
    Change("a line break in the query", replace(SYNC, query="a\nb"), "signature-malformed"),
    Change("a fragment in the query", replace(SYNC, query="a#b"), "signature-malformed"),
    Change("a long query", replace(SYNC, query="q" * 2049), "signature-malformed"),
]


@pytest.mark.parametrize("change", CHANGES, ids=what)
def test_a_request_that_was_changed_is_refused(change: Change) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        change.arrived.verify(SIGNED)
    assert caught.value.code == change.code


def test_a_request_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(PeerBrokeProtocol, match="signature-wrong"):
        SYNC.verify(SIGNED, key=STRANGER)


@pytest.mark.parametrize("header", SIGNED)
def test_no_character_of_a_signed_requests_headers_can_be_changed(header: str) -> None:
    value = SIGNED[header]
    for position, character in enumerate(value):
        for other in ("7" if character != "7" else "8", character.swapcase()):
            if other == character:
                continue
            changed = value[:position] + other + value[position + 1 :]
            with pytest.raises(PeerBrokeProtocol):
                SYNC.verify({**SIGNED, header: changed})


@pytest.mark.parametrize("header", ANSWERED)
def test_no_character_of_a_signed_answers_headers_can_be_changed(header: str) -> None:
    value = ANSWERED[header]
    for position, character in enumerate(value):
        changed = value[:position] + ("7" if character != "7" else "8") + value[position + 1 :]
        with pytest.raises(PeerBrokeProtocol):
            ANSWER.verify({**ANSWERED, header: changed})


@dataclass(frozen=True)
class OtherAnswer:
    what: str
    arrived: Answer
    headers: dict[str, str]
    code: str


OTHER_ANSWERS = [
    OtherAnswer("another status", Answer(status=500), ANSWERED, "signature-wrong"),
    OtherAnswer("no status HTTP has", Answer(status=999), ANSWERED, "signature-malformed"),
    OtherAnswer("another body", Answer(body=b""), ANSWERED, "digest-wrong"),
    OtherAnswer(
        "the answer to another request",
        Answer(request_signature=replace(SYNC, query="other").signed()["signature"]),
        ANSWERED,
        "signature-wrong",
    ),
    OtherAnswer("an unknown key", ANSWER, ANSWER.signed(key_id="server/2"), "key-unknown"),
    OtherAnswer("a stranger's key", ANSWER, ANSWER.signed(key=STRANGER), "signature-wrong"),
]


@pytest.mark.parametrize("other", OTHER_ANSWERS, ids=what)
def test_an_answer_that_is_not_the_one_signed_for_this_request_is_refused(
    other: OtherAnswer,
) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        other.arrived.verify(other.headers)
    assert caught.value.code == other.code


# What cannot be signed.


@dataclass(frozen=True)
class Unsignable:
    what: str
    arguments: dict[str, Any]


UNSIGNABLE_REQUESTS = [
    Unsignable("a lower-case method", {"method": "post"}),
    Unsignable("no method", {"method": ""}),
    Unsignable("an upper-case authority", {"authority": "Fieldward.example"}),
    Unsignable("an authority with a path", {"authority": "fieldward.example/"}),
    Unsignable("an authority with a user", {"authority": "user@fieldward.example"}),
    Unsignable("no authority", {"authority": ""}),
    Unsignable("an empty port", {"authority": "fieldward.example:"}),
    Unsignable("an escape in the path", {"path": "/a%20b"}),
    Unsignable("a path with a query", {"path": "/a?b"}),
    Unsignable("a relative path", {"path": "v1/sync"}),
    Unsignable("a space in the query", {"query": "a b"}),
    Unsignable("a negative counter", {"counter": -1}),
    Unsignable("a counter of 16 digits", {"counter": 10**15}),
    Unsignable("a negative time", {"created": -1}),
    Unsignable("a time of 16 digits", {"created": 10**15}),
    Unsignable("no key id", {"key_id": ""}),
    Unsignable("a quote in the key id", {"key_id": 'a"b'}),
    Unsignable("a long key id", {"key_id": "k" * 129}),
]
UNSIGNABLE_ANSWERS = [
    Unsignable("no status HTTP has", {"status": 99}),
    Unsignable("a negative time", {"now": -1}),
    Unsignable("a line break in the key id", {"key_id": "a\n"}),
    Unsignable("no request signature", {"request_signature": ""}),
    Unsignable("another label", {"request_signature": SIGNED["signature"].replace("fw", "x")}),
]


@pytest.mark.parametrize("unsignable", UNSIGNABLE_REQUESTS, ids=what)
def test_a_request_outside_the_profile_is_not_signed(unsignable: Unsignable) -> None:
    arguments: dict[str, Any] = {
        "method": "POST",
        "authority": "fieldward.example",
        "path": "/v1/sync",
        "query": "",
        "body": b"",
        "key": DEVICE,
        "key_id": DEVICE_ID,
        "counter": COUNTER,
        "created": CREATED,
    }
    sign_request(**arguments)
    with pytest.raises(CallerMistake) as caught:
        sign_request(**(arguments | unsignable.arguments))
    assert caught.value.code == "signature-malformed"


@pytest.mark.parametrize("unsignable", UNSIGNABLE_ANSWERS, ids=what)
def test_an_answer_outside_the_profile_is_not_signed(unsignable: Unsignable) -> None:
    arguments: dict[str, Any] = {
        "status": 200,
        "body": b"",
        "request_signature": SIGNED["signature"],
        "now": NOW,
        "key": SERVER,
        "key_id": SERVER_ID,
    }
    sign_answer(**arguments)
    with pytest.raises(CallerMistake) as caught:
        sign_answer(**(arguments | unsignable.arguments))
    assert caught.value.code == "signature-malformed"


def test_ones_own_authority_and_own_signature_are_ones_own_mistake() -> None:
    with pytest.raises(CallerMistake):
        replace(SYNC, authority="Fieldward.Example").verify(SIGNED)
    with pytest.raises(CallerMistake):
        Answer(request_signature="fw=::").verify(ANSWERED)
