"""Actors for tests of the HTTP API: a service whose time is moved by hand, and a device that signs.

The device here is not the SDK: it says exactly what a test wants it to say, right or wrong.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fieldward_server import create_app
from fieldward_server.api.context import service_of
from fieldward_server.assembly import assemble, migrate
from fieldward_server.config import Config, load_config
from fieldward_server.services.authorities import answer_key
from fieldward_server.services.custody.invitations import invite
from fieldward_server.services.custody.practitioners import add_practitioner
from fieldward_server.services.distribution.partitions import create_partition
from fieldward_server.services.platform import Platform
from fieldward_server.storage.migrations import STEPS
from fieldward_sync.encoding import decode, encode
from fieldward_sync.enquiries import (
    Enquired,
    Enquirer,
    Enquiry,
    EnquiryAnswer,
    open_answer,
    seal_enquiry,
)
from fieldward_sync.http_signatures import sign_request, verify_answer
from fieldward_sync.invitations import proof, read_code
from fieldward_sync.keys import KEY_BYTES, hpke_public_key
from fieldward_sync.messages import (
    DEVICE_KEY,
    MAX_ANSWER_BYTES,
    EnrolAnswer,
    EnrolRequest,
    Held,
    SyncAnswer,
    SyncRequest,
    Trust,
    administrator_key_id,
    key_id,
)
from fieldward_sync.names import QUERY_ID_BYTES
from fieldward_sync.signing import public_key
from founding import found

AUTHORITY = "E08000039"
PRACTITIONER = "p-1"
PARTITION = "everybody"
MEDIA_TYPE = "application/vnd.fieldward+msgpack"
START = 1_800_000_000
A_YEAR_SECONDS = 365 * 24 * 3600


@dataclass
class Clock:
    """The service's time, moved by hand."""

    seconds: int = START

    def __call__(self) -> int:
        return self.seconds


class Board:
    """A service on a new database with one authority, practitioner and partition."""

    def __init__(
        self,
        folder: Path,
        database_url: str | None = None,
        *,
        began: int = START,
        **settings: str,
    ) -> None:
        given = {"data_folder": str(folder), **settings}
        if database_url is not None:
            given["database_url"] = database_url
        environ = {f"FIELDWARD_{name.upper()}": value for name, value in given.items()}
        self.environ = environ
        self.config: Config = load_config(None, environ)
        self.clock = Clock(began)
        migrate(self.config)
        self._platforms: list[Platform] = []
        self.platform = self.another_platform()
        self._populate()

    def close(self) -> None:
        """Let go of the database."""
        for platform in self._platforms:
            platform.storage.close()

    def another_platform(self) -> Platform:
        """What one more process on the same database would have."""
        self._platforms.append(assemble(self.config))
        return self._platforms[-1]

    def another_application(self) -> Flask:
        """What one more worker on the same database would answer with."""
        app = create_app(self.config, now=self.clock)
        self._platforms.append(service_of(app).platform)
        return app

    @cached_property
    def client(self) -> FlaskClient:
        """A client of one application, without a network between."""
        return self.another_application().test_client()

    def invitation(self, *, valid_seconds: int = 3600) -> str:
        """A code for the practitioner, to enrol one device."""
        return invite(
            self.platform,
            authority=AUTHORITY,
            practitioner=PRACTITIONER,
            partitions=[PARTITION],
            valid_seconds=valid_seconds,
            actor="test",
            reason="routine",
            now=self.clock(),
        ).code

    def answer_keys(self) -> dict[str, bytes]:
        """The keys that sign answers, by key id."""
        return {f"{AUTHORITY}/answer": public_key(answer_key(self.platform, AUTHORITY))}

    def contents(self) -> dict[str, list[str]]:
        """Everything in the database, table by table."""
        tables = re.findall(r"CREATE TABLE (\w+)", "".join(STEPS.values()))
        with self.platform.storage.reading() as transaction:
            return {
                # Names of tables, from the migrations themselves.
                table: sorted(map(repr, transaction.execute(f"SELECT * FROM {table}")))  # noqa: S608
                for table in tables
            }

    def device_rows(self) -> list[Mapping[str, Any]]:
        """What the database has of devices."""
        with self.platform.storage.reading() as transaction:
            return list(transaction.execute("SELECT * FROM device"))

    def _populate(self) -> None:
        now = self.clock()
        self.secrets = found(self.platform, AUTHORITY, name="Sheffield", now=now)
        add_practitioner(
            self.platform,
            authority=AUTHORITY,
            practitioner=PRACTITIONER,
            name="Ann Poole",
            role="health-visitor",
            team="HV-1",
            employer="Community Health",
            manager="Joan Reid",
            vetted_until=now + A_YEAR_SECONDS,
            trained_until=now + A_YEAR_SECONDS,
            actor="test",
            reason="routine",
            now=now,
        )
        create_partition(
            self.platform,
            authority=AUTHORITY,
            partition=PARTITION,
            title="Everybody",
            rules=["all"],
            actor="test",
            reason="routine",
            now=now,
        )


