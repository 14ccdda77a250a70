"""School years in England, and the school a child goes to."""

from __future__ import annotations

import random
from datetime import date, timedelta

from fieldward_server.population.homes import Home

_YEARS_OF_PRIMARY = 7


def starts_school(born: date) -> date:
    """The September in which a child begins reception: the first one after turning four."""
    turns_four_by_september = born.month < 9
    return date(born.year + (4 if turns_four_by_september else 5), 9, 2)


def on_a_weekday(day: date) -> date:
    """The day itself, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def school_of(
    born: date, home: Home, *, reference: date, rng: random.Random
) -> dict[str, str] | None:
    """The school of a child's age near home, and since when; ``None`` before school, or at home."""
    starts = starts_school(born)
    nursery = starts.replace(year=starts.year - 1)
    secondary = starts.replace(year=starts.year + _YEARS_OF_PRIMARY)
    if reference < nursery or rng.random() < 0.01:
        return None
    if reference < starts and rng.random() < 0.6:
        return None
    school = home.secondary if reference >= secondary else home.primary
    since = max(day for day in (nursery, starts, secondary) if day <= reference)
    if rng.random() < 0.06:
        since += timedelta(days=rng.randint(0, (reference - since).days))
    return {"code": school.code, "name": school.name, "since": on_a_weekday(since).isoformat()}
