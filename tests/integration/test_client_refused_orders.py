"""Orders that a device does not obey: it says so at the next sync, and nothing else is held up.

Each is part of an answer that is the server's. Whoever can write the server's database, and has not
its keys, can bring one: another device's, one from before, or one of their own making.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from children import AUTHORITY
from client_world import PHONE, World
from fieldward_client import Device, SyncOutcome
from fieldward_sync.access import MAX_REFUSED_ORDERS, Order, Receipt, RefusedOrder
from fieldward_sync.messages import SyncAnswer
from fieldward_sync.signing import Signed, sign
from memory_holdings import HeldDevice

MALLORY = Ed25519PrivateKey.generate()
SEEN = 3
"""The number of the last order that the device obeyed, a pause and its end before it."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    """A device that has obeyed orders 2 and 3, and whose first was withdrawn."""
    device = world.ready()
    for number, kind in ((2, "pause"), (SEEN, "resume")):
        known(world).orders.append(order(world, number=number, kind=kind))
        device.sync()
    assert [each.kind for each in known(world).receipts] == ["pause", "resume"]
    return device


def known(world: World) -> HeldDevice:
    return world.authority.devices["d-1"]


def order(world: World, key: Ed25519PrivateKey | None = None, **changes: object) -> Signed:
    made = Order(AUTHORITY, "d-1", 1, SEEN + 1, "wipe", world.clock.true_time)
    return sign(msgspec.structs.replace(made, **changes), key or world.authority.answer_key)


def brought(world: World, *orders: Signed) -> None:
    """From here on these are in every answer, and what is ordered besides them."""

    def change(answer: SyncAnswer) -> SyncAnswer:
        return msgspec.structs.replace(answer, orders=(*orders, *answer.orders))

    world.authority.changes_answer = change


def told(world: World) -> list[tuple[RefusedOrder, ...]]:
    """What each request so far said was refused, where it said so."""
    return [each.refused_orders for each in known(world).requests if each.refused_orders]


def receipts(world: World) -> list[int]:
    """The numbers of the orders that each request so far answered."""
    key = known(world).request.device_key
    sent = (signed for each in known(world).requests for signed in each.receipts)
    return [signed.open(Receipt, key).number for signed in sent]


WRONG: dict[str, tuple[Callable[[World], Signed], RefusedOrder]] = {
    "forged": (lambda w: order(w, MALLORY), RefusedOrder(4, "signature-wrong")),
    "no order": (
        lambda w: sign(w.authority.trust(), w.authority.answer_key),
        RefusedOrder(0, "order-unreadable"),
    ),
    "another device's": (
        lambda w: order(w, device="d-2"),
        RefusedOrder(4, "order-misaddressed"),
    ),
    "an earlier generation's": (
        lambda w: order(w, generation=0),
        RefusedOrder(4, "order-misaddressed"),
    ),
    "another authority's": (
        lambda w: order(w, authority="E08000020"),
        RefusedOrder(4, "order-misaddressed"),
    ),
    "withdrawn and brought back": (
        lambda w: order(w, number=1),
        RefusedOrder(1, "order-stale"),
    ),
    "another under an old number": (
        lambda w: order(w, number=2),
        RefusedOrder(2, "order-changed"),
    ),
}


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("case", WRONG)
def test_an_order_that_is_not_to_be_obeyed_is_told_once_and_holds_up_nothing(
    world: World, tablet: Device, case: str, locked: bool
) -> None:
    with tablet.session("home-visit") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    if locked:
        tablet.close()
        tablet = world.open(passphrase=None)
    make, refusal = WRONG[case]
    known(world).orders.append(order(world, number=SEEN + 2, kind="pause"))
    brought(world, make(world))
    report = tablet.sync()
    assert (report.outcome, report.wiped) == (SyncOutcome.PARTIAL, False)
    assert report.error is not None
    for _ in range(3):  # it is repeated, and said no more
        assert tablet.sync().outcome is SyncOutcome.PARTIAL
    assert told(world) == [(refusal,)]
    assert [each.number for each in known(world).receipts] == [2, SEEN, SEEN + 2]
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_an_order_that_was_obeyed_is_not_obeyed_again_and_nothing_is_said(
    world: World, tablet: Device
) -> None:
    """A restored server repeats what it does not know to have been answered."""
    brought(world, order(world, number=2, kind="pause"))
    assert tablet.sync().outcome is SyncOutcome.COMPLETE
    assert tablet.status().access == "active"
    assert receipts(world)[-1] == 2
    assert told(world) == []


def test_what_was_refused_is_told_until_an_answer_has_come(world: World, tablet: Device) -> None:
    brought(world, order(world, MALLORY))
    tablet.sync()
    tablet.close()
    with world.open(passphrase=None) as locked:
        for _ in range(2):
            world.authority.loses_answers = 1
            locked.sync()
        locked.sync()
        locked.sync()
    assert told(world) == [(RefusedOrder(4, "signature-wrong"),)] * 3


def test_of_many_that_are_refused_as_many_are_told_as_one_request_holds(
    world: World, tablet: Device
) -> None:
    for many in range(0, 3 * MAX_REFUSED_ORDERS, MAX_REFUSED_ORDERS):
        numbers = range(many + 9, many + 9 + MAX_REFUSED_ORDERS)
        brought(world, *(order(world, MALLORY, number=each) for each in numbers))
        tablet.sync()
    tablet.sync()
    assert [len(each) for each in told(world)] == [MAX_REFUSED_ORDERS] * 3


def test_a_wiped_device_tells_before_it_is_gone_and_answers_what_comes_late(
    world: World, tablet: Device
) -> None:
    """Of more orders than an answer holds the wipe comes first: nothing is left to pause then."""
    wipe, late = order(world, number=SEEN + 9), order(world, number=SEEN + 2, kind="pause")
    come = iter([(wipe,), (late,), (order(world, MALLORY),)])

    def change(answer: SyncAnswer) -> SyncAnswer:
        return msgspec.structs.replace(answer, orders=next(come, ()))

    world.authority.changes_answer = change
    assert tablet.sync().wiped
    assert receipts(world)[-2:] == [SEEN + 9, SEEN + 2]
    assert told(world) == []
    tablet.sync()
    assert told(world) == [(RefusedOrder(SEEN + 1, "signature-wrong"),)]
    assert not (world.home() / "identity").exists()
