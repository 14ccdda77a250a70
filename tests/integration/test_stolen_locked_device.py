"""A stolen locked device can fetch orders and deliver, and nothing else (design §7): a thief tries.

The thief has the folder, and so the identity key, and no passphrase. They try every route that the
server has and everything that the SDK offers; what is new there fails here until it is decided on.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.test import TestResponse

from caseloads import loop_with
from children import AUTHORITY, PHONE, child
from field_device import HOST
from fieldward_client import Device, SyncOutcome
from fieldward_client.keys.identity import CONTACT, IDENTITY, Contact, Identity
from fieldward_client.wire.exchange import MEDIA_TYPE
from fieldward_server.services.custody.device_reports import DeviceReport, show_device
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.enquiries import EnquiryRequest
from fieldward_sync.errors import Error
from fieldward_sync.http_signatures import sign_request
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import (
    BoxPart,
    EnrolRequest,
    Held,
    HeldPartition,
    JoinRequest,
    SyncAnswer,
    SyncRequest,
    administrator_key_id,
)
from fieldward_sync.outbox import new_box
from fieldward_sync.records import Proposal, ProposedChange
from fieldward_sync.signing import public_key
from loop import Loop, Wire


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    children = child("r-ada"), child("r-ben", born="2019-02-03")
    with loop_with(tmp_path, *children, caseload="all") as loop:
        yield loop


@pytest.fixture
def thief(loop: Loop) -> Thief:
    device, wire = loop.enrol("tablet", "ann", "caseload")
    with device:
        device.sync()
        with device.session("home-visit") as session:
            session.open("r-ada").edit(PHONE, "07700 900123")
    return Thief(loop, loop.folder / "tablet", wire)


class Thief:
    """Whoever has the folder of a locked device, and what can be read there without passphrase."""

    def __init__(self, loop: Loop, home: Path, wire: Wire) -> None:
        self.loop, self.home, self.wire = loop, home, wire
        self.identity = decode(Identity, (home / IDENTITY).read_bytes(), max_bytes=1 << 16)
        self.caller = self.identity.caller()
        self._counter = 1_000

    def ask(
        self, method: str, path: str, body: Message | None = None, *, key_id: str = ""
    ) -> TestResponse:
        """A request that is signed as well as it can be."""
        content = encode(body) if body is not None else b"{}"
        self._counter += 1
        signed = sign_request(
            method=method,
            authority=HOST,
            path=path,
            query="",
            body=content,
            key=self.caller.key,
            key_id=key_id or self.caller.key_id,
            counter=self._counter,
            created=self.loop.now,
        )
        kind = MEDIA_TYPE if body is not None else "application/json"
        headers = {"Content-Type": kind, **signed}
        client = self.loop.app.test_client()
        answer = client.open(path, method=method, data=content, headers=headers)
        answer.get_data()
        answer.close()
        return answer

    def report(self) -> DeviceReport:
        """What administrators see of the device."""
        return show_device(
            self.loop.platform, authority=AUTHORITY, device=self.identity.device, now=self.loop.now
        )

    def edit(self, record_id: str, path: str, value: str) -> BoxPart:
        """An edit in the practitioner's name, in a box that is signed with the identity key."""
        contact = decode(Contact, (self.home / CONTACT).read_bytes(), max_bytes=1 << 20)
        box = new_box(
            "edits",
            authority=AUTHORITY,
            device=self.identity.device,
            generation=1,
            practitioner="ann",
            authority_key=self.identity.open_trust(contact.trust).edit_key,
            store_key=bytes(32),
            signing_key=self.caller.key,
            entropy=os.urandom,
        )
        proposal = Proposal(
            counter=9,
            incarnation=1,
            record_id=record_id,
            changes=(ProposedChange(path, value, ()),),
            practitioner="ann",
            made_at=self.loop.now,
            reason="home-visit",
        )
        return BoxPart(box.signed_header, 0, (box.seal_entry(0, encode(proposal)),))

    def sync(self, **changes: Any) -> SyncAnswer:
        """A request for all that may be asked for."""
        asked: dict[str, Any] = {
            "held": Held(1, 0, b"", 0, (HeldPartition("caseload", 99, 99),)),
            "trust_version": 0,
            "journal": (),
            "journal_size": 1,
            "edits": (),
            "receipts": (),
            "orders_seen": 0,
            "pending_edits": 0,
            "more": False,
            "next_hpke_key": hpke_public_key(os.urandom(32)),
            "next_journal_key": public_key(Ed25519PrivateKey.generate()),
            "notices_read": (os.urandom(16),),
        }
        answer = self.ask("POST", "/v1/sync", SyncRequest(**{**asked, **changes}))
        assert answer.status_code == 200, answer.text
        return decode(SyncAnswer, answer.data, max_bytes=1 << 20)


# --- Every route of the server ------------------------------------------------------------------


def refused(answer: TestResponse, code: str) -> None:
    assert answer.status_code >= 400
    assert (answer.json or {}).get("code") == code


def no_device_without_an_invitation(thief: Thief) -> None:
    key = public_key(thief.caller.key)
    request = EnrolRequest(
        os.urandom(32), key, key, key, assurance="file", name="tablet", proof=bytes(32)
    )
    own = f"enrol/{hashlib.sha256(key).hexdigest()[:32]}"
    refused(thief.ask("POST", "/v1/enrol", request, key_id=own), "invitation-unknown")


def nobody_joins_without_an_invitation(thief: Thief) -> None:
    request = JoinRequest(os.urandom(32), public_key(thief.caller.key), bytes(32))
    refused(thief.ask("POST", "/v1/join", request), "invitation-unknown")


