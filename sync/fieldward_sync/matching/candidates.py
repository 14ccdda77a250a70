"""From the records that some look-ups found to those that are worth being ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

MAX_CANDIDATES = 48
SPREAD_BITS = 16.0
"""What looks this much less likely than the best from its keys alone is not compared."""
TIE_BITS = 1.0

Found = TypeVar("Found", int, str)


def choose(scores: Mapping[Found, float]) -> tuple[list[Found], bool]:
    """The records worth comparing, at most ``MAX_CANDIDATES``, and whether there are so many as
    good as the best that comparing a few of them would say nothing of the others.

    Of equals, the lower id or number is chosen: every search for the same finds the same.
    """
    if not scores:
        return [], False
    best = max(scores.values())
    least = best - SPREAD_BITS
    near = sorted([record for record, score in scores.items() if score >= least])
    near.sort(key=scores.__getitem__, reverse=True)
    chosen, left = near[:MAX_CANDIDATES], near[MAX_CANDIDATES:]
    return chosen, bool(left) and scores[left[0]] >= best - TIE_BITS
