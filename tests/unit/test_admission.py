"""The line for first syncs and large downloads."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from fieldward_server.admission import (
    GRACE_SECONDS,
    LONGEST_WAIT_SECONDS,
    TURN_SECONDS,
    Place,
    WaitingLine,
)
from fieldward_sync.problems import Crowded

KEY = bytes(range(32))


@dataclass
class Clock:
    seconds: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Rush:
    """A line of two places, and a clock moved by hand."""

    places: int = 2
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.line = self.another_worker()

    def another_worker(self, key: bytes = KEY) -> WaitingLine:
        return WaitingLine(self.places, key, now=self.clock)

    def refused(self, turn: str = "") -> Crowded:
        with pytest.raises(Crowded) as told:
            self.line.enter(turn)
        return told.value

    def full(self) -> list[Place]:
        return [self.line.enter() for _ in range(self.places)]


def test_there_are_so_many_places_and_each_that_is_left_is_free_again() -> None:
    rush = Rush()
    first, _ = rush.full()
    told = rush.refused()
    first.leave()
    first.leave()
    rush.line.enter(told.turn)
    rush.refused(told.turn)


def test_who_was_told_to_wait_comes_before_a_newcomer() -> None:
    rush = Rush()
    first, second = rush.full()
    waiting = [rush.refused() for _ in range(2)]
    first.leave()
    second.leave()
    newcomer = rush.refused()
    rush.clock.seconds += waiting[0].after_seconds
    for told in waiting:
        rush.line.enter(told.turn)
    rush.refused(newcomer.turn)


def test_a_newcomer_takes_a_place_that_nobody_who_waits_will_need() -> None:
    rush = Rush(places=3)
    inside = rush.full()
    told = rush.refused()
    for place in inside:
        place.leave()
    rush.line.enter()
    rush.line.enter()
    rush.refused()
    rush.line.enter(told.turn)


def test_those_who_asked_earlier_come_first_however_often_they_were_told_to_wait() -> None:
    rush = Rush(places=1)
    (held,) = rush.full()
    early = rush.refused()
    rush.clock.seconds += 1
    late = rush.refused()
    for _ in range(5):
        rush.clock.seconds += 1
        early, late = rush.refused(early.turn), rush.refused(late.turn)
    held.leave()
    rush.refused(late.turn)
    rush.line.enter(early.turn)


def test_who_does_not_come_back_holds_nobody_up() -> None:
    rush = Rush(places=1)
    (held,) = rush.full()
    told = rush.refused()
    held.leave()
    rush.clock.seconds += told.after_seconds + GRACE_SECONDS - 0.5
    assert rush.refused().after_seconds
    rush.clock.seconds += 1
    newcomer = rush.refused()  # behind the other newcomer, who is still expected
    rush.clock.seconds += newcomer.after_seconds + GRACE_SECONDS + 1
    rush.line.enter()


def test_a_turn_is_good_at_every_worker_and_of_no_use_with_another_key() -> None:
    rush = Rush(places=1)
    rush.full()
    told = rush.refused()
    rush.clock.seconds += 1
    for key, comes_first in ((KEY, True), (bytes(32), False)):
        worker = rush.another_worker(key)
        held = worker.enter()
        with pytest.raises(Crowded) as newcomer:
            worker.enter()
        held.leave()
        rush.clock.seconds += 1
        if comes_first:
            worker.enter(told.turn)
        else:
            with pytest.raises(Crowded):
                worker.enter(told.turn)
            worker.enter(newcomer.value.turn)


@pytest.mark.parametrize(
    "turn", ["", "1", "1.2.x", f"1800000000.1800000001.{'0' * 32}", "\u0661.2.3"]
)
def test_a_turn_that_nobody_gave_out_is_none(turn: str) -> None:
    rush = Rush(places=1)
    (held,) = rush.full()
    rush.refused()
    held.leave()
    rush.refused(turn)


def test_a_turn_is_not_good_for_ever_nor_before_its_time() -> None:
    rush = Rush(places=1)
    (held,) = rush.full()
    old = rush.refused()
    rush.clock.seconds += TURN_SECONDS + 1
    early = rush.refused()
    rush.clock.seconds += 1
    held.leave()
    rush.refused(old.turn)
    rush.line.enter(early.turn)
    rush.clock.seconds -= TURN_SECONDS  # the clock was put back
    rush.refused(early.turn)


def test_the_wait_is_half_of_what_those_before_will_take_and_never_too_long() -> None:
    rush = Rush(places=2)
    for _ in range(40):
        place = rush.line.enter()
        rush.clock.seconds += 10
        place.leave()
    rush.full()
    waits = [rush.refused().after_seconds for _ in range(60)]
    assert waits[:4] == [3, 5, 8, 10]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_the_wait_grows_with_how_long_those_inside_have_been() -> None:
    rush = Rush(places=1)
    rush.full()
    assert rush.refused().after_seconds == 1
    rush.clock.seconds += 20
    assert rush.refused().after_seconds >= 10


def test_what_is_kept_does_not_grow_with_the_devices_that_wait() -> None:
    rush = Rush(places=1)
    rush.full()
    for _ in range(200):
        rush.clock.seconds += 1
        for _ in range(100):
            rush.refused()
    assert len(rush.line._out) <= LONGEST_WAIT_SECONDS * (LONGEST_WAIT_SECONDS + GRACE_SECONDS)


def test_hundreds_are_all_let_in_in_the_order_in_which_they_asked() -> None:
    """Each second ten more ask; each place is held for half a second; all do as they are told."""
    rush = Rush(places=4)
    let_in: list[int] = []
    asking = [(rush.clock.seconds + each // 10, each, "") for each in range(300)]
    inside: list[tuple[float, Place]] = []
    while asking:
        asking.sort()
        at, each, turn = asking.pop(0)
        for until, place in [*inside]:
            if until <= at:
                rush.clock.seconds = max(rush.clock.seconds, until)
                place.leave()
                inside.remove((until, place))
        rush.clock.seconds = max(rush.clock.seconds, at)
        try:
            inside.append((at + 0.5, rush.line.enter(turn)))
            let_in.append(each)
        except Crowded as told:
            asking.append((at + told.after_seconds + each % 7 / 7, each, told.turn))
    assert sorted(let_in) == list(range(300))
    overtaken = max(abs(place - each) for place, each in enumerate(let_in))
    assert overtaken <= 60
