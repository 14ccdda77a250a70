"""A birth date, whole or in part, as it is remembered, and the dates it may have been meant for."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?|--(\d{1,2})-(\d{1,2})")
_DAY_FIRST = re.compile(r"(?:(\d{1,2})[./ -])?(\d{1,2})[./ -](\d{4})")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_OF_A_LEAP_YEAR = frozenset(
    f"{month:02}{day:02}"
    for month, days in enumerate(_LONGEST_MONTHS, 1)
    for day in range(1, days + 1)
)
_CENTURY = 2
"""Digits of a year about which nobody errs."""

YEARS_AWAY = 9

EARLIEST_YEAR, LATEST_YEAR = 1900, 2199


@dataclass(frozen=True)
class BirthDate:
    """What is remembered of a birth date; 0 stands for what is not."""

    year: int
    month: int
    day: int

    @classmethod
    def read(cls, text: str) -> BirthDate | None:
        """``2021``, ``2021-03``, ``2021-03-14``, ``--03-14`` or, day first, ``14/3/2021`` and
        ``3/2021``; ``None`` for anything else, and for a date that cannot be."""
        if found := _ISO.fullmatch(text):
            year, month, day, only_month, only_day = (int(part or 0) for part in found.groups())
            read = cls(year, month or only_month, day or only_day)
            given = [part for part in found.groups() if part is not None]
        elif found := _DAY_FIRST.fullmatch(text):
            day, month, year = (int(part or 0) for part in found.groups())
            read = cls(year, month, day)
            given = [part for part in found.groups() if part is not None]
        else:
            return None
        return read if all(map(int, given)) and read._can_be() else None

    @property
    def is_whole(self) -> bool:
        """Whether year, month and day are there."""
        return bool(self.year and self.month and self.day)

    @cached_property
    def iso(self) -> str:
        """A whole one, or its beginning, as records write it: ``2021-03``."""
        parts = (f"{self.year:04}", f"{self.month:02}", f"{self.day:02}")
        return "-".join(part for part in parts if int(part))

    def near(self) -> tuple[str, ...]:
        """The dates that a whole one may have been meant for, without itself: one digit wrong, two
        neighbouring digits exchanged, day and month exchanged, or all of day, month or year wrong
        (a year by at most ``YEARS_AWAY``)."""
        whole = f"{self.year:04}{self.month:02}{self.day:02}"
        digits = dict.fromkeys([*_one_slip(whole), *self._two_of_three()])
        digits.pop(whole)
        return tuple(f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in digits if _is_date(d))

    def _two_of_three(self) -> Iterator[str]:
        year, month, day = f"{self.year:04}", f"{self.month:02}", f"{self.day:02}"
        yield year + day + month
        for other in range(1, 32):
            yield f"{year}{month}{other:02}"
        for other in range(1, 13):
            yield f"{year}{other:02}{day}"
        for other in range(self.year - YEARS_AWAY, self.year + YEARS_AWAY + 1):
            yield f"{other:04}{month}{day}"

    def _can_be(self) -> bool:
        if self.year and not EARLIEST_YEAR <= self.year <= LATEST_YEAR:
            return False
        if self.month > 12 or self.day > (_LONGEST_MONTHS[self.month - 1] if self.month else 0):
            return False
        return not self.is_whole or _is_date(f"{self.year:04}{self.month:02}{self.day:02}")


def born_between(age: int, today: date) -> tuple[str, str]:
    """The first and the last birth date, as records write them, of who is so many years old."""
    return _years_before(today, age + 1, days_later=1), _years_before(today, age)


def _years_before(day: date, years: int, *, days_later: int = 0) -> str:
    year = max(1, day.year - years)
    try:
        moved = day.replace(year=year)
    except ValueError:  # the 29th of February
        moved = date(year, 3, 1)
    return date.fromordinal(moved.toordinal() + days_later).isoformat()


def _one_slip(digits: str) -> Iterator[str]:
    for at in range(_CENTURY, len(digits)):
        for other in "0123456789":
            yield digits[:at] + other + digits[at + 1 :]
    for first, second in pairwise(range(_CENTURY, len(digits))):
        yield digits[:first] + digits[second] + digits[first] + digits[second + 1 :]


def _is_date(digits: str) -> bool:
    # Hundreds for one search: by the day's four digits, that is ten times as fast as ``date``.
    year, day = int(digits[:4]), digits[4:]
    if day not in _DAYS_OF_A_LEAP_YEAR or not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return False
    return day != "0229" or isleap(year)
