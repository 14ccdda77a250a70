"""Taking the time by voice where the disk fails at any call."""

from __future__ import annotations

from contextlib import suppress

from crashing import Case, Crash
from fieldward_client import CallerMistake, Device


def with_a_wrong_clock(case: Case) -> Device:
    device = case.world.ready()
    case.world.clock.wall_is_off_by = -24 * 3600
    case.world.authority.offline = True
    return device


def take_the_time(case: Case, device: Device | None) -> None:
    assert device is not None
    code = case.world.authority.time_code("d-1", device.ask_for_time())
    case.shown.append((code, ()))
    device.take_time(code)


def a_code_is_good_once(case: Case) -> None:
    with case.world.open() as device:
        taken = int(device.status().now is not None)
        for code, _ in case.shown * 2:
            with suppress(CallerMistake):
                device.take_time(code)
                taken += 1
        assert taken <= 1
        device.take_time(case.world.authority.time_code("d-1", device.ask_for_time()))
        with device.session("clinic") as session:
            session.open("r-ada")
        case.world.authority.offline = False
        assert device.sync().outcome.value == "complete"


def test_no_failure_makes_a_time_code_good_twice(crash: Crash) -> None:  # invariant 3
    crash.everywhere(with_a_wrong_clock, take_the_time, a_code_is_good_once, least_points=12)
