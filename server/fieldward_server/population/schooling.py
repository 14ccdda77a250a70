"""The school a child goes to."""

from __future__ import annotations

from fieldward_server.population.days import ON_A_WEEKDAY, STARTS_SCHOOL, TODAY, YEAR
from fieldward_server.population.draws import Draw, between
from fieldward_server.population.homes import Home

_PRIMARY = 7 * YEAR + 2
"""Days from the first in reception to the first in secondary school, within a day."""


def school_of(born: int, home: Home, *, draw: Draw) -> dict[str, str] | None:
    """The school of a child's age near home, and since when; ``None`` before school, or at home."""
    starts = STARTS_SCHOOL[born]
    nursery = starts - YEAR
    if nursery > TODAY or draw() < 0.01:
        return None
    if starts > TODAY and draw() < 0.6:
        return None
    secondary = starts + _PRIMARY
    school = home.secondary if secondary <= TODAY else home.primary
    since = max(day for day in (nursery, starts, secondary) if day <= TODAY)
    if home.moved and home.moved.on > since:
        since = home.moved.on
    elif draw() < 0.04:
        since = between(draw, since, TODAY)
    return {**school, "since": ON_A_WEEKDAY[since]}
