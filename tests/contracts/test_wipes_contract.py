"""Wipes as administrators give them: two for many, withdrawn until seen, shed by nobody."""

from __future__ import annotations

from typing import Any

import pytest

from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.services.custody.device_reports import WipeReport
from fieldward_server.services.custody.devices import set_access
from fieldward_server.services.custody.wipes import (
    ALONE,
    HOUR_SECONDS,
    WAITS_SECONDS,
    confirm_wipe,
    order_wipe,
    withdraw_wipe,
)
from fieldward_sync.access import Access, Order, Receipt, WipeState, open_order
from fieldward_sync.errors import CallerMistake, RefusedByServer
from fieldward_sync.messages import SyncAnswer
from fieldward_sync.signing import sign
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    world.partition("caseload", "all")
    world.seal()
    device = world.device("caseload")
    device.sync()
    return device


@pytest.fixture
def crowded(device: FieldDevice) -> FieldDevice:
    """A device, when as many others were wiped as one administrator may wipe alone."""
    for _ in range(ALONE):
        assert order(device.world.device("caseload")) is False
    return device


def told(device: FieldDevice, actor: str) -> dict[str, Any]:
    return {
        "platform": device.world.platform,
        "authority": AUTHORITY,
        "device": device.name,
        "actor": actor,
        "reason": "stolen",
        "now": device.world.now,
    }


def order(device: FieldDevice, actor: str = "ann") -> bool:
    return order_wipe(**told(device, actor))


def confirm(device: FieldDevice, actor: str = "bob") -> None:
    confirm_wipe(**told(device, actor))


def withdraw(device: FieldDevice, actor: str = "ann") -> None:
    withdraw_wipe(**told(device, actor))


def wipe(device: FieldDevice) -> WipeReport:
    report = device.report().wipe
    assert report is not None
    return report


def given(device: FieldDevice, **changed: Any) -> list[tuple[str, int]]:
    """Kind and number of what is ordered in an answer to the device's own key."""
    answer: SyncAnswer = device.sync(role="device", **changed)
    opened: list[Order] = [
        open_order(
            signed, device.trust.answer_key, authority=AUTHORITY, device=device.name, generation=1
        )
        for signed in answer.orders
    ]
    return [(each.kind, each.number) for each in opened]


def obeyed(device: FieldDevice, number: int) -> Any:
    receipt = Receipt(AUTHORITY, device.name, 1, number, "wipe", device.world.now, 0)
    return sign(receipt, device.identity)


def test_one_more_than_a_few_within_an_hour_waits_for_a_second_administrator(
    crowded: FieldDevice,
) -> None:
    assert order(crowded) is True
    assert order(crowded, "cat") is True  # asked again: who asked first stays
    report = wipe(crowded)
    assert (report.state, report.asked_by) == (WipeState.WAITING, "ann")
    assert report.waits_until == crowded.world.now + WAITS_SECONDS
    assert given(crowded) == []
    confirm(crowded)
    confirm(crowded)
    assert wipe(crowded).state is WipeState.ORDERED
    assert given(crowded) == [("wipe", 1)]


def test_whoever_asked_does_not_confirm(crowded: FieldDevice) -> None:
    order(crowded)
    with pytest.raises(CallerMistake) as refused:
        confirm(crowded, "ann")
    assert refused.value.code == "own-confirmation"
    assert given(crowded) == []


def test_what_waited_too_long_is_confirmed_by_nobody_and_asked_for_again(
    crowded: FieldDevice,
) -> None:
    order(crowded)
    crowded.world.now += WAITS_SECONDS
    with pytest.raises(CallerMistake) as refused:
        confirm(crowded)
    assert refused.value.code == "no-wipe-waiting"
    assert given(crowded) == []
    assert order(crowded) is False  # the hour is long over
    assert given(crowded) == [("wipe", 1)]


def test_nothing_is_confirmed_that_was_not_asked_for(device: FieldDevice) -> None:
    with pytest.raises(CallerMistake) as refused:
        confirm(device)
    assert refused.value.code == "no-wipe-waiting"


def test_after_the_hour_one_administrator_is_enough_again(crowded: FieldDevice) -> None:
    crowded.world.now += HOUR_SECONDS
    assert order(crowded) is False


