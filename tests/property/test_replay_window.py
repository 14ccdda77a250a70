"""The window of request counters, against the set it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fieldward_server.services.authentication import (
    EMPTY_WINDOW,
    WINDOW,
    NotAuthenticated,
    window_with,
)


@dataclass(frozen=True)
class Signer:
    counter_high: int
    counter_window: bytes


@given(st.lists(st.integers(1, 300) | st.just(2**52)))
def test_a_counter_is_taken_once_and_only_within_the_window(counters: list[int]) -> None:
    high, window = 0, EMPTY_WINDOW
    spent: set[int] = set()
    for counter in counters:
        new = counter not in spent and counter >= high - WINDOW
        taken = True
        try:
            high, window = window_with(Signer(high, window), counter)
        except NotAuthenticated:
            taken = False
        assert taken is new
        spent |= {counter} if taken else set[Any]()
