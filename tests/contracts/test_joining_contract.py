"""Joining: an invitation lets one practitioner in on a device, once for the same request."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from children import AUTHORITY, PHONE, child
from field_device import FieldDevice
from fieldward_server.services.custody.device_reports import show_device
from fieldward_sync.access import Receipt
from fieldward_sync.errors import PeerBrokeProtocol, RefusedByServer
from fieldward_sync.journal import JournalHead
from fieldward_sync.leases import MAX_PARTITIONS_OF_A_PRACTITIONER
from fieldward_sync.messages import MAX_PRACTITIONERS, ErasedLease, Held
from fieldward_sync.signing import public_key, sign
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    """With ``p-1``, who may hold the caseload; ``p-2`` is known."""
    world.load(child("r-ada"))
    world.partition("caseload", "all")
    world.seal()
    world.practitioner("p-2")
    return world.device("caseload")


def test_each_has_grants_keys_and_a_lease_secret_of_their_own(  # P30, P31
    world: World, device: FieldDevice
) -> None:
    device.sync()
    assert device.secrets is not None
    firsts, first_key = device.secrets.lease_secret, device.signing
    assert device.join(device.join_request(world.code(practitioner="p-2"))) == "p-2"
    answer = device.sync()
    assert answer.lease is not None
    assert device.secrets.lease_secret != firsts
    assert device.secrets.ring == ()
    device.practitioner, device.signing = "p-1", first_key
    device.lease, device.distribution, device.held = None, None, Held(0, 0, b"", 0, ())
    device.sync()
    assert device.secrets.lease_secret == firsts


def test_the_same_request_lets_in_once_and_another_not_at_all(
    world: World, device: FieldDevice
) -> None:
    code = world.code(practitioner="p-2")
    request = device.join_request(code)
    assert device.join(request) == device.join(request) == "p-2"
    with pytest.raises(RefusedByServer, match="invitation-used"):
        device.join(device.join_request(code))


def test_a_proof_is_for_one_device(world: World, device: FieldDevice) -> None:
    other = world.device()
    request = other.join_request(world.code(practitioner="p-2"))
    with pytest.raises(RefusedByServer, match="proof-wrong"):
        device.join(request)
    with pytest.raises(RefusedByServer, match="proof-wrong"):
        other.join(msgspec.structs.replace(request, practitioner_key=bytes(32)))


def test_an_invitation_that_is_over_lets_nobody_in(world: World, device: FieldDevice) -> None:
    request = device.join_request(world.code(practitioner="p-2"))
    world.now += 3600
    with pytest.raises(RefusedByServer, match="invitation-expired"):
        device.join(request)


def test_nobody_joins_a_device_that_is_to_wipe_itself_or_has(
    world: World, device: FieldDevice
) -> None:
    device.order_wipe()
    receipt = sign(Receipt(AUTHORITY, device.name, 1, 1, "wipe", world.now, 0), device.identity)
    for receipts in ((), (receipt,)):
        device.sync(role="device", receipts=receipts)
        with pytest.raises(RefusedByServer, match="device-closed"):
            device.join(device.join_request(world.code(practitioner="p-2")))


def test_a_device_has_room_for_so_many_and_who_is_there_can_always_come_back(
    world: World, device: FieldDevice
) -> None:
    for number in range(2, MAX_PRACTITIONERS + 1):
        if number > 2:
            world.practitioner(f"p-{number}")
        device.join(device.join_request(world.code(practitioner=f"p-{number}")))
    world.practitioner("p-one-more")
    with pytest.raises(RefusedByServer, match="device-full"):
        device.join(device.join_request(world.code(practitioner="p-one-more")))
    assert device.join(device.join_request(world.code(practitioner="p-1"))) == "p-1"


def test_what_was_sealed_under_forgotten_keys_is_still_taken(  # invariant 1
    world: World, device: FieldDevice
) -> None:
    device.sync()
    look_ups = device.journalled(1)
    device.join(device.join_request(world.code(practitioner="p-1")))
    device.practitioner = "p-1"
    assert device.edit("r-ada", PHONE, "07700 900777").outcome == "merged"
    assert device.sync(journal=look_ups).journal_next == 1
    assert world.incidents() == []


def test_forgotten_keys_sign_no_request(world: World, device: FieldDevice) -> None:
    forgotten = device.signing
    device.join(device.join_request(world.code(practitioner="p-1")))
    device.signing = forgotten
    with pytest.raises(PeerBrokeProtocol, match="signature-wrong"):
        device.authenticated()


def test_a_key_that_policy_refuses_gets_no_lease_and_delivers(  # A2
    world: World, device: FieldDevice
) -> None:
    device.sync()
    world.platform = replace(world.platform, least_assurance="platform")
    world.now += 48 * 3600
    answer = device.sync()
    assert (answer.lease, answer.lease_refused) == (None, "assurance-too-low")
    assert device.edit("r-ada", PHONE, "07700 900778").outcome == "merged"
    own = device.signing
    with pytest.raises(RefusedByServer, match="assurance-too-low"):
        device.join(device.join_request(world.code(practitioner="p-2")))
    device.signing = own
    with pytest.raises(RefusedByServer, match="assurance-too-low"):
        world.device()
    assert device.sync(assurance="platform").lease is not None
    shown = show_device(world.platform, authority=AUTHORITY, device=device.name, now=world.now)
    assert shown.assurance == "platform"


def test_a_lease_that_guesses_have_cost_is_an_incident_once(  # V7
    world: World, device: FieldDevice
) -> None:
    for _ in range(2):
        device.sync(erased_leases=(ErasedLease("p-1", world.now),))
    assert world.incidents() == ["passphrase-guessed"]


def test_nobody_comes_back_to_more_partitions_than_a_lease_has_room_for(
    world: World, device: FieldDevice
) -> None:
    """Together with those that they may hold there already."""
    names = [f"p{number:02d}" for number in range(MAX_PARTITIONS_OF_A_PRACTITIONER)]
    for name in names:
        world.partition(name, "team:NOBODY")
    world.seal()
    own = device.signing
    with pytest.raises(RefusedByServer, match="over-cap"):
        device.join(device.join_request(world.code(*names, practitioner="p-1")))
    device.signing = own
    assert device.sync().lease is not None
    device.join(device.join_request(world.code(*names[1:], practitioner="p-1")))
    device.sync()
    assert device.secrets is not None
    assert len(device.secrets.ring) == MAX_PARTITIONS_OF_A_PRACTITIONER


def test_who_asks_to_go_on_from_an_old_copy_is_in_the_generation_that_is_named(
    world: World, device: FieldDevice
) -> None:
    """Also where a colleague asked before, by the plan in the folder they share, and was cut off:
    a device that went on as a generation it has no key to could only be let in anew."""
    first_key, epoch_key, empty = device.signing, device.epoch_key, device.journal
    device.sync(journal=device.journalled(1))
    device.join(device.join_request(world.code(practitioner="p-2")))
    second_key = device.signing
    device.epoch_key, device.journal = epoch_key, empty
    device.journal_box = device.box("journal")
    assert device.sync(journal=device.journalled(1)).parted
    planned = public_key(device.epoch_key)
    named = {}
    for practitioner, key in (("p-1", first_key), ("p-2", second_key), ("p-2", second_key)):
        device.practitioner, device.signing = practitioner, key
        device.distribution, device.held = None, Held(0, 0, b"", 0, ())
        named[practitioner] = device.sync(next_journal_key=planned).next_generation
    assert named == {"p-1": 2, "p-2": 3}
    device.generation, device.counter = 3, 0
    device.journal = JournalHead.first(device.name, 3, planned)
    assert device.sync().lease is not None