@dataclass(frozen=True)
class Signed:
    """A request as it goes out, every part of it a test's to change."""

    body: bytes
    headers: Mapping[str, str]
    path: str = "/v1/sync"
    method: str = "POST"

    def send(self, client: FlaskClient) -> TestResponse:
        """Send it as it is."""
        return client.open(self.path, method=self.method, data=self.body, headers=self.headers)

    def with_headers(self, **headers: str | None) -> Signed:
        """The same with other headers, names in Python's spelling; ``None`` takes one away."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {**self.headers, **changed}
        return replace(self, headers={name: v for name, v in kept.items() if v is not None})


@dataclass
class FieldDevice:
    """Keys, and a counter for requests; once enrolled, a name."""

    board: Board
    identity: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    practitioner_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    journal_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    counter: int = 0
    device: str = "nobody"
    generation: int = 0
    trust: Trust | None = None

    @classmethod
    def enrolled(cls, board: Board, code: str | None = None) -> FieldDevice:
        """A device that has just enrolled, with this code if one is given."""
        device = cls(board)
        response = device.enrolment(code or board.invitation()).send(board.client)
        assert response.status_code == 200, response.text
        answer = decode(EnrolAnswer, response.data, max_bytes=MAX_ANSWER_BYTES)
        device.device, device.generation = answer.device, answer.generation
        device.trust = answer.trust.open(Trust, answer.root_key)
        return device

    def enrol_request(self, code: str, **changes: Any) -> EnrolRequest:
        """What the device says to enrol."""
        invitation = read_code(code)
        unproven = EnrolRequest(
            invitation_id=invitation.invitation_id,
            device_key=public_key(self.identity),
            practitioner_key=public_key(self.practitioner_key),
            journal_key=public_key(self.journal_key),
            assurance="file",
            name="Test device",
            proof=bytes(32),
        )
        told = {name: getattr(unproven, name) for name in unproven.__struct_fields__}
        proven = proof(invitation.proof_key, unproven.statement())
        return EnrolRequest(**{**told, "proof": proven, **changes})

    def enrolment(self, code: str, *, created: int | None = None, **changes: Any) -> Signed:
        """A signed enrolment, its fields as given."""
        return self.signed(
            encode(self.enrol_request(code, **changes)),
            path="/v1/enrol",
            key=self.identity,
            key_id=self.enrolment_key_id(),
            created=created,
        )

    def enrolment_key_id(self) -> str:
        """The key id of a device that has no name yet."""
        return f"enrol/{hashlib.sha256(public_key(self.identity)).hexdigest()[:32]}"

    def sync(self, **changes: Any) -> Signed:
        """A signed sync that delivers nothing, but for what is given."""
        return self.signed(encode(self.sync_request(**changes)))

    def sync_request(self, **changes: Any) -> SyncRequest:
        """A sync that delivers nothing, but for what is given."""
        nothing: dict[str, Any] = {
            "held": Held(0, 0, b"", 0, ()),
            "trust_version": 0,
            "journal": (),
            "journal_size": 0,
            "edits": (),
            "receipts": (),
            "orders_seen": 0,
            "pending_edits": 0,
            "more": False,
            "next_hpke_key": None,
        }
        return SyncRequest(**{**nothing, **changes})

    @property
    def enquirer(self) -> Enquirer:
        """Who asks on line."""
        assert self.trust is not None
        return Enquirer(
            AUTHORITY, self.trust.incarnation, self.device, self.generation, PRACTITIONER
        )

    def enquiry(
        self, terms: Mapping[str, str], *, record_id: str | None = None, **changes: Any
    ) -> Signed:
        """A signed enquiry by these terms or for this record, but for what is given; ``answer_to``
        opens the answer, which is for the query of zeros."""
        assert self.trust is not None
        asked = Enquiry(
            reason="duty-desk",
            on_behalf_of=None,
            query=bytes(QUERY_ID_BYTES),
            terms=dict(terms),
            record_id=record_id,
            answer_key=hpke_public_key(bytes(KEY_BYTES)),
        )
        asked = msgspec.structs.replace(asked, **changes)
        request = seal_enquiry(asked, self.trust.edit_key, enquirer=self.enquirer)
        return self.signed(encode(request), path="/v1/enquiries")

    def answer_to(self, body: bytes) -> Enquired:
        """What an enquiry's answer says."""
        answer = decode(EnquiryAnswer, body, max_bytes=MAX_ANSWER_BYTES)
        nobodys, query = bytes(KEY_BYTES), bytes(QUERY_ID_BYTES)
        return open_answer(answer, nobodys, query=query, enquirer=self.enquirer)

    def signed(
        self,
        body: bytes,
        *,
        path: str = "/v1/sync",
        method: str = "POST",
        signed_path: str | None = None,
        authority: str | None = None,
        key: Ed25519PrivateKey | None = None,
        key_id: str | None = None,
        counter: int | None = None,
        created: int | None = None,
    ) -> Signed:
        """A request signed as the practitioner here and now, but for what is given."""
        self.counter += 1
        headers = sign_request(
            method=method,
            authority=authority or self.board.config.signed_authority,
            path=signed_path or path,
            query="",
            body=body,
            key=key or self.practitioner_key,
            key_id=key_id or self.key_id(),
            counter=self.counter if counter is None else counter,
            created=self.board.clock() if created is None else created,
        )
        return Signed(body, {"content-type": MEDIA_TYPE, **headers}, path, method)

    def key_id(self, role: str = PRACTITIONER) -> str:
        """The key id of the practitioner on this device, or another role's."""
        return key_id(AUTHORITY, self.device, self.generation, role)

    def identity_key_id(self) -> str:
        """The key id of the device itself."""
        return self.key_id(DEVICE_KEY)


