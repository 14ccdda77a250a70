"""What is hidden later: what devices confirm of it, and who has not (H7, C4, invariant 5)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from children import AUTHORITY, stranger
from field_device import FieldDevice
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.redactions import ReachedDevice, find_reached
from fieldward_server.services.custody.wipes import order_wipe
from fieldward_server.services.distribution.partitions import grant, take
from fieldward_server.services.records.shields import raise_shield, release_shield
from fieldward_sync.access import Access, Receipt
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import HeldPartition
from fieldward_sync.signing import sign
from service_world import World

HOUR = 3600


@pytest.fixture
def device(world: World) -> FieldDevice:
    """A device that holds a caseload of three."""
    world.load(*(stranger(name) for name in ("c1", "c2", "c3")))
    world.partition("caseload", "team:HV-1")
    world.seal()
    return holding(world)


def holding(world: World) -> FieldDevice:
    device = world.device("caseload")
    device.sync()
    return device


def command(world: World, **about: Any) -> dict[str, Any]:
    told = {"authority": AUTHORITY, "actor": "test", "reason": "test", "now": world.now}
    return {"platform": world.platform, **told, **about}


def shield(world: World, record: str = "c1") -> None:
    raise_shield(**command(world, record_id=record))


def reached(world: World, record: str = "c1") -> list[ReachedDevice]:
    return list(find_reached(world.platform, authority=AUTHORITY, record=record, now=world.now))


def stages(world: World, record: str = "c1") -> dict[str, str]:
    return {each.device: each.stage for each in reached(world, record)}


def says(device: FieldDevice, *left: tuple[str, int, int] | None, **held: Any) -> None:
    """Sync once, and say just this of what is left."""
    partitions = None if left == (None,) else tuple(HeldPartition(*each) for each in left if each)
    told = msgspec.structs.replace(device.held, partitions=partitions, **held)
    device.world.now += 61  # a device that was heard a minute ago is not noted again
    device.call(device.request(held=told))


def test_a_device_is_open_until_it_says_that_what_was_hidden_is_gone(
    world: World, device: FieldDevice
) -> None:
    away = holding(world)
    shielded_at = world.now
    shield(world)
    (first, _) = reached(world)
    assert (first.stage, first.sealed, first.redacted_at) == ("open", False, shielded_at)
    world.now += HOUR
    world.seal()
    device.sync()
    assert stages(world) == {device.name: "open", away.name: "open"}
    assert reached(world)[0].sealed
    world.now += HOUR
    device.sync()
    confirmed = {each.device: each for each in reached(world)}
    assert stages(world) == {device.name: "gone", away.name: "open"}
    assert confirmed[device.name].hidden_at == confirmed[device.name].gone_at == world.now
    assert away.lease is not None
    assert confirmed[away.name].readable_until == away.lease.closes


def test_hidden_and_gone_are_confirmed_each_for_itself_and_keep_their_times(
    world: World, device: FieldDevice
) -> None:
    shield(world)
    world.seal()
    device.sync()
    number = world.stored_partition("caseload").redaction_feed
    says(device, ("caseload", number - 1, number - 1))
    assert stages(world) == {device.name: "open"}
    says(device, ("caseload", number, 0))
    assert stages(world) == {device.name: "hidden"}
    hidden_at = world.now
    says(device, ("caseload", number + 7, number))
    gone_at = world.now
    says(device, ("caseload", 0, 0))  # it takes nothing back
    shield(world, "c2")
    world.seal()
    device.sync()
    says(device, ("caseload", number + 7, number + 7))
    (first,) = reached(world)
    assert (first.stage, first.hidden_at, first.gone_at) == ("gone", hidden_at, gone_at)
    assert gone_at > hidden_at


@pytest.mark.parametrize("case", ["locked", "cannot tell", "before a restore", "asked too early"])
def test_what_says_nothing_confirms_nothing(world: World, device: FieldDevice, case: str) -> None:
    shield(world)
    world.seal()
    match case:
        case "locked":
            world.now += 61
            device.sync(role="device")
        case "cannot tell":
            says(device, None)
        case "before a restore":
            says(device, ("caseload", 1000, 1000), incarnation=0)
        case _:  # a partition that it does not name may be about to come
            says(device, number=0)
    assert stages(world) == {device.name: "open"}


def test_who_was_given_the_partition_later_never_had_it(world: World, device: FieldDevice) -> None:
    shield(world)
    in_between = holding(world)  # the files there are still show it
    world.seal()
    holding(world)
    assert stages(world) == {device.name: "open", in_between.name: "open"}
    shield(world, "c2")
    assert len(stages(world, "c2")) == 3


def test_a_device_that_lost_the_partition_says_so_and_later_redactions_do_not_concern_it(
    world: World, device: FieldDevice
) -> None:
    about = {"device": device.name, "practitioner": "p-1", "partition": "caseload"}
    take(**command(world, **about))
    shield(world)
    world.seal()
    says(device, ("caseload", 1, 1))  # it has not heard of it
    assert stages(world) == {device.name: "open"}
    device.sync()
    says(device)
    assert stages(world) == {device.name: "gone"}
    shield(world, "c2")
    world.seal()
    assert stages(world, "c2") == {}
    grant(**command(world, **about))
    shield(world, "c3")
    assert stages(world, "c3") == {device.name: "open"}


def test_a_revoked_device_confirms_once_it_has_erased_everything(
    world: World, device: FieldDevice
) -> None:
    shield(world)
    set_access(**command(world, device=device.name, access=Access.REVOKED))
    says(device, ("caseload", 1, 1))
    assert stages(world) == {device.name: "open"}
    says(device, number=0, lease=b"", look_ups_left=0)
    assert stages(world) == {device.name: "gone"}


def test_a_wipe_confirms_by_its_receipt_alone(world: World, device: FieldDevice) -> None:
    shield(world)
    order_wipe(**command(world, device=device.name))
    assert stages(world) == {device.name: "open"}
    receipt = Receipt(
        AUTHORITY, device.name, device.generation, 1, "wipe", world.now, device.journal.size
    )
    device.sync(role="device", receipts=(sign(receipt, device.identity),))
    assert stages(world) == {device.name: "wiped"}


@pytest.mark.parametrize("end", ["wiped", "revoked", "enrolled again"])
def test_where_nothing_opened_any_more_when_it_was_hidden_nobody_is_asked(
    world: World, device: FieldDevice, end: str
) -> None:
    """H7: the list is of devices to see to, and dead ones do not make it longer for ever."""
    if end == "wiped":
        order_wipe(**command(world, device=device.name))
        receipt = Receipt(AUTHORITY, device.name, 1, 1, "wipe", world.now, device.journal.size)
        device.sync(role="device", receipts=(sign(receipt, device.identity),))
    elif end == "revoked":
        set_access(**command(world, device=device.name, access=Access.REVOKED))
    else:
        device.enrol(world.code("caseload"))
    assert device.lease is not None
    shield(world, "c1")
    world.now = device.lease.closes if end != "wiped" else world.now + 1
    shield(world, "c2")
    world.now += 1
    shield(world, "c3")
    older = [
        [each for each in reached(world, record) if each.generation == 1]
        for record in ("c1", "c2", "c3")
    ]
    assert [len(found) for found in older] == [1, 0 if end == "wiped" else 1, 0]
    newer = [each.generation for each in reached(world, "c3")]
    assert newer == ([2] if end == "enrolled again" else [])


def test_who_may_come_back_is_asked_however_long_the_lease_is_over(
    world: World, device: FieldDevice
) -> None:
    assert device.lease is not None
    world.now = device.lease.closes + 1
    shield(world)
    assert stages(world) == {device.name: "closed"}
    device.sync()
    assert stages(world) == {device.name: "open"}, "its old files open again"


def test_where_the_lease_is_over_nothing_is_claimed_but_that(
    world: World, device: FieldDevice
) -> None:
    shield(world)
    assert device.lease is not None
    world.now = device.lease.closes - 1
    assert stages(world) == {device.name: "open"}
    world.now += 1
    (first,) = reached(world)
    assert (first.stage, first.hidden_at, first.gone_at) == ("closed", 0, 0)


def test_without_a_record_all_who_may_still_read_are_listed(
    world: World, device: FieldDevice
) -> None:
    shield(world, "c1")
    shield(world, "c2")
    assert {(it.record, it.device) for it in reached(world, "")} == {
        ("c1", device.name),
        ("c2", device.name),
    }
    world.seal()
    device.sync()
    world.now += 61
    device.sync()
    assert reached(world, "") == []
    assert stages(world) == {device.name: "gone"}
    with pytest.raises(CallerMistake, match="unknown-record"):
        reached(world, "nobody")


def test_a_shield_that_is_raised_again_is_to_be_confirmed_again(
    world: World, device: FieldDevice
) -> None:
    shield(world)
    world.seal()
    device.sync()
    world.now += 61
    device.sync()
    release_shield(**command(world, record_id="c1"))
    world.seal()
    device.sync()
    assert stages(world) == {device.name: "gone"}
    shield(world)
    assert stages(world) == {device.name: "open"}


def test_withdrawn_consent_is_confirmed_as_a_shield_is(  # C4
    world: World, device: FieldDevice
) -> None:
    device.edit("c1", "involvements/a1.consent_withdrawn", "raised")
    world.seal()
    assert stages(world) == {device.name: "open"}
    device.sync()
    world.now += 61
    device.sync()
    assert stages(world) == {device.name: "gone"}


def test_what_is_hidden_goes_from_an_image_that_the_record_has_left_already(
    world: World, device: FieldDevice
) -> None:
    """A removed record may stay in an image for most of a day; a shielded one may not (H3)."""
    device.edit("c1", "involvements/a1.ended", "2026-01-31")
    before = world.stored_partition("caseload")
    shield(world)
    after = world.stored_partition("caseload")
    assert after.redaction_feed == before.feed + 1
    assert after.key_epoch == before.key_epoch + 1
    assert (after.records, after.digest) == (before.records, before.digest)
    world.seal()
    assert world.stored_partition("caseload").image_feed == after.feed
    device.sync()
    assert set(device.contents("caseload")) == {"c2", "c3"}
    assert stages(world) == {device.name: "open"}


def test_what_leaves_and_is_hidden_in_one_request_goes_at_once_too(
    world: World, device: FieldDevice
) -> None:
    world.partition("everybody", "all")
    grant(**command(world, device=device.name, practitioner="p-1", partition="everybody"))
    device.deliver(
        device.proposal("c1", "involvements/a1.ended", "2026-01-31"),
        device.proposal("c1", "shield", "raised"),
    )
    row = world.stored_partition("caseload")
    assert row.redaction_feed == row.feed > row.image_feed


def test_once_confirmed_it_costs_no_sync_anything(world: World, device: FieldDevice) -> None:
    """Invariant 10: a sync with nothing new writes nothing."""
    shield(world)
    world.seal()
    device.sync()
    world.now += 61
    device.sync()
    before = world.written()
    device.sync(next_hpke_key=None)
    assert world.written() == before
