"""Identifiers that no real child, school or practice has."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Iterator

from fieldward_sync.nhs_numbers import nhs_check_digit

SERIALS = 1_000_000
"""999 000 0000 to 999 999 9999 are kept for tests and never issued: so many nine-digit beginnings.

One in eleven has no check digit, so there are 909,091 numbers."""

# Has no factor in common with SERIALS, so that it visits every one once, scattered.
_STRIDE = 618_033

# Base 64 in small letters only still tells children apart: in one of some 20,000 populations as
# large as England's two get the same twelve characters.
_SMALL = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ+/", b"abcdefghijklmnopqrstuvwxyzxy")

# A letter for each keeps the members of a set apart, whatever the digits are.
_MEMBERS = tuple(
    tuple(
        f"{letter}{(number * 97 + place * 1009) % 0x1000:03x}"
        for place, letter in enumerate("abcdefghi")
    )
    for number in range(0x1000)
)


def _remainders(form: str) -> tuple[int, ...]:
    """What three digits in this place add to the sum that a check digit brings to a multiple of 11.

    A sum of 1 would need the digit 10: such numbers have none.
    """
    digits = (nhs_check_digit(form.format(number)) for number in range(1000))
    return tuple(1 if digit is None else -digit % 11 for digit in digits)


_THOUSANDS = _remainders("999{:03d}000")
_UNITS = _remainders("000000{:03d}")


def nhs_numbers(*, first: int, count: int) -> Iterator[str]:
    """The valid NHS numbers of so many serials from this one on, in an order of no meaning."""
    for place in range(first, first + count):
        serial = place * _STRIDE % SERIALS
        check_digit = -(_THOUSANDS[serial // 1000] + _UNITS[serial % 1000]) % 11
        if check_digit != 10:
            yield f"999{serial:06d}{check_digit}"


def identity(*, authority: str, seed: int, index: int) -> tuple[str, tuple[str, ...]]:
    """A record's id, and ids for nine members of its sets: a child's own, whenever it is made."""
    digest = hashlib.sha256(f"{authority}/{seed}/{index}".encode()).digest()
    record_id = b2a_base64(digest[:9], newline=False).translate(_SMALL).decode()
    return record_id, _MEMBERS[digest[9] << 4 | digest[10] & 15]
