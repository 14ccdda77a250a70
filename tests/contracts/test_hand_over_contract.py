"""A hand-over: what is prepared for a device, who gets it, and who comes with its code (P6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from children import AUTHORITY, PHONE, child, stranger
from field_device import FieldDevice
from fieldward_server.services.authentication import NotAuthenticated
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.platform import Platform
from fieldward_server.services.upkeep.pruning import prune_invitations
from fieldward_sync.access import Access
from fieldward_sync.distribution import Distribution
from fieldward_sync.encoding import decode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol, RefusedByServer
from fieldward_sync.invitations import read_code
from fieldward_sync.leases import Lease, LeaseSecrets, LeaseTerms, open_secrets, secrets_info
from fieldward_sync.messages import HandOver, HeldHandOver, SyncAnswer
from service_world import World

NEXT = "p-2"
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def device(world: World) -> FieldDevice:
    """With ``p-1``, who holds ``caseload``; ``p-2`` is known, and to come for ``school``."""
    world.load(child("r-ada"), stranger("r-bob"))
    world.partition("caseload", "all")
    world.partition("school", "all")
    world.seal()
    world.practitioner(NEXT)
    device = world.device("caseload")
    device.sync()
    return device


def prepare(world: World, device: FieldDevice, **changed: Any) -> str:
    told: dict[str, Any] = {
        "authority": AUTHORITY,
        "device": device.name,
        "practitioner": NEXT,
        "partitions": ["school"],
        "valid_seconds": 5 * DAY,
        "actor": "test",
        "reason": "on-leave",
        "now": world.now,
    }
    return prepare_hand_over(world.platform, **(told | changed)).code


def withdraw(world: World, device: FieldDevice) -> None:
    withdraw_hand_over(
        world.platform,
        authority=AUTHORITY,
        device=device.name,
        actor="test",
        reason="plans-changed",
        now=world.now,
    )


def opened(device: FieldDevice, code: str, came: HandOver) -> tuple[Lease, LeaseSecrets]:
    lease = came.grant.open_lease(device.trust.answer_key)
    named: dict[str, Any] = {
        "authority": AUTHORITY,
        "device": device.name,
        "generation": device.generation,
    }
    seed = read_code(code).hand_over_seed(**named, practitioner=NEXT)
    info = secrets_info(
        **named, incarnation=lease.incarnation, lease_id=lease.lease_id, practitioner=NEXT
    )
    secrets = open_secrets(came.grant.sealed_secrets, seed, info=info)
    return lease, decode(LeaseSecrets, secrets, max_bytes=1 << 20)


def came(answer: SyncAnswer) -> HandOver:
    assert answer.hand_over is not None
    assert answer.hand_over.invitation_id == answer.hand_over_id
    return answer.hand_over


def held(device: FieldDevice, came: HandOver) -> HeldHandOver:
    lease = came.grant.open_lease(device.trust.answer_key)
    listed = came.distribution.open(Distribution, device.trust.answer_key)
    return HeldHandOver(lease.lease_id, listed.incarnation, listed.number)


def refused(code: str, world: World, device: FieldDevice, **changed: Any) -> None:
    with pytest.raises((CallerMistake, RefusedByServer), match=code):
        prepare(world, device, **changed)
    assert device.sync().hand_over_id == b""


def test_the_code_opens_a_lease_of_who_comes_and_what_it_lists(
    world: World, device: FieldDevice
) -> None:
    code = prepare(world, device)
    handed = came(device.sync())
    lease, secrets = opened(device, code, handed)
    assert (lease.practitioner, lease.closes) == (NEXT, world.now + 5 * DAY)
    assert lease.issued <= lease.warns <= lease.closes <= lease.destroys
    assert [keys.partition for keys in secrets.ring] == ["school"]
    listed = handed.distribution.open(Distribution, device.trust.answer_key)
    assert (listed.practitioner, [m.partition for m in listed.manifests]) == (NEXT, ["school"])
    with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
        opened(device, prepare(world, world.device()), handed)


def test_it_ends_when_it_was_to_though_leases_are_shorter_since(
    world: World, device: FieldDevice
) -> None:
    """A device refuses a lease whose keys are to go before it closes, and with it the whole sync of
    whoever is there."""
    code = prepare(world, device)
    terms = LeaseTerms(HOUR, 2 * HOUR, DAY)
    world.platform = replace(world.platform, lease_terms=terms)
    lease, _ = opened(device, code, came(device.sync()))
    assert lease.warns <= lease.closes == lease.destroys == world.now + 5 * DAY


def test_the_server_keeps_neither_the_code_nor_what_it_opens(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytes] = []
    wrap = Platform.wrap

    def wrapping(platform: Platform, secret: bytes, *bound_to: Any) -> bytes:
        kept.append(secret)
        return wrap(platform, secret, *bound_to)

    monkeypatch.setattr(Platform, "wrap", wrapping)
    code = prepare(world, device)
    came(device.sync())
    kept += [value for row in world.written() for value in row if isinstance(value, bytes)]
    invitation = read_code(code)
    seed = invitation.hand_over_seed(
        authority=AUTHORITY, device=device.name, generation=device.generation, practitioner=NEXT
    )
    assert any(invitation.proof_key in each for each in kept), "looked at what is wrapped, too"
    for secret in (invitation.secret, seed, code.encode()):
        assert not [each for each in kept if secret in each]


def test_a_locked_device_hears_of_it_and_gets_nothing(world: World, device: FieldDevice) -> None:
    prepare(world, device)
    answer = device.sync(role="device")
    assert answer.hand_over_id
    assert answer.hand_over is None


def test_it_is_sealed_anew_when_it_would_be_another_and_ends_when_it_was_to(
    world: World, device: FieldDevice
) -> None:
    code = prepare(world, device)
    end = world.now + 5 * DAY
    have = held(device, came(device.sync()))
    written = world.written()
    quiet = device.sync(hand_over=have)
    assert (quiet.hand_over, bool(quiet.hand_over_id)) == (None, True)
    assert world.written() == written, "a sync with nothing new writes nothing"
    came(device.sync())  # it was lost on the way
    world.now += DAY
    world.load(stranger("r-new"))
    world.seal()
    lease, _ = opened(device, code, came(device.sync(hand_over=have)))
    assert (lease.issued, lease.closes) == (world.now, end)


def test_preparing_is_refused_where_nobody_could_come(world: World, device: FieldDevice) -> None:
    refused("unknown-practitioner", world, device, practitioner="p-9")
    refused("unknown-partition", world, device, partitions=["nowhere"])
    refused("practitioner-there", world, device, practitioner="p-1")
    refused("hand-over-too-long", world, device, valid_seconds=15 * DAY)
    world.practitioner(NEXT, vetted_until=world.now + 2 * DAY)
    refused("vetting-over", world, device)
    world.practitioner(NEXT)
    small = world.device(record_cap=1)
    refused("over-cap", world, small)
    world.platform = replace(world.platform, least_assurance="platform")
    refused("assurance-too-low", world, device)


def test_a_device_has_one_at_a_time(world: World, device: FieldDevice) -> None:
    prepare(world, device)
    with pytest.raises(CallerMistake, match="hand-over-open"):
        prepare(world, device)
    withdraw(world, device)
    with pytest.raises(CallerMistake, match="no-hand-over"):
        withdraw(world, device)
    prepare(world, device)
    came(device.sync())


@pytest.mark.parametrize("end", ["paused", "draining", "revoked", "wipe", "vetting", "end"])
def test_what_may_not_read_is_named_no_hand_over(
    world: World, device: FieldDevice, end: str
) -> None:
    prepare(world, device)
    device.sync()
    why = {"authority": AUTHORITY, "device": device.name, "actor": "test", "reason": "test"}
    if end == "wipe":
        order_wipe(world.platform, **why, now=world.now)
    elif end == "vetting":
        world.practitioner(NEXT, vetted_until=world.now)
    elif end == "end":
        world.now += 5 * DAY
    else:
        set_access(world.platform, **why, access=Access(end), now=world.now)
    answer = device.sync()
    assert (answer.hand_over_id, answer.hand_over) == (b"", None)


def test_the_same_request_brings_them_once_and_another_not_at_all(
    world: World, device: FieldDevice
) -> None:
    code = prepare(world, device)
    request = device.join_request(code)
    assert device.join(request) == device.join(request) == NEXT
    with pytest.raises(RefusedByServer, match="invitation-used"):
        device.join(device.join_request(code))


def test_who_comes_keeps_the_lease_secret_and_is_awaited_no_more(
    world: World, device: FieldDevice
) -> None:
    code = prepare(world, device)
    _, before = opened(device, code, came(device.sync()))
    assert [it.awaited for it in device.report().holders] == [False, True]
    device.join(device.join_request(code))
    assert [it.awaited for it in device.report().holders] == [False, False]
    answer = device.sync()
    assert device.secrets is not None
    assert device.secrets.lease_secret == before.lease_secret
    assert [keys.partition for keys in device.secrets.ring] == ["school"]
    assert (answer.hand_over_id, answer.hand_over) == (b"", None)
    assert set(device.contents("school")) == {"r-ada", "r-bob"}


def test_nothing_is_taken_of_who_is_awaited(world: World, device: FieldDevice) -> None:
    code = prepare(world, device)
    device.sync()
    request = device.join_request(code)
    device.practitioner = NEXT
    with pytest.raises(NotAuthenticated, match="unknown-key"):
        device.sync()
    device.edits_box = device.box("edits")
    proposal = device.proposal("r-ada", PHONE, "07700 900777")
    assert device.sync(role="device", edits=(device.boxed(proposal),)).verdicts == ()
    assert world.incidents() != []
    assert world.view("r-ada").text(PHONE) == "07700 900001"
    device.join(request)
    assert device.sync(edits=(device.boxed(proposal),)).verdicts[0].outcome == "merged"


def test_a_code_is_for_one_generation_of_one_device(world: World, device: FieldDevice) -> None:
    code = prepare(world, device)
    other = world.device()
    with pytest.raises(RefusedByServer, match="invitation-unknown"):
        other.join(other.join_request(code))
    with pytest.raises(RefusedByServer, match="invitation-unknown"):
        FieldDevice(world).enrol(code)


@pytest.mark.parametrize("what", ["withdrawn", "late", "revoked", "wipe"])
def test_who_was_not_heard_in_time_is_heard_for_delivery_alone(  # invariant 1
    world: World, device: FieldDevice, what: str
) -> None:
    code = prepare(world, device)
    device.sync()
    epoch = world.stored_partition("school").key_epoch
    why = {"authority": AUTHORITY, "device": device.name, "actor": "test", "reason": "test"}
    if what == "withdrawn":
        withdraw(world, device)
    elif what == "late":
        world.now += 400 * DAY
        prune_invitations(world.platform, world.now)
    elif what == "revoked":
        set_access(world.platform, **why, access=Access.REVOKED, now=world.now)
    else:
        order_wipe(world.platform, **why, now=world.now)
    device.join(device.join_request(code))
    device.edits_box = device.box("edits")
    proposal = device.proposal("r-ada", PHONE, "07700 900777")
    (verdict,) = device.sync(role="device", edits=(device.boxed(proposal),)).verdicts
    assert verdict.outcome == ("merged" if what == "wipe" else "refused")
    assert world.incidents() == []
    if what in ("withdrawn", "late"):
        assert world.stored_partition("school").key_epoch > epoch
        (_, holder) = device.report().holders
        assert (holder.awaited, holder.partitions) == (False, ())
    else:
        assert device.sync().lease is None


def test_a_lease_that_is_longer_than_the_next_counts_to_its_end(
    world: World, device: FieldDevice
) -> None:
    code = prepare(world, device)
    end = world.now + 5 * DAY
    device.sync()
    device.join(device.join_request(code))
    assert device.sync().lease is not None
    (_, holder) = device.report().holders
    assert holder.lease_closes == end, "the package may have been copied"
