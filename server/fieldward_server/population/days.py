"""Days as whole numbers, and how they are written: records are made of dates."""

from __future__ import annotations

from datetime import date, timedelta

REFERENCE_DATE = date(2026, 9, 30)
"""The day on which the children are 0 to 17 years old."""

TODAY = 20 * 366
"""The reference date as a day number. They count from twenty years before, and none is later."""

YEAR = 365
"""Days, where a day more or less does not matter."""

CHILDHOOD = int(18 * 365.25)
"""Days to the eighteenth birthday."""

_DAYS = tuple(REFERENCE_DATE - timedelta(days=TODAY - number) for number in range(TODAY + 1))

WRITTEN = tuple(day.isoformat() for day in _DAYS)
"""Each day as a record has it."""

ON_A_WEEKDAY = tuple((day - timedelta(days=max(0, day.weekday() - 4))).isoformat() for day in _DAYS)
"""The same, or the Friday before a weekend."""

_SCHOOL_YEARS = tuple(
    (date(year, 9, 2) - REFERENCE_DATE).days + TODAY for year in range(2000, 2040)
)


def _starts_school(day: date) -> int:
    turns_four_by_september = day.month < 9
    return _SCHOOL_YEARS[day.year - 2000 + (4 if turns_four_by_september else 5)]


STARTS_SCHOOL = tuple(_starts_school(day) for day in _DAYS)
"""For each day of birth, the September in which reception begins: the first after turning four.

A day number too, which may lie in the future."""