def a_sync_brings_orders_and_takes_no_edit_of_a_thiefs(thief: Thief) -> None:
    before = thief.report().holders
    order_wipe(
        thief.loop.platform,
        authority=AUTHORITY,
        device=thief.identity.device,
        actor="test",
        reason="stolen",
        now=thief.loop.now,
    )
    answer = thief.sync(edits=(thief.edit("r-ada", PHONE, "07700 900666"),))
    assert len(answer.orders) == 1
    brought = (answer.lease, answer.lease_refused, answer.distribution, answer.notices)
    assert brought == (None, "", None, ())
    assert answer.next_generation == 0
    assert thief.report().holders == before
    assert thief.loop.view("r-ada").text(PHONE) == "07700 900001"


def an_enquiry_takes_a_practitioner(thief: Thief) -> None:
    refused(thief.ask("POST", "/v1/enquiries", EnquiryRequest(bytes(64))), "practitioner-needed")


def no_command_is_a_devices(thief: Thief) -> None:
    rules = [rule for rule in thief.loop.app.url_map.iter_rules() if is_command(rule.endpoint)]
    commands = [rule.rule.replace("<authority>", AUTHORITY) for rule in rules]
    assert len(commands) > 50
    own = administrator_key_id(AUTHORITY, public_key(thief.caller.key))
    for path in commands:
        refused(thief.ask("POST", path), "unknown-key")
        refused(thief.ask("POST", path, key_id=own), "unknown-key")


def a_file_is_sealed_and_found_by_a_name_that_nobody_guesses(thief: Thief) -> None:
    held = {path.name: path.read_bytes() for path in (thief.home / "files").iterdir()}
    assert held
    for name, sealed in held.items():
        assert thief.ask("GET", f"/v1/files/{name}").data == sealed  # what is in the folder too
    refused(thief.ask("GET", f"/v1/files/{bytes(32).hex()}"), "not-found")


def what_is_public(path: str) -> Callable[[Thief], None]:
    def tried(thief: Thief) -> None:
        answer = thief.ask("GET", path)
        assert answer.status_code == 200
        assert not re.search(b"r-ada|r-ben|Okafor|07700", answer.data)

    return tried


DECIDED: dict[str, Callable[[Thief], None]] = {
    "device_api.enrol": no_device_without_an_invitation,
    "device_api.join": nobody_joins_without_an_invitation,
    "device_api.sync": a_sync_brings_orders_and_takes_no_edit_of_a_thiefs,
    "device_api.answer_enquiry": an_enquiry_takes_a_practitioner,
    "device_api.fetch_trust": what_is_public(f"/v1/trust/{AUTHORITY}"),
    "device_api.fetch_file": a_file_is_sealed_and_found_by_a_name_that_nobody_guesses,
    "admin_api": no_command_is_a_devices,
    "health.live": what_is_public("/health/live"),
    "health.ready": what_is_public("/health/ready"),
    "openapi.document": what_is_public("/v1/openapi.json"),
    "openapi.problem": what_is_public("/problems/unknown-key"),
}
"""What the identity key is worth at each endpoint; of administrators' commands, at all alike."""


def is_command(endpoint: str) -> bool:
    return endpoint.startswith("admin_api.")


def test_a_route_is_decided_on_before_it_is_there(loop: Loop) -> None:
    endpoints = {rule.endpoint for rule in loop.app.url_map.iter_rules()}
    assert {"admin_api" if is_command(each) else each for each in endpoints} == set(DECIDED)
    methods = {m for rule in loop.app.url_map.iter_rules() for m in rule.methods or ()}
    assert methods <= {"GET", "HEAD", "POST"}


def test_the_identity_key_alone_opens_no_route_but_the_delivery(thief: Thief) -> None:
    for decided in DECIDED.values():
        decided(thief)


# --- Everything that the SDK offers --------------------------------------------------------------

LOCKED = "locked"

OFFERED: dict[str, tuple[Callable[[Device], object], str]] = {
    "ask_for_time": (lambda d: d.ask_for_time(), LOCKED),
    "change_passphrase": (lambda d: d.change_passphrase("guess", "another long one"), LOCKED),
    "join": (lambda d: d.join("guess", passphrase="another long one"), "code-mistyped"),
    "mark_read": (lambda d: d.mark_read(), LOCKED),
    "notices": (lambda d: d.notices(), LOCKED),
    "session": (lambda d: d.session("home-visit"), LOCKED),
    "still_here": (lambda d: d.still_here(), LOCKED),
    "take_time": (lambda d: d.take_time("guess"), LOCKED),
    "unlock": (lambda d: d.unlock("guess"), "passphrase-wrong"),
}
"""What refuses, with which code. A session is all that enquires and edits: there is none."""

HARMLESS = {"close", "enrol", "lock", "open", "pending", "practitioners", "status", "sync"}
"""``enrol`` makes another device of another folder, and takes an invitation."""


def test_nothing_that_the_sdk_offers_does_more_while_it_is_locked(thief: Thief) -> None:
    offered = {name for name, _ in inspect.getmembers(Device) if not name.startswith("_")}
    assert offered == OFFERED.keys() | HARMLESS
    with thief.loop.reopen("tablet", thief.wire, locked=True) as device:
        posts = thief.wire.posts
        for act, code in OFFERED.values():
            with pytest.raises(Error) as refused_with:
                act(device)
            assert refused_with.value.code == code
        assert thief.wire.posts == posts
        assert [each.changes for each in device.pending()] == [None]
        report = device.sync()
        assert (report.outcome, report.edits_sent) == (SyncOutcome.DELIVERED, 1)
        assert (report.lease_renewed, report.updated, report.bytes_fetched) == (False, (), 0)
    assert thief.loop.view("r-ada").text(PHONE) == "07700 900123"
