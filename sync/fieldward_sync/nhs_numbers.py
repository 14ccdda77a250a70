"""NHS numbers: ten digits, the last of which checks the others (NHS Data Dictionary)."""

from __future__ import annotations

import re

_SHAPE = re.compile(r"[3-9][0-9]{9}")
_WEIGHTED_ZEROS = ord("0") * (10 + 9 + 8 + 7 + 6 + 5 + 4 + 3 + 2)


def nhs_check_digit(first_nine: str) -> int | None:
    """The tenth digit of an NHS number; ``None`` where the first nine cannot have one.

    Modulus 11 with the weights 10 to 2.
    """
    a, b, c, d, e, f, g, h, i = first_nine.encode()
    weighted = 10 * a + 9 * b + 8 * c + 7 * d + 6 * e + 5 * f + 4 * g + 3 * h + 2 * i
    digit = (_WEIGHTED_ZEROS - weighted) % 11
    return None if digit == 10 else digit


def has_nhs_number_shape(number: str) -> bool:
    """Whether this is ten digits as NHS numbers begin, without blanks."""
    return _SHAPE.fullmatch(number) is not None


def is_nhs_number(number: str) -> bool:
    """Whether this is ten digits, the last of which fits the others."""
    return has_nhs_number_shape(number) and nhs_check_digit(number[:9]) == int(number[9])
