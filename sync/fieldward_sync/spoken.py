"""Bytes that people print, read out and type: Crockford's base 32 (no I, L, O, U).

Long ones go in groups of four with a fifth that checks them, so that a slip is found in its group
and only that is said again.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from fieldward_sync.errors import CallerMistake

BYTES_AT_ONCE = 5
"""Only whole multiples of it are written: eight characters each, and nothing is left over."""
GROUP_CHARACTERS = 5
"""Of a group: four digits and their check."""

_STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_CROCKFORD = str.maketrans(_STANDARD, _CROCKFORD)
_FROM_CROCKFORD = str.maketrans(_CROCKFORD, _STANDARD)
_AS_MEANT = str.maketrans("ILO", "110")


def written(raw: bytes) -> str:
    """The digits for some bytes, a multiple of ``BYTES_AT_ONCE``."""
    return base64.b32encode(raw).decode().translate(_TO_CROCKFORD)


def as_meant(typed: str) -> str:
    """The digits that somebody meant who typed this: case, blanks, hyphens and I, L, O for 1, 1, 0
    are forgiven."""
    return "".join(typed.split()).replace("-", "").upper().translate(_AS_MEANT)


def read(digits: str) -> bytes:
    """The bytes in so many digits; ``ValueError`` if they cannot be any."""
    if len(digits) % 8 or not set(digits) <= set(_CROCKFORD):
        raise ValueError("not digits of this base 32")
    return base64.b32decode(digits.translate(_FROM_CROCKFORD))


def in_groups(raw: bytes) -> str:
    """Some bytes, a multiple of ``BYTES_AT_ONCE``, in checked groups with hyphens between them."""
    digits, size = written(raw), GROUP_CHARACTERS - 1
    data = [digits[start : start + size] for start in range(0, len(digits), size)]
    return "-".join(group + _check(place, group) for place, group in enumerate(data))


def group_count(size: int) -> int:
    """How many groups so many bytes take."""
    return size * 8 // 5 // (GROUP_CHARACTERS - 1)


def read_groups(typed: str, *, size: int) -> bytes:
    """The ``size`` bytes in groups as typed. Raises as ``check_groups``."""
    groups = check_groups(typed, range(group_count(size)))
    return read("".join(group[:-1] for group in groups))


def check_groups(typed: str, places: Sequence[int]) -> tuple[str, ...]:
    """The groups at these places, from 0, as typed; ``CallerMistake("code-mistyped")`` if some are
    not as they were written, with their numbers from 1."""
    text = as_meant(typed)
    groups = [text[i : i + GROUP_CHARACTERS] for i in range(0, len(text), GROUP_CHARACTERS)]
    there = zip(places, groups, strict=False)  # too few or too many are told below
    wrong = [place + 1 for place, group in there if not _holds(place, group)]
    missing = len(places) * GROUP_CHARACTERS - len(text)
    if wrong and missing:
        raise _mistyped(f"From group {wrong[0]} on it is not as it was written.")
    if wrong:
        which = ", ".join(map(str, wrong))
        raise _mistyped(f"Not as it was written: group{'s'[: len(wrong) > 1]} {which}.")
    if missing > 0:
        raise _mistyped(f"{missing} characters are missing at the end.")
    if missing < 0:
        raise _mistyped(f"There are {-missing} characters too many at the end.")
    return tuple(groups)


def _holds(place: int, group: str) -> bool:
    return (
        len(group) == GROUP_CHARACTERS
        and set(group) <= set(_CROCKFORD)
        and group[-1] == _check(place, group[:-1])
    )


def _check(place: int, digits: str) -> str:
    # Every weight is odd, so that another digit anywhere gives another sum modulo 32.
    weighted = ((3 + 2 * i) * _CROCKFORD.index(digit) for i, digit in enumerate(digits))
    return _CROCKFORD[(place + sum(weighted)) % 32]


def _mistyped(what: str) -> CallerMistake:
    return CallerMistake(
        "code-mistyped",
        what,
        next_step="Compare it with what was read out, group by group.",
    )
