"""Leases: renewed when there is a reason to, refused when there is a reason not to."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_sync.access import Access
from fieldward_sync.leases import LeaseTerms
from service_world import START, World

HOUR = 3600
AN_EIGHTH = 9 * HOUR


@pytest.fixture
def device(world: World) -> FieldDevice:
    world.partition("caseload", "team:HV-1")
    world.partition("sector", "sector:M14 5")
    world.seal()
    device = world.device("caseload")
    device.sync()
    return device


def change_grant(device: FieldDevice, change: Any, partition: str) -> None:
    change(
        device.world.platform,
        authority=AUTHORITY,
        device=device.name,
        practitioner="p-1",
        partition=partition,
        actor="test",
        reason="test",
        now=device.world.now,
    )


def epochs(device: FieldDevice, partition: str = "caseload") -> list[int]:
    """The key epochs a device holds keys of."""
    assert device.secrets is not None
    (keys,) = [keys for keys in device.secrets.ring if keys.partition == partition]
    return [key.epoch for key in keys.epochs]


def test_the_first_sync_brings_a_lease_with_its_key_ring(device: FieldDevice) -> None:
    assert device.lease is not None
    assert device.secrets is not None
    assert (device.lease.issued, device.lease.practitioner) == (START, "p-1")
    assert device.lease.closes == START + 72 * HOUR
    assert device.lease.destroys == START + 14 * 24 * HOUR
    assert [keys.partition for keys in device.secrets.ring] == ["caseload"]
    assert epochs(device) == [1]


def test_a_lease_is_not_renewed_before_an_eighth_of_its_term(device: FieldDevice) -> None:
    device.world.now += AN_EIGHTH - 1
    assert device.sync().lease is None
    device.world.now += 1
    assert device.sync().lease is not None
    assert device.sync().lease is None


def test_a_lease_that_is_over_is_renewed_however_long_one_before_it_was(
    device: FieldDevice,
) -> None:
    """The operator gives shorter ones; reports still count with the longer."""
    world = device.world
    terms = LeaseTerms(HOUR, 2 * HOUR, 14 * 24 * HOUR)
    world.platform = replace(world.platform, lease_terms=terms)
    world.now += AN_EIGHTH
    assert device.sync().lease is not None
    assert device.lease is not None
    world.now = device.lease.closes
    assert device.sync().lease is not None


def test_a_lease_that_a_clock_gave_which_ran_ahead_is_replaced_once_it_is_put_right(
    device: FieldDevice,
) -> None:
    """Invariant 3: else the copy would open until then."""
    world, right = device.world, device.world.now + AN_EIGHTH
    world.now = right + 30 * 24 * HOUR
    assert device.sync().lease is not None
    world.now = right
    device.hpke_seed = os.urandom(32)
    assert device.sync().lease is not None
    assert device.lease is not None
    assert device.lease.closes == right + 72 * HOUR
    world.now -= 60
    assert device.sync().lease is None, "of two hosts, one is a little behind"


def renewed(device: FieldDevice, *, look_ups_left: int) -> bool:
    held = msgspec.structs.replace(device.held, look_ups_left=look_ups_left)
    return device.sync(held=held).lease is not None


def test_a_lease_is_renewed_once_an_eighth_of_its_look_ups_is_used(device: FieldDevice) -> None:
    assert device.held.look_ups_left == LeaseTerms().look_ups == 500
    assert not renewed(device, look_ups_left=500 - 62)
    assert renewed(device, look_ups_left=500 - 63)
    assert renewed(device, look_ups_left=0)


def test_a_lease_that_allows_far_less_than_one_would_today_is_renewed(
    device: FieldDevice,
) -> None:
    world = device.world
    for look_ups, is_renewed in ((100, False), (5_000, True)):
        terms = replace(world.platform.lease_terms, look_ups=look_ups)
        world.platform = replace(world.platform, lease_terms=terms)
        assert renewed(device, look_ups_left=500) is is_renewed
    assert device.held.look_ups_left == 5_000


def test_look_ups_that_are_used_up_come_back_only_with_the_journal(device: FieldDevice) -> None:
    """Invariant 8: what was looked up under one lease is with the server before the next one."""
    box, *entries, seal = device.journalled(63)
    none = msgspec.structs.replace(device.held, look_ups_left=0)
    answer = device.sync(held=none, journal=(box, *entries[:-1]))
    assert (answer.lease, answer.lease_refused) == (None, "journal-incomplete")
    assert device.sync(held=none, journal=(box, entries[-1], seal)).lease is not None


def test_a_lease_whose_answer_was_lost_is_renewed_again(device: FieldDevice) -> None:
    device.world.now += AN_EIGHTH
    lost = device.call(device.request()).lease
    again = device.sync().lease
    assert lost is not None
    assert again is not None
    assert lost.open_lease(device.trust.answer_key) != again.open_lease(device.trust.answer_key)


def test_the_lease_secret_is_the_same_at_each_renewal(device: FieldDevice) -> None:
    first = device.secrets
    device.hpke_seed = os.urandom(32)
    device.world.now += AN_EIGHTH
    device.sync()
    assert first is not None
    assert device.secrets is not None
    assert device.secrets is not first
    assert device.secrets.lease_secret == first.lease_secret


def test_a_changed_key_ring_renews_the_lease(device: FieldDevice) -> None:
    change_grant(device, grant, "sector")
    assert device.sync().lease is not None
    assert device.secrets is not None
    assert [keys.partition for keys in device.secrets.ring] == ["caseload", "sector"]
    change_grant(device, take, "sector")
    assert device.sync().lease is not None
    assert [keys.partition for keys in device.secrets.ring] == ["caseload"]


def test_nothing_is_renewed_that_was_not_asked_for(device: FieldDevice) -> None:
    device.world.now += AN_EIGHTH
    for request in ({"next_hpke_key": None}, {"more": True}, {"role": "device"}):
        answer = device.sync(**request)
        assert (answer.lease, answer.lease_refused) == (None, "")


@pytest.mark.parametrize("access", [Access.PAUSED, Access.DRAINING, Access.REVOKED])
def test_only_a_device_in_good_standing_renews(device: FieldDevice, access: Access) -> None:
    device.world.now += AN_EIGHTH
    device.set_access(access)
    answer = device.sync()
    assert (answer.access, answer.lease, answer.lease_refused) == (
        access.value,
        None,
        access.value,
    )


def test_a_device_that_was_paused_renews_again(device: FieldDevice) -> None:
    device.world.now += AN_EIGHTH
    device.set_access(Access.PAUSED)
    device.sync()
    device.set_access(Access.ACTIVE)
    assert device.sync().lease is not None


def test_a_device_that_is_to_be_wiped_renews_nothing_and_pulls_nothing(
    device: FieldDevice,
) -> None:
    device.order_wipe()
    device.held = type(device.held)(0, 0, b"", 0, ())
    answer = device.sync()
    assert (answer.lease, answer.lease_refused, answer.distribution) == (None, "wiped", None)


@pytest.mark.parametrize(
    ("until", "refused"),
    [("vetted_until", "vetting-over"), ("trained_until", "training-over")],
)
def test_vetting_and_training_must_be_in_date(
    device: FieldDevice, until: str, refused: str
) -> None:
    device.world.now += AN_EIGHTH
    device.world.practitioner("p-1", **{until: device.world.now})
    assert device.sync().lease_refused == refused
    device.world.practitioner("p-1", **{until: device.world.now + 1})
    assert device.sync().lease is not None


def test_a_malformed_key_gets_no_lease_and_holds_up_nothing(device: FieldDevice) -> None:
    device.world.now += AN_EIGHTH
    part = device.boxed(device.proposal("nobody", "sex", "male", shown=()))
    answer = device.sync(next_hpke_key=b"\xff" * 1216, edits=(part,))
    assert (answer.lease, answer.lease_refused) == (None, "key-malformed")
    assert len(answer.verdicts) == 1


# --- Key epochs ---


def test_an_epoch_begins_when_a_grant_is_taken_and_nobodys_files_are_sealed_again(
    world: World, device: FieldDevice
) -> None:
    world.practitioner("p-2")
    other = world.device("caseload", practitioner="p-2")
    other.sync()
    change_grant(device, take, "caseload")
    assert world.stored_partition("caseload").key_epoch == 2
    assert world.seal() == 0
    assert other.sync().lease is not None
    assert epochs(other) == [1, 2]


def test_an_epoch_begins_when_a_device_is_revoked(world: World, device: FieldDevice) -> None:
    device.set_access(Access.REVOKED)
    assert world.stored_partition("caseload").key_epoch == 2
    assert world.stored_partition("sector").key_epoch == 1


def test_an_epoch_begins_once_when_a_device_is_to_be_wiped(
    world: World, device: FieldDevice
) -> None:
    for _ in range(2):
        device.order_wipe()
    assert world.stored_partition("caseload").key_epoch == 2


def test_a_revoked_devices_lease_secret_is_gone(world: World, device: FieldDevice) -> None:
    device.set_access(Access.REVOKED)
    with world.platform.storage.reading() as transaction:
        rows = transaction.execute("SELECT lease_secret FROM holder")
    assert [row["lease_secret"] for row in rows] == [None]
