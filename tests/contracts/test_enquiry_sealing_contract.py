"""On-line enquiries: sealed both ways."""

from __future__ import annotations

import os
from typing import Any

import pytest

from children import AUTHORITY, child
from enquiring import ADA, asking_device, last_look_up, nobody, on_record
from field_device import ENQUIRIES, FieldDevice
from fieldward_server.services.authorities import EDIT_SEED
from fieldward_server.services.look_ups.enquiries import enquire
from fieldward_sync.encoding import encode
from fieldward_sync.enquiries import Enquirer, open_answer, seal_enquiry
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.keys import hpke_public_key
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    return asking_device(world)


def test_an_enquiry_opens_with_the_key_that_is_in_force_now(
    world: World, device: FieldDevice
) -> None:
    """A worker keeps it opened, and lets go of it when another takes its place."""
    device.enquire(**ADA)
    seed = bytes(range(32))
    wrapped = world.platform.wrap(seed, EDIT_SEED, AUTHORITY)
    with world.platform.storage.transaction() as transaction:
        transaction.execute("UPDATE authority SET edit_seed = :wrapped", wrapped=wrapped)
    request = seal_enquiry(device.enquiry(ADA), hpke_public_key(seed), enquirer=device.enquirer)
    device.counter += 1
    caller = device.authenticated(encode(request), path=ENQUIRIES)
    assert enquire(world.platform, caller, request, now=world.now).outcome == "shown"
    with pytest.raises(PeerBrokeProtocol) as broken:
        device.enquire(**ADA)
    assert broken.value.code == "seal-broken"


def test_an_answers_size_does_not_tell_how_many_were_found(
    world: World, device: FieldDevice
) -> None:
    for number in range(12):
        world.load(child(f"twin-{number}", name={"family": "Okafor", "given": "Ada"}))
    several, none = device.enquiry({"family": "Okafor", "given": "Ada"}), nobody(device)
    sizes = set()
    for asked, count in ((device.enquiry(record_id="ada"), 0), (several, 12), (none, 0)):
        caller, request = device.handed_in(asked)
        answer = enquire(world.platform, caller, request, now=world.now).answer
        sizes.add(len(answer.sealed))
        assert len(last_look_up(world).records) >= count
    assert len(sizes) == 1


def test_an_enquiry_opens_only_as_whose_it_is(world: World, device: FieldDevice) -> None:
    request = seal_enquiry(device.enquiry(ADA), device.trust.edit_key, enquirer=device.enquirer)
    assert b"Okafor" not in encode(request)
    world.practitioner("p-2")
    for other in (world.device(), world.device(practitioner="p-2")):
        other.counter += 1
        caller = other.authenticated(encode(request), path=ENQUIRIES)
        with pytest.raises(PeerBrokeProtocol) as broken:
            enquire(world.platform, caller, request, now=world.now)
        assert broken.value.code == "seal-broken"
        assert "Sync" in broken.value.next_step
    assert on_record(world) == []


def test_an_answer_opens_only_for_who_asked_and_for_what_was_asked(
    world: World, device: FieldDevice
) -> None:
    asked = device.enquiry(ADA)
    caller, request = device.handed_in(asked)
    answer = enquire(world.platform, caller, request, now=world.now).answer
    assert b"Okafor" not in encode(answer)
    told: dict[str, Any] = {"query": asked.query, "enquirer": device.enquirer}
    assert open_answer(answer, device.hpke_seed, **told).hits
    others: list[tuple[bytes, dict[str, Any]]] = [
        (os.urandom(32), told),
        (device.hpke_seed, {**told, "query": os.urandom(16)}),
        (device.hpke_seed, {**told, "enquirer": Enquirer(AUTHORITY, 1, "d-2", 1, "p-1")}),
    ]
    for seed, wrong in others:
        with pytest.raises(PeerBrokeProtocol, match="seal-broken"):
            open_answer(answer, seed, **wrong)
