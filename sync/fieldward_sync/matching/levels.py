"""How far what is remembered agrees with what is recorded: the words in which a hit says why."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Level(StrEnum):
    """Agreement of one field, the closest first."""

    EXACT = "exact"
    SPELLING = "known-spelling"
    """A short form, another spelling of the same name, or the same letters parted otherwise."""
    PART = "part"
    """All that was asked for is there, or the other way round, and one of both says more."""
    SOUND = "sounds-alike"
    SWAPPED = "swapped"
    """Day and month, or family and given name, exchanged."""
    FORMER = "former"
    """A name that the child had before."""
    SLIP = "one-slip"
    """One letter or digit wrong, missing, too many, or two neighbours exchanged; a year away."""
    BEGINNING = "beginning"
    SIMILAR = "similar"
    """Two slips in a long word; two of day, month and year; the same postcode district."""
    SHARED = "one-in-common"
    """Of several words one agrees."""
    DIFFERENT = "different"


LEVELS = tuple(Level)
"""The closest first."""

CLOSENESS = {level: place for place, level in enumerate(LEVELS)}


def closest(levels: Iterable[Level]) -> Level:
    """The closest of these."""
    return min(levels, key=CLOSENESS.__getitem__)


def farthest(levels: Iterable[Level]) -> Level:
    """The least close of these."""
    return max(levels, key=CLOSENESS.__getitem__)
