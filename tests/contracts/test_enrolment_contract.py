"""Enrolment: an invitation makes one device, and the same request makes it once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.services.authorities import answer_key
from fieldward_server.services.custody.device_reports import list_devices
from fieldward_server.services.custody.enrolment import enrol
from fieldward_server.services.custody.invitations import invite
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake, RefusedByServer
from fieldward_sync.invitations import fingerprint, read_code
from fieldward_sync.messages import EnrolRequest, Trust
from fieldward_sync.signing import public_key
from service_world import World


def enrol_now(world: World, request: EnrolRequest, counter: int = 1) -> object:
    answer, _ = enrol(world.platform, request, counter=counter, now=world.now)
    return answer


def test_an_enrolled_device_knows_the_chain_from_the_code_to_the_answer_key(world: World) -> None:
    device, code = FieldDevice(world), world.code()
    answer, key = enrol(world.platform, device.enrol_request(code), counter=1, now=world.now)
    assert fingerprint(answer.root_key) == read_code(code).root_fingerprint
    trust = answer.trust.open(Trust, answer.root_key)
    assert trust.answer_key == public_key(key)
    assert (answer.authority, answer.practitioner, answer.generation) == (AUTHORITY, "p-1", 1)


def test_the_same_request_again_gets_the_same_answer_even_when_the_invitation_is_over(
    world: World,
) -> None:
    request = FieldDevice(world).enrol_request(world.code())
    first = enrol_now(world, request)
    world.now += 7200
    assert enrol_now(world, request, counter=2) == first
    assert len(list_devices(world.platform, AUTHORITY, now=world.now)) == 1


def test_an_invitation_is_used_once(world: World) -> None:
    code = world.code()
    enrol_now(world, FieldDevice(world).enrol_request(code))
    with pytest.raises(RefusedByServer, match="invitation-used"):
        enrol_now(world, FieldDevice(world).enrol_request(code))


def test_an_expired_invitation_is_refused(world: World) -> None:
    request = FieldDevice(world).enrol_request(world.code())
    world.now += 3600
    with pytest.raises(RefusedByServer, match="invitation-expired"):
        enrol_now(world, request)


def test_whoever_does_not_hold_the_code_is_refused(world: World) -> None:
    request = FieldDevice(world).enrol_request(world.code())
    with pytest.raises(RefusedByServer, match="proof-wrong"):
        enrol_now(world, msgspec.structs.replace(request, name="Another name"))
    with pytest.raises(RefusedByServer, match="invitation-unknown"):
        enrol_now(world, msgspec.structs.replace(request, invitation_id=bytes(32)))
    assert list_devices(world.platform, AUTHORITY, now=world.now) == ()


def test_a_device_that_enrols_again_is_its_own_next_generation(world: World) -> None:
    device = world.device()
    name = device.name
    device.enrol(world.code())
    assert (device.name, device.generation) == (name, 2)
    new, old = list_devices(world.platform, AUTHORITY, now=world.now)
    assert (old.access, new.access) == (Access.DRAINING, Access.ACTIVE)


def test_whoever_is_revoked_is_so_under_every_generation(world: World) -> None:
    """What an earlier one still has to deliver waits in the inbox (P25)."""
    device = world.device()
    device.enrol(world.code())
    device.set_access(Access.REVOKED)
    found = list_devices(world.platform, AUTHORITY, now=world.now)
    assert [it.access for it in found] == [Access.REVOKED] * 2


def pause(device: FieldDevice) -> None:
    device.set_access(Access.PAUSED)


def test_whoever_is_paused_or_wiped_reads_under_no_earlier_generation_either(
    world: World,
) -> None:
    """It may be on another machine, where the folder was copied from (V6)."""
    for shut in (pause, FieldDevice.order_wipe):
        device = world.device()
        name = device.name
        device.enrol(world.code())
        shut(device)
        found = list_devices(world.platform, AUTHORITY, now=world.now)
        (earlier,) = [it for it in found if (it.device, it.generation) == (name, 1)]
        assert earlier.access is Access.PAUSED
        device.set_access(Access.ACTIVE if shut is pause else Access.DRAINING)
        found = list_devices(world.platform, AUTHORITY, now=world.now)
        (earlier,) = [it for it in found if (it.device, it.generation) == (name, 1)]
        assert earlier.access is Access.PAUSED, "what takes its place reads on"


def test_a_device_with_a_wipe_to_confirm_does_not_escape_it_by_enrolling_again(  # P36
    world: World,
) -> None:
    device = world.device()
    device.order_wipe()
    with pytest.raises(RefusedByServer, match="wipe-open"):
        device.enrol(world.code())


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"authority": "E00000000"}, "unknown-authority"),
        ({"practitioner": "nobody"}, "unknown-practitioner"),
        ({"partitions": ["nothing"]}, "unknown-partition"),
        ({"partitions": [f"p-{n}" for n in range(65)]}, "too-many-partitions"),
    ],
)
def test_an_invitation_names_what_there_is(
    world: World, changed: dict[str, str], code: str
) -> None:
    given: dict[str, Any] = {"authority": AUTHORITY, "practitioner": "p-1", "partitions": []}
    with pytest.raises(CallerMistake, match=code):
        invite(
            world.platform,
            **{**given, **changed},
            valid_seconds=60,
            actor="test",
            reason="routine",
            now=world.now,
        )


def test_no_practitioner_is_called_as_a_devices_own_key_is(world: World) -> None:
    with pytest.raises(CallerMistake, match="argument-malformed"):
        world.practitioner("device")


def test_no_key_lies_open_in_the_database(world: World) -> None:
    world.partition("caseload", "all")
    device = world.device("caseload")
    world.seal()
    device.sync()
    assert device.secrets is not None
    secrets = (
        world.secrets.root_private,
        world.secrets.audit_seed,
        answer_key(world.platform, AUTHORITY).private_bytes_raw(),
        device.secrets.lease_secret,
        device.secrets.ring[0].digest_key,
        device.secrets.ring[0].epochs[0].key,
    )
    stored = b"".join(value for row in world.written() for value in row if isinstance(value, bytes))
    assert not [secret for secret in secrets if secret in stored]
    assert device.lease is not None
    assert device.lease.lease_id in stored
