"""What happens on a national day, and when. ``docs/capacity.md`` says where the figures are from.

Rates are the whole country's: a part of it has its day in as small a part of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from bench.day_load import EDIT, ENQUIRY, LOOK_UP, QUIET, Event

DEVICES = 330_000
SYNCS_A_DEVICE = 4
"""At the start of the day, twice on the way, and at its end."""
LOOK_UPS = 200_000
"""Each is delivered with a sync of its own: the most work that they can make."""
EDITS = 100_000
"""Half of those who looked a child up correct something, and deliver it together."""
ENQUIRIES = 200_000
ENQUIRIES_A_SECOND = 50
"""At the peak."""
HOURS: Mapping[int, int] = {
    7: 6,
    8: 22,
    9: 20,
    10: 8,
    11: 6,
    12: 7,
    13: 6,
    14: 5,
    15: 5,
    16: 7,
    17: 6,
    18: 2,
}
"""What part of the day's requests, of a hundred, falls into which hour."""

_SYNCS = DEVICES * SYNCS_A_DEVICE
_OF_A_DAY = {
    QUIET: _SYNCS - LOOK_UPS,
    LOOK_UP: LOOK_UPS - EDITS,
    EDIT: EDITS,
    ENQUIRY: ENQUIRIES,
}
_HOUR_SECONDS = 3600


def day_events(hours: Mapping[int, int], *, part: float, devices: int) -> Iterator[Event]:
    """A day of a part of the country, in as small a part of its time."""
    chance, begins, seconds = Random(7), 0.0, _HOUR_SECONDS * part
    for share in hours.values():
        a_second = {kind: count * share / 100 / _HOUR_SECONDS for kind, count in _OF_A_DAY.items()}
        yield from _coming_in(a_second, begins, seconds, devices, chance)
        begins += seconds


def busiest_hour(seconds: float, *, times: float, devices: int) -> Iterator[Event]:
    """So many seconds of the busiest hour, at so many times its rate, enquiries at their peak."""
    share = max(HOURS.values()) / 100 / _HOUR_SECONDS
    a_second = {kind: count * share * times for kind, count in _OF_A_DAY.items()}
    a_second[ENQUIRY] = ENQUIRIES_A_SECOND * times
    return _coming_in(a_second, 0.0, seconds, devices, Random(7))


def _coming_in(
    a_second: Mapping[str, float], begins: float, seconds: float, devices: int, chance: Random
) -> Iterator[Event]:
    """They come by themselves, whether or not the last has been answered."""
    kinds, rates = list(a_second), list(a_second.values())
    due = begins + chance.expovariate(sum(rates))
    while due < begins + seconds:
        (kind,) = chance.choices(kinds, rates)
        yield Event(due, kind, chance.randrange(devices))
        due += chance.expovariate(sum(rates))