class Administrator:
    """A person with a key of their own, who signs whatever a test wants them to sign."""

    _counters = count(1_000)
    """Goes up for all of them together, as the clock would."""

    def __init__(self, board: Board, key: Ed25519PrivateKey, *, authority: str = AUTHORITY) -> None:
        self.board = board
        self.key = key
        self.authority = authority
        self.counter = 0

    @classmethod
    def of(cls, board: Board) -> Administrator:
        """The one who founded the authority."""
        return cls(board, board.secrets.administrator_key)

    def call(self, command: str, *, reason: str = "audit", **fields: Any) -> Any:
        """Have a command carried out; what it answers, signed by the authority."""
        request = self.signed(command, reason=reason, **fields)
        response = request.send(self.board.client)
        require_signed(self.board, request, response)
        assert response.status_code == 200, response.text
        return response.get_json()

    def refused(self, command: str, *, reason: str = "audit", **fields: Any) -> Any:
        """Have a command refused; the problem that says why."""
        response = self.signed(command, reason=reason, **fields).send(self.board.client)
        assert response.content_type == "application/problem+json", response.text
        return response.get_json()

    def signed(
        self,
        command: str,
        *,
        path_authority: str | None = None,
        body: bytes | None = None,
        key_id: str | None = None,
        counter: int | None = None,
        created: int | None = None,
        **fields: Any,
    ) -> Signed:
        """A command signed here and now, but for what is given; ``body`` stands for all fields."""
        self.counter = next(self._counters)
        content = msgspec.json.encode(fields) if body is None else body
        path = f"/v1/admin/{path_authority or self.authority}/{command}"
        headers = sign_request(
            method="POST",
            authority=self.board.config.signed_authority,
            path=path,
            query="",
            body=content,
            key=self.key,
            key_id=key_id or self.key_id(),
            counter=self.counter if counter is None else counter,
            created=self.board.clock() if created is None else created,
        )
        return Signed(content, {"content-type": "application/json", **headers}, path)

    def key_id(self) -> str:
        """The key id of this person's commands."""
        return administrator_key_id(self.authority, public_key(self.key))


def require_signed(board: Board, request: Signed, response: TestResponse) -> int:
    """The server's time from an answer that is the authority's, to exactly this request."""
    return verify_answer(
        {name.lower(): value for name, value in response.headers.items()},
        status=response.status_code,
        body=response.data,
        request_signature=request.headers["signature"],
        public_keys=board.answer_keys(),
    )


def synced(response: TestResponse) -> SyncAnswer:
    """The answer to a sync that was taken."""
    assert response.status_code == 200, response.text
    return decode(SyncAnswer, response.data, max_bytes=MAX_ANSWER_BYTES)
