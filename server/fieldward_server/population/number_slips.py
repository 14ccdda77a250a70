"""What becomes of a birth date or a postcode by one slip: every way there is, rule by rule.

Birth dates come and go as records write them. They are mistyped as people in England type them, day
first and without zeros in front; what could not be a child's is left out, for whoever types it sees
it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from fieldward_server.population import name_slips
from fieldward_server.population.days import REFERENCE_DATE
from fieldward_sync.matching.birth_dates import BirthDate
from fieldward_sync.matching.query import MAX_AGE

_TEENS = ((4, 14), (6, 16), (7, 17), (8, 18), (9, 19), (13, 30))
_HEARD_NUMBERS = (*_TEENS, (5, 9))
_HEARD_MONTHS = ((6, 7),)
_HEARD_LETTERS = ("BCDEGPTV", "AHJK", "MN", "FSX", "IY", "QU")
"""Letters whose names are heard alike."""


# --- Birth dates -------------------------------------------------------------------------------


def mistyped_date(rule: Callable[[str], Iterator[str]]) -> Callable[[str], Iterator[str]]:
    """A rule of typing (``name_slips``), for birth dates."""

    def mistyped(born: str) -> Iterator[str]:
        for year, month, day in _whole(born):
            yield from _childrens(rule(f"{day}/{month}/{year}"))

    return mistyped


def misheard_date(born: str) -> Iterator[str]:
    """A day or a year heard as another (-teen and -ty, five and nine); June and July."""
    for year, month, day in _whole(born):
        century, short = divmod(year, 100)
        yield from _childrens(f"{other}/{month}/{year}" for other in _heard(day, _HEARD_NUMBERS))
        yield from _childrens(f"{day}/{other}/{year}" for other in _heard(month, _HEARD_MONTHS))
        yield from _childrens(
            f"{day}/{month}/{century * 100 + other}" for other in _heard(short, _HEARD_NUMBERS)
        )


def day_for_month(born: str) -> Iterator[str]:
    """Day and month exchanged, where both can be either."""
    for year, month, day in _whole(born):
        yield from _childrens([f"{month}/{day}/{year}"])


def digits_exchanged(born: str) -> Iterator[str]:
    """The two digits of the day or of the month exchanged, or the last two of the year."""
    for at in (2, 5, 8):
        yield from _childrens([born[:at] + born[at : at + 2][::-1] + born[at + 2 :]])


def without_day(born: str) -> Iterator[str]:
    """Year and month alone."""
    yield born[:7]


def _whole(born: str) -> Iterator[tuple[int, int, int]]:
    """Year, month and day, if all three are there."""
    read = BirthDate.read(born)
    if read is not None and read.is_whole:
        yield read.year, read.month, read.day


def _heard(number: int, alike: tuple[tuple[int, int], ...]) -> Iterator[int]:
    for one, other in alike:
        if number == one:
            yield other
        elif number == other:
            yield one


def _childrens(texts: Iterable[str]) -> Iterator[str]:
    """Those of them that are whole dates of a child's birth, as records write them."""
    for text in texts:
        read = BirthDate.read(text)
        earliest = REFERENCE_DATE.replace(year=REFERENCE_DATE.year - MAX_AGE).isoformat()
        if (
            read is not None
            and read.is_whole
            and earliest <= read.iso <= REFERENCE_DATE.isoformat()
        ):
            yield read.iso


# --- Postcodes ---------------------------------------------------------------------------------


def misheard_postcode(postcode: str) -> Iterator[str]:
    """A letter heard as another; five and nine."""
    for at, character in enumerate(postcode):
        for alike in (*_HEARD_LETTERS, "59"):
            if character in alike:
                for other in alike.replace(character, ""):
                    yield postcode[:at] + other + postcode[at + 1 :]


def capitals(rule: Callable[[str], Iterator[str]]) -> Callable[[str], Iterator[str]]:
    """A rule of typing (``name_slips``), for postcodes: nobody cares for small letters in them."""

    def mistyped(postcode: str) -> Iterator[str]:
        return (each.upper() for each in rule(postcode))

    return mistyped


def characters_exchanged(postcode: str) -> Iterator[str]:
    """Two characters beside each other exchanged, the blank between the halves apart."""
    compact, blank = postcode.replace(" ", ""), postcode.find(" ")
    for at, (one, other) in enumerate(pairwise(compact)):
        changed = compact[:at] + other + one + compact[at + 2 :]
        yield f"{changed[:blank]} {changed[blank:]}" if blank >= 0 else changed


def district_alone(postcode: str) -> Iterator[str]:
    """Its first half."""
    yield postcode.partition(" ")[0]


_TYPING = (
    name_slips.neighbouring_key,
    name_slips.left_out,
    name_slips.doubled,
    name_slips.added,
)
MISTYPED_DATES = tuple(mistyped_date(rule) for rule in _TYPING)
MISTYPED_POSTCODES = tuple(capitals(rule) for rule in _TYPING)
