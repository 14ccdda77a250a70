"""How many enquiries a practitioner may make on a device within a day (design §9, decision 0025).

They are counted on the device's row, which each enquiry changes anyway to spend its counter.
"""

from __future__ import annotations

from fieldward_sync.encoding import Part, pack, unpack
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.names import Count, PractitionerId, Seconds

WINDOW_SECONDS = 24 * 3600
"""Enquiries count together for so long from the first of them."""


class Made(Part, frozen=True):
    """One practitioner's enquiries."""

    since: Seconds
    """When the first of them was made."""
    enquiries: Count


def made(stored: bytes, practitioner: str, *, now: int) -> int:
    """How many of those that still count are somebody's."""
    each = _counting(stored, now=now).get(practitioner)
    return each.enquiries if each else 0


def with_one_more(stored: bytes, practitioner: str, *, now: int) -> bytes:
    """What to store once somebody has made another; what counts no more is left out."""
    counting = _counting(stored, now=now)
    before = counting.get(practitioner, Made(now, 0))
    return pack({**counting, practitioner: Made(before.since, before.enquiries + 1)})


def used_up(limit: int) -> RefusedByServer:
    """What to raise for who has made as many as are allowed."""
    return RefusedByServer(
        "enquiries-used-up",
        f"You have made the {limit} enquiries that are allowed within 24 hours.",
        next_step="Ask again once 24 hours have passed since the first of them. What is on the "
        "device can be looked up meanwhile.",
    )


def _counting(stored: bytes, *, now: int) -> dict[str, Made]:
    every: dict[str, Made] = unpack(dict[PractitionerId, Made], stored) if stored else {}
    return {who: each for who, each in every.items() if now < each.since + WINDOW_SECONDS}
