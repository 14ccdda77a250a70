"""What a sync finds when it comes back from the network: that the device was locked, that somebody
else is at it, or that it is closed (invariants 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import (
    AccessClosed,
    CallerMistake,
    Device,
    HttpAnswer,
    SyncOutcome,
    SyncProgress,
)

NEW = "four other random words"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    """A device whose lease is due for renewal."""
    device = world.ready()
    world.clock.advance(hours=20)
    return device


def while_the_server_answers(world: World, call: Callable[[], object]) -> None:
    """As the watch's observer or another thread may: once."""

    def tampers(answer: HttpAnswer) -> HttpAnswer:
        world.authority.tampers = lambda answer: answer
        call()
        return answer

    world.authority.tampers = tampers


def test_an_app_that_closes_the_device_and_ends_the_sync_gets_its_own_exception(
    world: World, tablet: Device
) -> None:
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")

    def leave(_: SyncProgress) -> None:
        tablet.close()
        raise InterruptedError

    with pytest.raises(InterruptedError):
        tablet.sync(leave)
    assert world.open().sync().outcome is SyncOutcome.COMPLETE


@pytest.mark.parametrize("locked", [False, True])
def test_who_is_let_in_during_a_sync_stays_and_can_be_locked_out(
    world: World, tablet: Device, locked: bool
) -> None:
    if locked:
        tablet.lock()

    def let_in() -> None:
        tablet.lock()
        tablet.unlock(PASSPHRASE)

    while_the_server_answers(world, let_in)
    report = tablet.sync()
    assert (report.outcome, report.error and report.error.code) == (
        SyncOutcome.PARTIAL,
        "overtaken",
    )
    assert not tablet.status().locked
    with tablet.session("clinic") as session:
        assert session.search(family="Okafor")
        tablet.lock()
        with pytest.raises(AccessClosed, match="locked"):
            session.search(family="Okafor")
    tablet.unlock(PASSPHRASE)
    assert tablet.sync().outcome is SyncOutcome.COMPLETE


def test_a_wipe_that_comes_while_somebody_is_let_in_reaches_their_session(
    world: World, tablet: Device
) -> None:
    tablet.lock()
    world.authority.order("d-1", "wipe")
    while_the_server_answers(world, lambda: tablet.unlock(PASSPHRASE))
    tablet.sync()
    with tablet.session("clinic") as session:
        assert session.search(family="Okafor"), "the order has not been obeyed yet"
        assert tablet.sync().wiped
        with pytest.raises(AccessClosed, match="wiped"):
            session.search(family="Okafor")


def test_a_passphrase_that_is_changed_during_a_sync_stays_changed(
    world: World, tablet: Device
) -> None:
    def change() -> None:
        tablet.lock()
        tablet.unlock(PASSPHRASE)
        tablet.change_passphrase(PASSPHRASE, NEW)

    while_the_server_answers(world, change)
    tablet.sync()
    tablet.close()
    world.open(passphrase=NEW).close()


def test_what_is_locked_during_a_sync_is_delivered_and_not_renewed(
    world: World, tablet: Device
) -> None:
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    while_the_server_answers(world, tablet.lock)
    report = tablet.sync()
    assert (report.outcome, report.edits_sent, report.lease_renewed) == (
        SyncOutcome.DELIVERED,
        1,
        False,
    )
    assert tablet.status().locked


def test_a_sync_writes_nothing_to_the_folder_of_a_device_that_was_closed(
    world: World, tablet: Device
) -> None:
    """Another process may have it open by then."""
    stood: list[dict[Path, bytes]] = []

    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in world.home().rglob("*") if path.is_file()}

    def close() -> None:
        tablet.close()
        stood.append(contents())

    while_the_server_answers(world, close)
    with pytest.raises(CallerMistake, match="device-closed"):
        tablet.sync()
    assert stood == [contents()]


def test_nobody_joins_a_device_that_is_wiped_while_the_server_answers(
    world: World, tablet: Device
) -> None:
    """Another thread syncs it meanwhile: no keys are made where the receipt says that none are."""
    code = world.authority.invite("p-new", "p-west")

    def wiped() -> None:
        world.authority.order("d-1", "wipe")
        assert tablet.sync().wiped

    while_the_server_answers(world, wiped)
    with pytest.raises(AccessClosed, match="wiped"):
        tablet.join(code, passphrase=NEW)
    left = {path.name for path in world.home().rglob("*") if path.is_file()}
    assert left == {"lock", "wipe"}
