"""Identifiers that no real child, school or practice has."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Iterable, Iterator
from typing import TypeVar

from fieldward_sync.schema import nhs_check_digit

MemberT = TypeVar("MemberT")

# 999 000 0000 to 999 999 9999 are kept for tests and never issued (NHS Digital). Each authority
# begins at a block of its own, so that two populations share no number while neither is large.
_BLOCK = 100_000
_STRIDE = 61_803  # has no factor in common with the block, so it visits every number of it


def nhs_numbers(*, block: int) -> Iterator[str]:
    """Valid NHS numbers from the test range, scattered, the first 90,909 from this block.

    All are different for some 909,000; then there are no more.
    """
    for index in range(10 * _BLOCK):
        round_, within = divmod(index, _BLOCK)
        serial = (block + round_) % 10 * _BLOCK + within * _STRIDE % _BLOCK
        first_nine = f"999{serial:06d}"
        check_digit = nhs_check_digit(first_nine)
        if check_digit is not None:
            yield f"{first_nine}{check_digit}"


def record_id(*, authority: str, seed: int, index: int) -> str:
    """Twelve base32 characters that are the same whenever this child is made again."""
    digest = hashlib.sha256(f"{authority}/{seed}/{index}".encode()).digest()
    return base64.b32encode(digest[:8])[:12].decode().lower()


def by_id(members: Iterable[MemberT], rng: random.Random) -> dict[str, MemberT]:
    """The members of a set, each under an id of four characters."""
    held: dict[str, MemberT] = {}
    for member in members:
        member_id = f"{rng.getrandbits(16):04x}"
        while member_id in held:
            member_id = f"{rng.getrandbits(16):04x}"
        held[member_id] = member
    return held
