"""Time codes and what they answer, digit by digit."""

from __future__ import annotations

from second_implementation.encoding import document
from second_implementation.keys import sign

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def spell(raw: bytes) -> str:
    """Bytes in groups of four digits and a check."""
    number, bits = int.from_bytes(raw, "big"), 8 * len(raw)
    values = [number >> shift & 31 for shift in range(bits - 5, -1, -5)]
    groups = []
    for place, first in enumerate(range(0, len(values), 4)):
        a, b, c, d = values[first : first + 4]
        check = (place + 3 * a + 5 * b + 7 * c + 9 * d) % 32
        groups.append("".join(_DIGITS[value] for value in (a, b, c, d, check)))
    return "-".join(groups)


def statement(authority: str, device: str, generation: int, challenge: bytes, time: int) -> bytes:
    """What is signed."""
    return document("time-statement", authority, device, generation, challenge, time)


def make(seed: bytes, stated: bytes, time: int, *, version: int = 1) -> str:
    """The code of a statement."""
    return spell(bytes([version]) + time.to_bytes(5, "big") + sign(seed, stated))
