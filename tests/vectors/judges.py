"""What Fieldward's own code makes of each topic's cases.

A judge raises the error of a refused case; of a valid one it compares everything the case says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fieldward_client.copies.partition import Partition
from fieldward_client.copies.store import StoredDistribution, check_distribution
from fieldward_client.keys.identity import Identity
from fieldward_client.keys.lease import StoredLease, check_grant
from fieldward_sync import digest, names
from fieldward_sync.access import Receipt, open_order, require_in_turn
from fieldward_sync.clock import ClockState, Reading
from fieldward_sync.distribution import Distribution, Manifest, open_file
from fieldward_sync.encoding import Message, decode, encode, pack, unpack
from fieldward_sync.enquiries import (
    Enquirer,
    EnquiryAnswer,
    EnquiryLogHead,
    EnquiryRequest,
    open_answer,
    open_enquiry,
    open_look_up,
    read_header,
)
from fieldward_sync.errors import RefusedByServer, RetryLater
from fieldward_sync.field_classes import Writer, check_fixed, check_writer
from fieldward_sync.http_signatures import read_request_signature, verify_answer, verify_request
from fieldward_sync.invitations import proof, read_code
from fieldward_sync.journal import BoxItem, EntryItem, JournalHead, JournalItem
from fieldward_sync.keys import (
    Argon2Cost,
    derive,
    hpke_open,
    hpke_public_key,
    hpke_seal,
    label,
    unlock_key,
)
from fieldward_sync.leases import (
    Lease,
    LeaseGrant,
    LeaseSecrets,
    Spent,
    digest_key,
    open_secrets,
    open_warm_keys,
    partition_key,
)
from fieldward_sync.matching.image_keys import ImageKeys
from fieldward_sync.messages import Trust
from fieldward_sync.outbox import open_as_author, open_as_authority
from fieldward_sync.problems import read_refusal
from fieldward_sync.projection import conflicts, project
from fieldward_sync.records import Edit, Proposal, Record
from fieldward_sync.schema import check_edit
from fieldward_sync.sealing import open_sealed
from fieldward_sync.signing import Signed, public_key, sign, signing_key, verify
from fieldward_sync.time_codes import challenge_code, open_time_code, read_challenge
from fieldward_sync.versions import Dot
from fieldward_sync.views import View

PLENTY = 1 << 20


def _document(name: str) -> type[Message]:
    """The document of this name."""
    found = {kind.__name__: kind for kind in Message.__subclasses__()}
    return found[name]


def _hex(case: Mapping[str, Any], *fields: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(case[field]) for field in fields)


def judge_encoding(case: Mapping[str, Any]) -> None:
    (data,) = _hex(case, "data")
    kind = _document(case["document"])
    assert encode(decode(kind, data, max_bytes=case["max_bytes"])) == data


def judge_names(case: Mapping[str, Any]) -> None:
    assert unpack(getattr(names, case["type"]), pack(case["value"])) == case["value"]


def judge_messages(case: Mapping[str, Any]) -> None:
    (data,) = _hex(case, "data")
    message = decode(_document(case["document"]), data, max_bytes=PLENTY)
    assert encode(message) == data


def judge_signing(case: Mapping[str, Any]) -> None:
    payload, signature, key = _hex(case, "payload", "signature", "public_key")
    opened = Signed(payload, signature).open(_document(case["document"]), key)
    assert encode(opened) == payload


def judge_derivations(case: Mapping[str, Any]) -> None:
    match case["kind"]:
        case "derive":
            secret, told, derived = _hex(case, "secret", "label", "derived")
            assert label(case["purpose"], *case["context"]) == told
            assert derive(secret, case["purpose"], *case["context"]) == derived
        case "sealed":
            key, context, sealed = _hex(case, "key", "context", "sealed")
            assert open_sealed(key, context, sealed).hex() == case["opened"]
        case "unlock":
            device_secret, salt = _hex(case, "device_secret", "salt")
            unlocked = unlock_key(
                case["passphrase"],
                device_secret=device_secret,
                salt=salt,
                cost=Argon2Cost(*case["cost"]),
                binding=label("unlock"),
            )
            assert (unlocked.hex(), label("unlock").hex()) == (
                case["derived"],
                case["associated_data"],
            )


def judge_hpke(case: Mapping[str, Any]) -> None:
    if case["kind"] == "seal":
        hpke_seal(*_hex(case, "public_key"), info=b"", plaintext=b"")
        return
    seed, info, sealed = _hex(case, "seed", "info", "sealed")
    assert hpke_open(seed, info=info, sealed=sealed).hex() == case["opened"]
    assert hpke_public_key(seed).hex() == case["public_key"]


def judge_http_signatures(case: Mapping[str, Any]) -> None:
    (body,) = _hex(case, "body")
    if case["kind"] == "answer":
        time = verify_answer(
            case["headers"],
            status=case["status"],
            body=body,
            request_signature=case["request_signature"],
            public_keys={name: bytes.fromhex(key) for name, key in case["public_keys"].items()},
        )
        assert time == case["time"]
        return
    signature = read_request_signature(case["headers"])
    verify_request(
        signature,
        method=case["method"],
        authority=case["authority"],
        path=case["path"],
        query=case["query"],
        body=body,
        public_key=bytes.fromhex(case["public_key"]),
    )
    found = (signature.key_id, signature.created, signature.counter)
    assert found == (case["key_id"], case["created"], case["counter"])


def judge_problems(case: Mapping[str, Any]) -> None:
    error, problem = read_refusal(case["status"], *_hex(case, "body"))
    assert isinstance(error, RetryLater if case["try_later"] else RefusedByServer)
    found = (error.code, problem.code, problem.last_counter)
    assert found == (case["code"], case["code"], case["last_counter"])


def judge_invitations(case: Mapping[str, Any]) -> None:
    invitation = read_code(case["code"])
    assert invitation.secret.hex() == case["secret"]
    assert invitation.root_fingerprint.hex() == case["root_fingerprint"]
    if "root_key" in case:
        assert invitation.is_of(bytes.fromhex(case["root_key"]))
        assert invitation.invitation_id.hex() == case["invitation_id"]
        assert invitation.proof_key.hex() == case["proof_key"]
    assert invitation.hands_over == ("seed" in case)
    if "seed" in case:
        authority, device, generation, practitioner = case["held_by"]
        seed = invitation.hand_over_seed(
            authority=authority, device=device, generation=generation, practitioner=practitioner
        )
        assert seed.hex() == case["seed"]
    if "proof" in case:
        (statement,) = _hex(case, "statement")
        assert invitation.code() == case["code"]
        assert proof(invitation.proof_key, statement).hex() == case["proof"]


def judge_trust(case: Mapping[str, Any]) -> None:
    payload, signature, root_key, held = _hex(case, "payload", "signature", "root_key", "held")
    identity = Identity("", case["authority"], "d-1", 1, bytes(32), root_key)
    offered = identity.open_trust(Signed(payload, signature))
    offered.require_successor_of(decode(Trust, held, max_bytes=PLENTY))


def _trusting(case: Mapping[str, Any]) -> tuple[Signed, Identity]:
    """Keys in force, and the device that trusts them, of whom a case says who they are."""
    own, root = case["own"], signing_key(bytes(32))
    (answer_key,) = _hex(case, "answer_key")
    none = bytes(1216)
    trust = Trust(own["authority"], own["incarnation"], 1, 0, answer_key, none, none)
    identity = Identity(
        "", own["authority"], own["device"], own["generation"], bytes(32), public_key(root)
    )
    return sign(trust, root), identity


def judge_leases(case: Mapping[str, Any]) -> None:
    data, seed, info = _hex(case, "grant", "seed", "info")
    grant = decode(LeaseGrant, data, max_bytes=PLENTY)
    trust, identity = _trusting(case)
    lease = check_grant(StoredLease(trust, grant), identity, case["own"]["practitioner"])
    opened = open_secrets(grant.sealed_secrets, seed, info=info)
    secrets = decode(LeaseSecrets, opened, max_bytes=PLENTY)
    assert lease.state(case["now"]).value == case["state"]
    lease.require_reading(case["now"])
    spent = lease.spend(1, Spent(bytes.fromhex(case["spent_under"]), case["spent"]))
    key = secrets.key(case["partition"], case["epoch"])
    found = (secrets.lease_secret, key, secrets.digest_key(case["partition"]))
    assert found == _hex(case, "lease_secret", "key", "digest_key")
    assert lease.look_ups_left(spent) == case["left"]


def judge_warm_keys(case: Mapping[str, Any]) -> None:
    data, sealed, seed = _hex(case, "lease", "sealed", "seed")
    keys = open_warm_keys(sealed, seed, decode(Lease, data, max_bytes=PLENTY))
    found = (
        partition_key(keys.ring, case["partition"], case["epoch"]),
        digest_key(keys.ring, case["partition"]),
    )
    assert found == _hex(case, "key", "digest_key")


def judge_clock(case: Mapping[str, Any]) -> None:
    state = ClockState(**{**case["state"], "at": Reading(**case["state"]["at"])})
    assert state.trusted(Reading(**case["reading"])) == case["trusted"]


def judge_time_codes(case: Mapping[str, Any]) -> None:
    challenge, answer_key = _hex(case, "challenge", "answer_key")
    assert (read_challenge(case["shown"]), challenge_code(challenge)) == (challenge, case["shown"])
    time = open_time_code(
        case["code"],
        authority=case["authority"],
        device=case["device"],
        generation=case["generation"],
        challenge=challenge,
        answer_key=answer_key,
    )
    assert time == case["time"]


def judge_distribution(case: Mapping[str, Any]) -> None:
    trust, identity = _trusting(case)
    stored = StoredDistribution(trust, Signed(*_hex(case, "payload", "signature")))
    offered = check_distribution(stored, identity, case["own"]["practitioner"])
    trusted = (
        decode(Distribution, bytes.fromhex(case["trusted"]), max_bytes=PLENTY)
        if case["trusted"]
        else None
    )
    offered.require_successor_of(trusted, now=case["now"])


def judge_partitions(case: Mapping[str, Any]) -> None:
    packed, key, digest_key = _hex(case, "manifest", "key", "digest_key")
    manifest: Manifest = unpack(Manifest, packed)
    opened = Partition.open(
        manifest,
        lambda entry: open_file(bytes.fromhex(case["files"][entry.name]), entry=entry, key=key),
        before=None,
    )
    try:
        opened.check(digest_key)
        held = {view.record_id for view in opened.image.views()} | case["views"].keys()
        views = (opened.view(record_id) for record_id in held)
        shown = {view.record_id: view.to_bytes().hex() for view in views if view}
    finally:
        opened.close()
    assert shown == case["views"]


def judge_digest(case: Mapping[str, Any]) -> None:
    (digest_key,) = _hex(case, "digest_key")
    total = digest.EMPTY
    for record in case["records"]:
        (view,) = _hex(record, "view")
        element = digest.element(digest_key, record["record_id"], record["revision"], view)
        assert element.hex() == record["element"]
        total = digest.added(total, element)
        assert digest.added(digest.removed(total, element), element) == total
    assert total.hex() == case["digest"]


def judge_views(case: Mapping[str, Any]) -> None:
    edits = [decode(Edit, bytes.fromhex(edit), max_bytes=PLENTY) for edit in case["edits"]]
    record = Record.of(edits[0].record_id, edits)
    numbers = {edit.dot: number for number, edit in enumerate(edits, start=1)}
    assert project(record, numbers, case["revision"]).to_bytes().hex() == case["view"]


def judge_search(case: Mapping[str, Any]) -> None:
    assert sorted(ImageKeys().of(View.read(*_hex(case, "view")))) == case["keys"]


def judge_fields(case: Mapping[str, Any]) -> None:
    for path, value in case["changes"].items():
        check_writer(path, value, Writer.PRACTITIONER)
        check_fixed(path, case["shown"])
    assert check_edit(case["changes"], shown=case["shown"]) == case["changes"]


def judge_merge(case: Mapping[str, Any]) -> None:
    if case["kind"] == "proposal":
        (data,) = _hex(case, "proposal")
        numbers = {int(number): Dot(*dot) for number, dot in case["numbers"].items()}
        made = decode(Proposal, data, max_bytes=PLENTY).as_edit(
            device=case["device"], generation=case["generation"], shown=numbers
        )
        assert encode(made).hex() == case["edit"]
        return
    edits = [decode(Edit, bytes.fromhex(edit), max_bytes=PLENTY) for edit in case["edits"]]
    record = Record.of(edits[0].record_id, edits)
    live = {
        path: [[[value.dot.actor, value.dot.counter], value.value] for value in values]
        for path, values in record.live.items()
    }
    assert live == case["live"]
    assert list(conflicts(record)) == case["conflicts"]


def judge_boxes(case: Mapping[str, Any]) -> None:
    header, signature, practitioner_key, seed, sealed = _hex(
        case, "header", "signature", "practitioner_key", "seed", "sealed"
    )
    signed = Signed(header, signature)
    box = open_as_authority(signed, practitioner_key=practitioner_key, seed=seed)
    opened = box.open_entry(case["index"], sealed)
    if "store_key" in case:
        (store_key,) = _hex(case, "store_key")
        own = open_as_author(signed, practitioner_key=practitioner_key, store_key=store_key)
        assert own.open_entry(case["index"], sealed) == opened
    assert opened.hex() == case["opened"]


def judge_journal(case: Mapping[str, Any]) -> None:
    (data,) = _hex(case, "head")
    head = decode(JournalHead, data, max_bytes=PLENTY)
    for packed in case["items"]:
        item: JournalItem = unpack(JournalItem, bytes.fromhex(packed))
        if isinstance(item, EntryItem):
            head = head.take_entry(item)
        elif not isinstance(item, BoxItem):
            head = head.take_seal(item)
    assert encode(head).hex() == case["after"]
    assert head.frontier.root().hex() == case.get("root", head.frontier.root().hex())


def judge_enquiries(case: Mapping[str, Any]) -> None:
    if case["kind"] == "log":
        _judge_enquiry_log(case)
        return
    enquirer = Enquirer(*case["enquirer"])
    seed, data = _hex(case, "seed", "data")
    opened: Message
    if case["kind"] == "request":
        request = decode(EnquiryRequest, data, max_bytes=PLENTY)
        opened = open_enquiry(request, seed, enquirer=enquirer)
    else:
        (query,) = _hex(case, "query")
        answer = decode(EnquiryAnswer, data, max_bytes=PLENTY)
        opened = open_answer(answer, seed, query=query, enquirer=enquirer)
    assert encode(opened).hex() == case["opened"]


def _judge_enquiry_log(case: Mapping[str, Any]) -> None:
    seed, data = _hex(case, "seed", "head")
    head = decode(EnquiryLogHead, data, max_bytes=PLENTY)
    for entry in case["entries"]:
        header, body = map(bytes.fromhex, entry)
        head = head.take(header, body)
        opened = open_look_up(body, seed, enquirer=read_header(header).enquirer)
        assert encode(opened).hex() == case["opened"]
    assert encode(head).hex() == case["after"]


def judge_orders(case: Mapping[str, Any]) -> None:
    payload, signature, answer_key = _hex(case, "payload", "signature", "answer_key")
    order = open_order(
        Signed(payload, signature),
        answer_key,
        authority=case["authority"],
        device=case["device"],
        generation=case["generation"],
    )
    require_in_turn(
        order,
        orders_seen=case["orders_seen"],
        obeyed=dict(case["obeyed"]),
    )
    assert encode(order) == payload
    receipt, receipt_signature, key = _hex(case, "receipt", "receipt_signature", "identity_key")
    verify(key, receipt_signature, receipt)
    answered = decode(Receipt, receipt, max_bytes=PLENTY)
    assert (answered.number, answered.kind) == (order.number, order.kind)


JUDGES: dict[str, Callable[[Mapping[str, Any]], None]] = {
    name.removeprefix("judge_"): judge
    for name, judge in list(globals().items())
    if name.startswith("judge_")
}
