"""Trusted time on the device: what is remembered, and when (V5, P33)."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from device_clock import NOON, DeviceClock
from fieldward_client import AccessClosed, SystemClock
from fieldward_client.disk.clock import REMEMBER_SECONDS, STATE, TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_sync.clock import ClockState, Reading


@pytest.fixture
def clock() -> DeviceClock:
    return DeviceClock()


@pytest.fixture
def folder(tmp_path: Path, clock: DeviceClock) -> Folder:
    made = Folder(tmp_path)
    TrustedClock.start(made, clock, NOON)
    return made


def test_a_crash_gives_back_five_minutes_at_most(folder: Folder, clock: DeviceClock) -> None:
    trusted = TrustedClock(folder, clock)
    for _ in range(100):
        clock.advance(seconds=60)
        assert trusted.now() == clock.true_time
    clock.wall_is_off_by = -3_600
    clock.restart()
    with pytest.raises(AccessClosed, match="clock-untrusted"):
        TrustedClock(folder, clock).now()
    clock.wall_is_off_by = -REMEMBER_SECONDS
    assert TrustedClock(folder, clock).now() >= clock.true_time - REMEMBER_SECONDS


def test_the_time_is_known_where_no_file_can_be_opened_any_more() -> None:  # invariant 3
    clock, limits = SystemClock(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        reading = clock.reading()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert reading.boot == SystemClock().reading().boot


def test_what_is_stored_already_is_not_stored_again(
    folder: Folder, clock: DeviceClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, stored = TrustedClock(folder, clock), list[str]()
    monkeypatch.setattr(Folder, "store", lambda _, name, message: stored.append(name))
    trusted.contact(clock.true_time, clock.reading())
    trusted.remember()
    assert stored == []
    clock.advance(seconds=1)
    trusted.contact(clock.true_time, clock.reading())
    trusted.remember()
    assert stored == [STATE]


def test_an_answers_time_is_stored_at_once_where_a_crash_would_give_back_too_much(
    folder: Folder, clock: DeviceClock
) -> None:
    """Invariant 3: a lease that came beside it is not read for longer than it says."""
    trusted = TrustedClock(folder, clock)
    before = folder.load(STATE, ClockState)
    for ahead in (REMEMBER_SECONDS, -REMEMBER_SECONDS):
        trusted.answered(NOON + ahead, clock.reading())
        assert trusted.now() == NOON + ahead
        assert folder.load(STATE, ClockState) == before
    for ahead in (REMEMBER_SECONDS + 1, 0):
        trusted.answered(NOON + ahead, clock.reading())
        assert TrustedClock(folder, clock).now() == NOON + ahead
    clock.restart()
    trusted.answered(NOON, clock.reading())
    stored = folder.load(STATE, ClockState)
    assert stored is not None
    assert stored.cold_starts == 0


def test_what_is_not_stored_yet_is_stored_beside_the_next(
    folder: Folder, clock: DeviceClock, tmp_path: Path
) -> None:
    trusted, beside = TrustedClock(folder, clock), ClockState.at_contact(1, clock.reading())
    trusted.answered(NOON + 60, clock.reading())
    trusted.store_beside("another", beside)
    assert folder.load("another", ClockState) == beside
    assert TrustedClock(folder, clock).now() == NOON + 60
    (tmp_path / STATE).unlink()
    trusted.store_beside("another", beside)
    assert folder.read(STATE) is None, "it was stored already"


def test_every_start_of_the_machine_is_counted_once(folder: Folder, clock: DeviceClock) -> None:
    for _ in range(19):
        clock.restart()
        clock.advance(seconds=10)
        for _ in range(3):
            TrustedClock(folder, clock).now()
    clock.restart()
    with pytest.raises(AccessClosed, match="20 times"):
        TrustedClock(folder, clock).now()
    TrustedClock(folder, clock).contact(clock.true_time, clock.reading())
    assert TrustedClock(folder, clock).now() == clock.true_time


def test_a_clock_that_is_slow_is_not_one_that_was_set_back(
    folder: Folder, clock: DeviceClock
) -> None:
    """A tablet whose battery died says 1970: contact must open it, not only a repaired clock."""
    clock.wall_is_off_by = -NOON + 100
    trusted = TrustedClock(folder, clock)
    with pytest.raises(AccessClosed):
        trusted.now()
    trusted.contact(clock.true_time, clock.reading())
    clock.advance(hours=5)
    assert trusted.now() == clock.true_time
    clock.wall_is_off_by -= 3_600
    with pytest.raises(AccessClosed):
        trusted.now()
    clock.wall_is_off_by = 0
    assert trusted.now() == clock.true_time


def test_without_its_memory_time_is_not_trusted(folder: Folder, clock: DeviceClock) -> None:
    folder.remove(STATE)
    trusted = TrustedClock(folder, clock)
    with pytest.raises(AccessClosed, match="clock-untrusted"):
        trusted.now()
    trusted.remember()
    trusted.contact(NOON, clock.reading())
    assert trusted.now() == NOON


def test_requests_are_signed_with_the_likeliest_time(folder: Folder, clock: DeviceClock) -> None:
    clock.wall_is_off_by = 86_400
    assert TrustedClock(folder, clock).estimate() == clock.true_time
    clock.restart()
    assert TrustedClock(folder, clock).estimate() == clock.true_time + 86_400


def test_the_machines_own_clocks_can_be_read() -> None:
    first, second = SystemClock().reading(), SystemClock().reading()
    assert first.boot == second.boot != ""
    assert 0 < first.since_boot <= second.since_boot
    assert ClockState.at_contact(NOON, Reading(NOON, 0, "b")).trusted(Reading(NOON, 0, "b")) == NOON


def test_time_asleep_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """``CLOCK_MONOTONIC`` stands still in a suspended machine."""
    said = {time.CLOCK_BOOTTIME: 90_000, time.CLOCK_MONOTONIC: 3_600}
    monkeypatch.setattr(time, "clock_gettime", said.__getitem__)
    assert SystemClock().reading().since_boot == 90_000


@pytest.mark.parametrize("zone", ["Europe/London", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_time_of_day_where_one_is_does_not_count(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        there = SystemClock().reading().wall
    time.tzset()
    assert 0 <= SystemClock().reading().wall - there <= 60


def test_a_fast_clock_that_contact_has_told_of_is_not_taken_for_the_time(
    folder: Folder, clock: DeviceClock
) -> None:
    """Else each sync would bring a lease that is over at once."""
    clock.wall_is_off_by = 366 * 86_400
    trusted = TrustedClock(folder, clock)
    assert trusted.now() == clock.reading().wall
    trusted.contact(clock.true_time, clock.reading())
    clock.advance(hours=5)
    assert trusted.now() == clock.true_time
    clock.wall_is_off_by += 3_600
    assert trusted.now() == clock.true_time + 3_600
    clock.restart()
    assert TrustedClock(folder, clock).now() == clock.reading().wall, "for want of better knowledge"
