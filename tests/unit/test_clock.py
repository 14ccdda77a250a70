"""Trusted time: what a device believes when its clocks disagree (V5, P33)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fieldward_sync.clock import TOLERATED_COLD_STARTS, ClockState, Reading
from fieldward_sync.errors import AccessClosed

NOON = 1_800_000_000
CONTACT = ClockState.at_contact(NOON, Reading(wall=NOON, since_boot=1_000, boot="b1"))


@dataclass(frozen=True)
class Case:
    name: str
    reading: Reading
    trusted: int | None
    """``None``: closed until contact."""


CASES = [
    Case("an hour later", Reading(NOON + 3600, 4_600, "b1"), NOON + 3600),
    Case("asleep for a day", Reading(NOON + 86_400, 87_400, "b1"), NOON + 86_400),
    Case("set back a little", Reading(NOON + 3_400, 4_600, "b1"), NOON + 3_600),
    Case("set back an hour", Reading(NOON, 4_600, "b1"), None),
    Case("set back before a restart", Reading(NOON - 3_600, 10, "b2"), None),
    Case("restarted", Reading(NOON + 60, 10, "b2"), NOON + 60),
    Case("dead battery", Reading(0, 5, "b2"), None),
    Case("set forward a year", Reading(NOON + 31_536_000, 4_600, "b1"), NOON + 31_536_000),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_trusted_time_of(case: Case) -> None:
    if case.trusted is None:
        with pytest.raises(AccessClosed) as closed:
            CONTACT.trusted(case.reading)
        assert closed.value.code == "clock-untrusted"
    else:
        assert CONTACT.trusted(case.reading) == case.trusted


def test_the_mark_never_falls() -> None:
    ahead = CONTACT.advanced(Reading(NOON + 7_200, 1_100, "b1"))
    with pytest.raises(AccessClosed):
        ahead.trusted(Reading(NOON + 200, 1_200, "b1"))
    assert ahead.trusted(Reading(NOON + 7_000, 1_200, "b1")) == NOON + 7_200


def test_many_restarts_without_contact_close_it_and_contact_opens_it() -> None:
    state = CONTACT
    for start in range(TOLERATED_COLD_STARTS - 1):
        state = state.advanced(Reading(NOON + start, 5, f"b{start + 2}"))
    last = Reading(NOON + 60, 5, "the last straw")
    with pytest.raises(AccessClosed):
        state.advanced(last)
    assert ClockState.at_contact(NOON + 90, last).trusted(last) == NOON + 90


def test_a_clock_known_to_be_slow_hides_no_time_that_the_machine_was_off() -> None:
    """Two days slow and three days off: it has passed the mark, and lies behind the true time."""
    days = 86_400
    slow = ClockState.at_contact(NOON, Reading(NOON - 2 * days, 1_000, "b1"))
    assert slow.trusted(Reading(NOON - days, 1_000 + days, "b1")) == NOON + days
    with pytest.raises(AccessClosed, match="clock-untrusted"):
        slow.trusted(Reading(NOON + days, 10, "b2"))


def test_contact_replaces_a_mark_that_ran_ahead() -> None:
    reading = Reading(NOON + 31_536_000, 4_600, "b1")
    ahead = CONTACT.advanced(reading)
    assert ahead.mark == NOON + 31_536_000
    mended = ClockState.at_contact(NOON + 3_600, Reading(NOON + 3_600, 4_600, "b1"))
    assert mended.trusted(Reading(NOON + 3_601, 4_601, "b1")) == NOON + 3_601
