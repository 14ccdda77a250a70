"""A server, or somebody in its place, that says what it must not: nothing of it is used.

Each case changes one thing. The device names what is wrong, keeps its store and its edits, and is
in order again as soon as the server is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from children import AUTHORITY
from client_world import PASSPHRASE, PHONE, SERVER_URL, World
from fieldward_client import Device, HttpAnswer, PeerBrokeProtocol, SyncOutcome
from fieldward_sync.access import Order, RefusedOrder
from fieldward_sync.distribution import Distribution
from fieldward_sync.encoding import decode, encode, pack
from fieldward_sync.leases import Lease, LeaseGrant
from fieldward_sync.messages import SyncAnswer, Trust
from fieldward_sync.signing import Signed, sign
from memory_authority import MemoryAuthority

MALLORY = Ed25519PrivateKey.generate()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    """A device with an edit to deliver, for which there is a new state and a new lease."""
    device = world.ready()
    with device.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    world.clock.advance(hours=20)
    world.authority.set_fields("r-ben", {"name.family": "Newname"})
    world.authority.publish_all()
    return device


def nothing_was_used(world: World, device: Device, code: str) -> None:
    report = device.sync()
    assert (report.outcome, report.error and report.error.code) == (SyncOutcome.DISTRUSTED, code)
    device.close()
    again = world.open()
    with again.session("clinic") as session:
        assert session.search(family="Whitcombe")
        assert not session.search(family="Newname")
        assert session.open("r-ada")[PHONE] == "07700 900123"
    world.authority.tampers = lambda answer: answer
    world.authority.tampers_with_files = lambda sealed: sealed
    world.authority.changes_answer = lambda answer: answer
    world.clock.advance(hours=20)
    assert again.sync().outcome is SyncOutcome.COMPLETE
    with again.session("clinic") as session:
        assert session.search(family="Newname")
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


# --- Answers that are not the server's ----------------------------------------------------------


def with_headers(answer: HttpAnswer, **headers: str) -> HttpAnswer:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(answer.status, {**answer.headers, **changed}, answer.body)


@dataclass
class Answers:
    """Gives every request the answer to the first one."""

    first: HttpAnswer | None = None

    def __call__(self, answer: HttpAnswer) -> HttpAnswer:
        self.first = self.first or answer
        return self.first


FOREIGN: dict[str, tuple[Callable[[HttpAnswer], HttpAnswer], str]] = {
    "a captive portal": (
        lambda _: HttpAnswer(200, {"content-type": "text/html"}, b"<h1>Welcome</h1>"),
        "signature-malformed",
    ),
    "a body with a flipped bit": (
        lambda a: HttpAnswer(a.status, a.headers, a.body[:-1] + bytes([a.body[-1] ^ 1])),
        "digest-wrong",
    ),
    "a cut body": (lambda a: HttpAnswer(a.status, a.headers, a.body[:-1]), "digest-wrong"),
    "another status": (lambda a: HttpAnswer(201, a.headers, a.body), "signature-wrong"),
    "another time": (
        lambda a: with_headers(a, fieldward_time=str(int(a.headers["fieldward-time"]) + 9)),
        "signature-malformed",
    ),
    "no signature": (
        lambda a: HttpAnswer(a.status, {**a.headers, "signature": ""}, a.body),
        "signature-malformed",
    ),
    "another authority's key": (
        lambda a: with_headers(
            a, signature_input=a.headers["signature-input"].replace("E08000039", "E08000020")
        ),
        "key-unknown",
    ),
    "a refusal that nobody signed": (
        lambda _: HttpAnswer(403, {}, b'{"code": "revoked"}'),
        "signature-malformed",
    ),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_an_answer_that_is_not_the_servers_changes_nothing(
    world: World, tablet: Device, case: str
) -> None:
    world.authority.tampers, code = FOREIGN[case]
    nothing_was_used(world, tablet, code)


def test_a_network_that_wants_a_log_in_is_told_as_one(world: World, tablet: Device) -> None:
    world.authority.tampers, _ = FOREIGN["a captive portal"]
    error = tablet.sync().error
    assert error is not None
    assert "log in there" in error.next_step


def test_the_answer_to_another_request_changes_nothing(world: World, tablet: Device) -> None:
    world.authority.tampers = replay = Answers()
    tablet.sync()
    assert replay.first is not None
    world.authority.set_fields("r-ben", {"name.given": "Benjamin"})
    world.authority.publish_all()
    report = tablet.sync()
    assert (report.outcome, report.error and report.error.code) == (
        SyncOutcome.DISTRUSTED,
        "signature-wrong",
    )


def test_a_busy_server_is_no_stranger(world: World, tablet: Device) -> None:
    world.authority.tampers = lambda _: HttpAnswer(503, {}, b"busy")
    report = tablet.sync()
    assert (report.outcome, report.error and report.error.code) == (
        SyncOutcome.OFFLINE,
        "server-busy",
    )


def test_a_server_that_is_not_the_codes_gets_no_device(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other", pytest.MonkeyPatch())
    code = world.authority.invite("p-1", "p-west")
    other.authority.invitations = world.authority.invitations
    with pytest.raises(PeerBrokeProtocol, match="root-key-wrong"):
        Device.enrol(
            world.home(),
            SERVER_URL,
            code,
            passphrase=PASSPHRASE,
            clock=world.clock,
            transport=other.authority,
        )


def renew(authority: MemoryAuthority) -> None:
    """Another answer key is in force, says the root key."""
    authority.answer_key = Ed25519PrivateKey.generate()
    authority.trust_version += 1
    authority.files[AUTHORITY] = pack(sign(authority.trust(), authority.root))


@pytest.mark.parametrize("locked", [False, True])
def test_the_highest_order_that_a_stolen_key_signed_binds_nobody_once_keys_are_renewed(
    world: World, locked: bool
) -> None:
    tablet, authority = world.ready(), world.authority
    known = authority.devices["d-1"]
    highest = Order(AUTHORITY, "d-1", 1, 2**53 - 1, "pause", world.clock.true_time)
    stolen = sign(highest, authority.answer_key)
    known.orders.append(stolen)
    tablet.sync()
    known.orders.clear()
    known.receipts.clear()
    if locked:
        tablet.close()
        tablet = world.open(passphrase=None)
    renew(authority)
    known.orders.append(stolen)
    authority.order("d-1", "wipe")
    assert tablet.sync().wiped
    assert [receipt.kind for receipt in known.receipts] == ["wipe"]
    refused = [each.refused_orders for each in known.requests if each.refused_orders]
    assert refused == [(RefusedOrder(2**53 - 1, "signature-wrong"),)]


def test_a_wiped_device_that_follows_to_other_keys_says_so_once_more_and_is_gone(
    world: World,
) -> None:
    tablet, authority = world.ready(), world.authority
    authority.order("d-1", "wipe")

    def lose(answer: SyncAnswer) -> SyncAnswer:
        authority.loses_answers = 1
        return answer

    def lose_the_next(answer: SyncAnswer) -> SyncAnswer:
        authority.changes_answer = lose
        return answer

    authority.changes_answer = lose_the_next
    assert tablet.sync().wiped
    authority.changes_answer = lambda answer: answer
    renew(authority)
    for _ in range(2):
        assert tablet.sync().wiped
    assert not (world.home() / "identity").exists()


def test_the_highest_list_that_a_stolen_key_signed_binds_nobody_once_keys_are_renewed(
    world: World,
) -> None:
    tablet, authority = world.ready(), world.authority
    authority.publish("p-west")
    authority.changes_answer = partial(with_distribution(number=2**53 - 1), world)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    authority.changes_answer = lambda answer: answer
    assert tablet.sync().outcome is SyncOutcome.DISTRUSTED
    renew(authority)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    authority.set_fields("r-ada", {"name.given": "Adaeze"})
    authority.publish("p-west")
    assert tablet.sync().updated == ("West",)
    authority.state -= 1
    assert tablet.sync().outcome is SyncOutcome.DISTRUSTED, "under one key they go up as before"


def test_no_server_takes_a_device_back_to_a_generation_that_it_was(
    world: World, tablet: Device
) -> None:
    """It would number its edits a second time, over what that generation has still to deliver."""
    world.authority.changes_answer = lambda answer: msgspec.structs.replace(
        answer, parted=True, next_generation=1
    )
    report = tablet.sync()
    assert (report.outcome, report.error and report.error.code) == (
        SyncOutcome.DISTRUSTED,
        "generation-unbelievable",
    )
    world.authority.changes_answer = lambda answer: answer
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    with tablet.session("home-visit") as session:
        assert session.open("r-ada")[PHONE]


# --- Signed answers that say what they must not -------------------------------------------------


def resigned(signed: Signed, kind: Any, key: Ed25519PrivateKey, **changes: Any) -> Signed:
    document = decode(kind, signed.payload, max_bytes=1 << 20)
    return sign(msgspec.structs.replace(document, **changes), key)


def with_lease(**changes: Any) -> Callable[[World, SyncAnswer], SyncAnswer]:
    def change(world: World, answer: SyncAnswer) -> SyncAnswer:
        assert answer.lease is not None
        lease = resigned(answer.lease.lease, Lease, world.authority.answer_key, **changes)
        grant = LeaseGrant(lease, answer.lease.sealed_secrets)
        return msgspec.structs.replace(answer, lease=grant)

    return change


def with_distribution(**changes: Any) -> Callable[[World, SyncAnswer], SyncAnswer]:
    def change(world: World, answer: SyncAnswer) -> SyncAnswer:
        assert answer.distribution is not None
        signed = resigned(answer.distribution, Distribution, world.authority.answer_key, **changes)
        return msgspec.structs.replace(answer, distribution=signed)

    return change


def with_manifest(**changes: Any) -> Callable[[World, SyncAnswer], SyncAnswer]:
    def change(world: World, answer: SyncAnswer) -> SyncAnswer:
        assert answer.distribution is not None
        (manifest,) = decode(Distribution, answer.distribution.payload, max_bytes=1 << 20).manifests
        chosen = {
            name: value(manifest) if callable(value) else value for name, value in changes.items()
        }
        manifests = (msgspec.structs.replace(manifest, **chosen),)
        return with_distribution(manifests=manifests)(world, answer)

    return change


def by_mallory(world: World, answer: SyncAnswer) -> SyncAnswer:
    assert answer.distribution is not None
    return msgspec.structs.replace(
        answer, distribution=resigned(answer.distribution, Distribution, MALLORY)
    )


def lease_by_mallory(world: World, answer: SyncAnswer) -> SyncAnswer:
    assert answer.lease is not None
    lease = resigned(answer.lease.lease, Lease, MALLORY)
    return msgspec.structs.replace(answer, lease=LeaseGrant(lease, answer.lease.sealed_secrets))


def mixed_lease(world: World, answer: SyncAnswer) -> SyncAnswer:
    assert answer.lease is not None
    grant = LeaseGrant(answer.lease.lease, answer.lease.sealed_secrets[:-1])
    return msgspec.structs.replace(answer, lease=grant)


def lease_as_distribution(world: World, answer: SyncAnswer) -> SyncAnswer:
    assert answer.lease is not None
    return msgspec.structs.replace(answer, distribution=answer.lease.lease)


def trust_by_mallory(world: World, answer: SyncAnswer) -> SyncAnswer:
    trust = msgspec.structs.replace(world.authority.trust(), version=9)
    return msgspec.structs.replace(answer, trust=sign(trust, MALLORY))


def older_trust(world: World, answer: SyncAnswer) -> SyncAnswer:
    trust = msgspec.structs.replace(world.authority.trust(), version=0)
    return msgspec.structs.replace(answer, trust=sign(trust, world.authority.root))


def same_version(world: World, answer: SyncAnswer) -> SyncAnswer:
    trust = msgspec.structs.replace(world.authority.trust(), audit_key=bytes(1216))
    return msgspec.structs.replace(answer, trust=sign(trust, world.authority.root))


def earlier_incarnation(world: World, answer: SyncAnswer) -> SyncAnswer:
    trust = msgspec.structs.replace(world.authority.trust(), version=9, incarnation=0)
    return msgspec.structs.replace(answer, trust=sign(trust, world.authority.root))


def foreign_trust(world: World, answer: SyncAnswer) -> SyncAnswer:
    trust = msgspec.structs.replace(world.authority.trust(), version=9, authority="E08000020")
    return msgspec.structs.replace(answer, trust=sign(trust, world.authority.root))


WRONG: dict[str, tuple[Callable[[World, SyncAnswer], SyncAnswer], str]] = {
    "a lease by somebody else": (lease_by_mallory, "signature-wrong"),
    "a lease with other secrets": (mixed_lease, "lease-mixed"),
    "another device's lease": (with_lease(device="d-2"), "lease-misaddressed"),
    "another practitioner's lease": (with_lease(practitioner="p-9"), "lease-misaddressed"),
    "another authority's lease": (with_lease(authority="E08000020"), "lease-misaddressed"),
    "an earlier generation's lease": (with_lease(generation=0), "lease-misaddressed"),
    "an earlier incarnation's lease": (with_lease(incarnation=0), "lease-misaddressed"),
    "a lease whose id was changed": (with_lease(lease_id=bytes(16)), "lease-unopened"),
    "a lease whose times are in no order": (with_lease(closes=1), "lease-malformed"),
    "a distribution by somebody else": (by_mallory, "signature-wrong"),
    "a lease in place of a distribution": (lease_as_distribution, "wrong-kind"),
    "another device's distribution": (
        with_distribution(device="d-2"),
        "distribution-misaddressed",
    ),
    "another practitioner's distribution": (
        with_distribution(practitioner="p-9"),
        "distribution-misaddressed",
    ),
    "another authority's distribution": (
        with_distribution(authority="E08000020"),
        "distribution-misaddressed",
    ),
    "an older distribution": (with_distribution(number=1), "distribution-rolled-back"),
    "another distribution of the same number": (
        with_distribution(number=2),
        "distribution-mixed",
    ),
    "an expired distribution": (with_distribution(expires=1), "distribution-expired"),
    "a loss that is not named": (with_distribution(manifests=()), "loss-unnamed"),
    "a digest of another state": (with_manifest(digest=bytes(32)), "digest-differs"),
    "a segment without its image": (
        with_manifest(files=lambda manifest: manifest.files[1:]),
        "manifest-broken",
    ),
    "an image without its segment": (
        with_manifest(files=lambda manifest: manifest.files[:1]),
        "digest-differs",
    ),
    "two images": (
        with_manifest(files=lambda manifest: (manifest.files[0],) * 2),
        "manifest-broken",
    ),
    "keys by somebody else": (trust_by_mallory, "signature-wrong"),
    "keys from before": (older_trust, "trust-rolled-back"),
    "other keys of the same version": (same_version, "trust-rolled-back"),
    "keys of an earlier incarnation": (earlier_incarnation, "trust-rolled-back"),
    "another authority's keys": (foreign_trust, "trust-misaddressed"),
    "more edits than anybody types": (
        lambda _, answer: msgspec.structs.replace(answer, edits_held=1 << 40),
        "counter-unbelievable",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_signed_answer_that_is_wrong_leaves_the_store_as_it_was(
    world: World, tablet: Device, case: str
) -> None:
    change, code = WRONG[case]
    world.authority.changes_answer = lambda answer: change(world, answer)
    nothing_was_used(world, tablet, code)


def test_newer_keys_are_trusted_under_the_same_root_key(world: World, tablet: Device) -> None:
    world.authority.trust_version = 2
    world.authority.audit_seed = bytes(range(32))
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert world.authority.devices["d-1"].requests[-1].trust_version == 1
    with tablet.session("clinic") as session:
        session.open("r-ada")
    tablet.sync()
    assert world.authority.devices["d-1"].requests[-1].trust_version == 2
    known = world.authority.devices["d-1"]
    known.entries = known.entries[-1:]  # what was sealed to the key before
    assert world.authority.look_ups("d-1")[0].records == ("r-ada",)


# --- Files --------------------------------------------------------------------------------------


TAMPERED: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda sealed: sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:],
    "another file": lambda sealed: bytes(len(sealed)),
    "a longer file": lambda sealed: sealed + b"more",
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_file_that_is_not_the_listed_one_is_not_used(
    world: World, tablet: Device, case: str
) -> None:
    world.authority.tampers_with_files = TAMPERED[case]
    nothing_was_used(world, tablet, "file-wrong")


def test_a_cut_file_waits_for_its_rest(world: World, tablet: Device) -> None:
    world.authority.tampers_with_files = lambda sealed: sealed[:-1]
    report = tablet.sync()
    assert (report.outcome, report.error and report.error.code) == (
        SyncOutcome.PARTIAL,
        "file-cut",
    )
    world.authority.tampers_with_files = lambda sealed: sealed
    report = tablet.sync()
    assert (report.outcome, report.bytes_fetched) == (SyncOutcome.COMPLETE, 1)


def test_an_image_under_another_partitions_name_is_not_opened(world: World, tablet: Device) -> None:
    """Whoever could swap files and sign for it would still lack the context they are sealed to."""
    world.authority.partition("p-east", "r-ada", title="East")
    east = world.authority.partitions["p-east"].manifest
    assert east is not None
    (entry,) = east.files
    context = msgspec.structs.replace(entry.context, partition="p-west")
    swapped = (msgspec.structs.replace(entry, context=context),)
    change = with_manifest(files=swapped)
    world.authority.changes_answer = lambda answer: change(world, answer)
    nothing_was_used(world, tablet, "seal-broken")


def test_answers_stay_the_encoding_they_are(world: World) -> None:
    """The cases above change what they mean to: unchanged, an answer is taken."""
    device = world.ready()
    world.authority.changes_answer = lambda answer: decode(
        SyncAnswer, encode(answer), max_bytes=1 << 20
    )
    assert device.sync().outcome is SyncOutcome.COMPLETE
    assert isinstance(world.authority.trust(), Trust)
