"""Postcodes, whole or in part, as they are remembered. All are compact: ``M145AB``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

INWARD_CHARACTERS = 3

_WHOLE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}")
_PART = re.compile(r"[A-Z]{1,2}(?:[0-9][0-9A-Z]?(?:[0-9][A-Z]?)?)?")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"


def is_part(place: str) -> bool:
    """Whether this begins a postcode; all else counts as a whole one, slips and all."""
    return _PART.fullmatch(place) is not None


def outward(postcode: str) -> str:
    """The half of a whole postcode that names the district."""
    return postcode[:-INWARD_CHARACTERS]


def near_postcodes(postcode: str) -> tuple[str, ...]:
    """The well-formed postcodes that this one becomes by one slip: a character wrong, missing, too
    many, or two neighbours exchanged. Without itself."""
    slipped = dict.fromkeys(each for each in _one_slip(postcode) if _WHOLE.fullmatch(each))
    slipped.pop(postcode, None)
    return tuple(slipped)


def near_districts(district: str) -> tuple[str, ...]:
    """The same for the outward half alone."""
    slipped = dict.fromkeys(each for each in _one_slip(district) if _WHOLE.fullmatch(each + "0AA"))
    slipped.pop(district, None)
    return tuple(slipped)


def _one_slip(text: str) -> Iterator[str]:
    for at in range(len(text) + 1):
        before, after = text[:at], text[at:]
        for other in _LETTERS + _DIGITS:
            yield before + other + after[1:]
            yield before + other + after
        yield before + after[1:]
    for first, second in pairwise(range(len(text))):
        yield text[:first] + text[second] + text[first] + text[second + 1 :]
