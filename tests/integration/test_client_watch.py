"""What closes by itself: the idle lock, the lease's end within a second, and the countdown (V4,
invariant 3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from client_world import PASSPHRASE, PHONE, World
from fieldward_client import AccessClosed, Device, DeviceEvent, HttpAnswer, LeaseState, SyncOutcome
from fieldward_client.copies.store import Store
from fieldward_client.enrolled.watch import ThreadTimer
from fieldward_client.wire.guard import Guard
from fieldward_sync.access import Access
from hand_timer import YEARS

HOUR = 3_600


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


@pytest.fixture
def tablet(world: World) -> Device:
    """A device with a copy that is open in memory."""
    world.ready().close()
    device = world.open()
    look_up(device)
    return device


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Store]:
    """The stores that were dropped from memory."""
    found: list[Store] = []
    really = Store.close

    def close(store: Store) -> None:
        found.append(store)
        really(store)

    monkeypatch.setattr(Store, "close", close)
    return found


def look_up(device: Device) -> None:
    with device.session("clinic") as session:
        assert session.search(family="Okafor")


def told(world: World) -> list[tuple[str, str, int]]:
    return [(event.kind, event.code, event.seconds_left) for event in world.events]


# --- Idle ---------------------------------------------------------------------------------------


def idle_after(world: World, *, lease: int, own: int = YEARS) -> Device:
    world.authority.terms = replace(world.authority.terms, idle_seconds=lease)
    world.ready().close()
    return Device.open(
        world.home(),
        passphrase=PASSPHRASE,
        clock=world.clock,
        transport=world.authority,
        timer=world.timer,
        observer=world.events.append,
        lock_after_seconds=own,
    )


@pytest.mark.parametrize(("lease", "own"), [(600, YEARS), (YEARS, 600), (600, 900), (900, 600)])
def test_a_device_that_nobody_uses_locks_itself_after_the_shorter_time(  # P39
    world: World, closed: list[Store], lease: int, own: int
) -> None:
    device = idle_after(world, lease=lease, own=own)
    closed.clear()
    with device.session("clinic") as session:
        session.search(family="Okafor")
        child = session.open("r-ada")
        world.clock.advance(seconds=599)
        world.timer.tick()
        assert not device.status().locked
        assert closed == []
        world.clock.advance(seconds=1)
        world.timer.tick()
        assert len(closed) == 1
        with pytest.raises(AccessClosed, match="locked itself") as refused:
            session.search(family="Okafor")
        assert (refused.value.code, bool(refused.value.next_step)) == ("locked", True)
        with pytest.raises(AccessClosed, match="locked"):
            child.edit(PHONE, "07700 900123")
    assert device.status().locked
    assert told(world)[-1] == ("locked", "locked", 0)
    with pytest.raises(AccessClosed, match="locked"):
        device.session("clinic")
    device.unlock(PASSPHRASE)
    look_up(device)


def has_an_open_epoch(device: Device) -> bool:
    return not device._installation.journal.is_sealed


def locked_by_hand(world: World, device: Device) -> None:
    device.lock()


def left_alone(world: World, device: Device) -> None:
    world.clock.advance(seconds=600)
    world.timer.tick()


@pytest.mark.parametrize("happens", [locked_by_hand, left_alone])
def test_a_lock_closes_the_journals_epoch(
    world: World, happens: Callable[[World, Device], None]
) -> None:
    """U3: what was looked up before it cannot be made again by whoever finds the device."""
    device = idle_after(world, lease=600)
    look_up(device)
    assert has_an_open_epoch(device)
    happens(world, device)
    assert device.status().locked
    assert not has_an_open_epoch(device)
    device.unlock(PASSPHRASE)
    look_up(device)
    assert device.sync().look_ups_sent == 2


def test_the_idle_time_is_judged_at_each_call_and_not_only_by_the_timer(world: World) -> None:
    """A tablet that slept for an hour is asked before its timer has run."""
    device = idle_after(world, lease=600)
    with device.session("clinic") as session:
        session.search(family="Okafor")
        world.clock.advance(hours=1)
        with pytest.raises(AccessClosed, match="locked"):
            session.open("r-ada")
    world.clock.advance(hours=-1)
    assert device.status().locked


@pytest.mark.parametrize("used", ["search", "edit", "still_here"])
def test_use_puts_off_the_lock(world: World, used: str) -> None:
    device = idle_after(world, lease=600)
    with device.session("clinic") as session:
        child = session.open("r-ada")
        for number in range(4):
            world.clock.advance(seconds=500)
            if used == "search":
                session.search(family="Okafor")
            elif used == "edit":
                child.edit(PHONE, f"07700 90012{number}")
            else:
                device.still_here()
            world.timer.tick()
    assert not device.status().locked


def test_neither_a_sync_nor_a_drawn_frame_is_use(world: World) -> None:
    device = idle_after(world, lease=600)
    for _ in range(4):
        world.clock.advance(seconds=200)
        device.sync()
        device.status()
        device.pending()
    assert device.status().locked
    assert device.sync().outcome is SyncOutcome.DELIVERED


def test_no_wall_clock_puts_off_the_lock(world: World) -> None:
    device = idle_after(world, lease=600)
    world.clock.wall_is_off_by = -300
    world.clock.advance(seconds=600)
    world.timer.tick()
    assert device.status().locked


# --- The lease's end ----------------------------------------------------------------------------


def test_what_is_open_is_dropped_at_the_leases_end_without_a_call(
    world: World, tablet: Device, closed: list[Store]
) -> None:
    lease = tablet.status().lease
    assert lease is not None
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    world.clock.true_time = lease.closes - 1
    world.timer.tick()
    assert closed == []
    world.clock.true_time = lease.closes
    world.timer.tick()
    assert len(closed) == 1
    assert told(world)[-1] == ("closed", "lease-over", 0)
    with tablet.session("clinic") as session, pytest.raises(AccessClosed, match="lease-over"):
        session.search(family="Okafor")
    fetched = [line for line in world.authority.log if "GET" in line]
    report = tablet.sync()
    assert (report.outcome, report.edits_sent) == (SyncOutcome.COMPLETE, 1)
    look_up(tablet)
    assert [line for line in world.authority.log if "GET" in line] == fetched
    world.timer.tick()
    assert told(world)[-1] == ("renewed", "", 0)


def test_after_the_leases_end_a_device_that_gets_no_other_still_delivers(
    world: World, tablet: Device
) -> None:
    with tablet.session("clinic") as session:
        session.open("r-ada").edit(PHONE, "07700 900123")
    world.authority.devices["d-1"].access = Access.PAUSED
    world.clock.advance(days=3)
    world.timer.tick()
    assert tablet.sync().edits_sent == 1
    assert world.authority.value("r-ada", PHONE) == "07700 900123"


def test_a_clock_set_back_drops_what_is_open(
    world: World, tablet: Device, closed: list[Store]
) -> None:
    world.clock.wall_is_off_by = -301
    world.timer.tick()
    assert len(closed) == 1
    assert told(world)[-1] == ("closed", "clock-untrusted", 0)


def test_a_lease_that_ends_while_the_server_answers_closes_the_copy(
    world: World, tablet: Device, closed: list[Store]
) -> None:
    """The watch does not wait for a slow network."""
    world.authority.lease_refused = "vetting-over"

    def slowly(answer: HttpAnswer) -> HttpAnswer:
        world.clock.advance(days=3)
        world.timer.tick()
        assert len(closed) == 1
        return answer

    world.authority.tampers = slowly
    assert tablet.sync().outcome is SyncOutcome.PARTIAL


# --- The countdown ------------------------------------------------------------------------------


def test_the_countdown_begins_at_half_life_and_is_told_in_steps(
    world: World, tablet: Device
) -> None:
    lease = tablet.status().lease
    assert lease is not None
    half = (lease.issued + lease.closes) // 2
    assert lease.counts_down is False
    for at in (half - 1, half, half + 1, half + HOUR, lease.warns, lease.closes - 90):
        world.clock.true_time = at
        world.timer.tick()
        shown = tablet.status().lease
        assert shown is not None
        assert shown.counts_down == (at >= half)
        assert shown.seconds_left == lease.closes - at
    world.clock.true_time = lease.closes - 59
    world.timer.tick()
    assert told(world) == [
        ("countdown", "", 36 * HOUR),
        ("countdown", "", 36 * HOUR - 1),
        ("warning", "", 18 * HOUR),
        ("warning", "", 90),
        ("warning", "", 59),
    ]
    world.clock.true_time = lease.closes
    shown = tablet.status().lease
    assert shown is not None
    assert (shown.state, shown.seconds_left) == (LeaseState.EXPIRED, 0)


def test_an_observer_may_call_the_device(world: World) -> None:
    world.ready().close()
    stood: list[bool] = []

    def observe(event: DeviceEvent) -> None:
        stood.append(device.status().locked)
        device.lock()

    device = Device.open(
        world.home(),
        passphrase=PASSPHRASE,
        clock=world.clock,
        transport=world.authority,
        timer=world.timer,
        observer=observe,
        lock_after_seconds=YEARS,
    )
    world.clock.advance(hours=40)
    world.timer.tick()
    assert stood == [False]
    assert device.status().locked
    assert world.timer.calls == []


# --- The timer's thread -------------------------------------------------------------------------


def watchers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "fieldward-watch"]


def test_a_thread_watches_an_unlocked_device_and_none_is_left_behind(
    world: World, closed: list[Store]
) -> None:
    world.ready().close()
    closed.clear()
    assert watchers() == []
    done = threading.Event()
    device = Device.open(
        world.home(),
        passphrase=PASSPHRASE,
        clock=world.clock,
        transport=world.authority,
        timer=ThreadTimer(),
        observer=lambda event: done.set(),
        lock_after_seconds=YEARS,
    )
    look_up(device)
    assert len(watchers()) == 1
    world.clock.advance(days=3)
    assert done.wait(30)
    assert len(closed) == 1
    device.lock()
    assert watchers() == []
    device.unlock(PASSPHRASE)
    assert len(watchers()) == 1
    device.close()
    assert watchers() == []


def test_an_observer_that_fails_is_reported_and_the_watch_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    twice = threading.Semaphore(0)

    def fail() -> None:
        twice.release()
        raise ValueError

    end = ThreadTimer().repeat(fail)
    assert twice.acquire(timeout=30)
    assert twice.acquire(timeout=30)
    end()
    assert reported[0].exc_type is ValueError


def test_a_guard_is_one_threads_at_a_time_and_can_be_laid_down() -> None:
    guard, order = Guard(), []

    def other() -> None:
        with guard.held():
            order.append("other")

    thread = threading.Thread(target=other)
    with guard.held(), guard.held():
        thread.start()
        time.sleep(0.05)
        order.append("first")
        with guard.laid_down():
            thread.join()
        order.append("again")
    assert order == ["first", "other", "again"]
