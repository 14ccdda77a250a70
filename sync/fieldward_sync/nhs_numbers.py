"""NHS numbers: ten digits, the last of which checks the others (NHS Data Dictionary)."""

from __future__ import annotations

import re
from operator import mul

_SHAPE = re.compile(r"[3-9][0-9]{9}")


def nhs_check_digit(first_nine: str) -> int | None:
    """The tenth digit of an NHS number; ``None`` where the first nine cannot have one.

    Modulus 11 with the weights 10 to 2.
    """
    weighted = sum(map(mul, map(int, first_nine), range(10, 1, -1)))
    remainder = 11 - weighted % 11
    return None if remainder == 10 else remainder % 11


def has_nhs_number_shape(number: str) -> bool:
    """Whether this is ten digits as NHS numbers begin, without blanks."""
    return _SHAPE.fullmatch(number) is not None


def is_nhs_number(number: str) -> bool:
    """Whether this is ten digits, the last of which fits the others."""
    return has_nhs_number_shape(number) and nhs_check_digit(number[:9]) == int(number[9])