def test_withdrawing_makes_no_room_for_others_in_the_hour(crowded: FieldDevice) -> None:
    order(crowded)
    confirm(crowded)
    withdraw(crowded)
    assert order(crowded.world.device("caseload")) is True


def test_a_device_whose_wipe_waits_works_on_but_is_not_enrolled_again(
    crowded: FieldDevice,
) -> None:
    """A thief sheds nothing by enrolling again."""
    order(crowded)
    crowded.world.now += 13 * HOUR_SECONDS
    assert crowded.sync().lease_refused == ""
    with pytest.raises(RefusedByServer) as refused:
        crowded.enrol(crowded.world.code("caseload"))
    assert refused.value.code == "wipe-open"


def test_a_wipe_is_withdrawn_until_it_is_seen(device: FieldDevice) -> None:
    order(device)
    withdraw(device)
    withdraw(device)
    report = wipe(device)
    assert (report.state, report.withdrawn_at) == (WipeState.WITHDRAWN, device.world.now)
    assert given(device) == []
    device.world.now += 13 * HOUR_SECONDS
    answer = device.sync()
    assert answer.lease is not None
    order(device)
    assert given(device) == [("wipe", 2)]
    given(device, orders_seen=2)
    with pytest.raises(CallerMistake) as refused:
        withdraw(device)
    assert refused.value.code == "wipe-seen"
    assert wipe(device).state is WipeState.SEEN
    given(device, orders_seen=2, receipts=(obeyed(device, 2),))
    with pytest.raises(CallerMistake) as refused:
        withdraw(device)
    assert refused.value.code == "wipe-seen"


def test_what_waits_is_withdrawn_too_and_what_is_not_there_is_not(crowded: FieldDevice) -> None:
    with pytest.raises(CallerMistake) as refused:
        withdraw(crowded)
    assert refused.value.code == "no-wipe"
    order(crowded)
    withdraw(crowded, "bob")
    assert wipe(crowded).state is WipeState.WITHDRAWN
    with pytest.raises(CallerMistake):
        confirm(crowded)


def test_a_withdrawn_order_that_was_on_its_way_is_done_by_its_receipt_alone(
    device: FieldDevice,
) -> None:
    """V6: later orders have higher numbers, so what was seen of them proves nothing."""
    order(device)
    withdraw(device)
    for access in (Access.PAUSED, Access.ACTIVE):
        set_access(access=access, **told(device, "ann"))
    given(device, orders_seen=3)
    assert wipe(device).state is WipeState.WITHDRAWN
    order(device)
    given(device, orders_seen=3)
    assert wipe(device).state is WipeState.ORDERED
    withdraw(device)
    given(device, orders_seen=3, receipts=(obeyed(device, 1),))
    report = wipe(device)
    assert (report.state, report.receipt_at) == (WipeState.DONE, device.world.now)


def test_what_a_device_has_seen_of_a_withdrawn_order_says_nothing_of_the_next(
    device: FieldDevice,
) -> None:
    order(device)
    withdraw(device)
    order(device)
    assert given(device, orders_seen=1) == [("wipe", 2)]
    assert wipe(device).state is WipeState.ORDERED
    withdraw(device)
    assert wipe(device).state is WipeState.WITHDRAWN


def test_a_withdrawn_order_that_was_obeyed_leaves_nothing_to_wait_for(crowded: FieldDevice) -> None:
    order(crowded)
    confirm(crowded)
    withdraw(crowded)
    assert order(crowded) is True
    given(crowded, receipts=(obeyed(crowded, 1),))
    confirm(crowded)
    assert wipe(crowded).state is WipeState.DONE
    assert given(crowded) == []


def test_a_lost_acknowledgement_leaves_the_order_where_it_was(device: FieldDevice) -> None:
    """The request came, its answer did not: the same receipt again closes nothing twice."""
    order(device)
    assert given(device) == [("wipe", 1)]
    assert given(device, orders_seen=1) == [("wipe", 1)]
    for _ in range(2):
        assert given(device, orders_seen=1, receipts=(obeyed(device, 1),)) == []
    assert order(device) is False
    assert given(device) == []
    assert device.world.incidents() == []
