"""The keys of a whole index of millions.

There a name alone, or a birth date alone, is shared by thousands: keys join two things that a view
shows, so that each look-up finds a few. Names go in by their sound.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.folding import Words, name_words, sound
from fieldward_sync.matching.postcodes import outward
from fieldward_sync.views import View

_PATHS = ("name.", "former_names/", "born", "nhs_number", "address", "shield")
"""How the paths begin that keys are made from, and of what hides them."""


def changes_keys(paths: Iterable[str]) -> bool:
    """Whether a change of these paths may change the keys of a view."""
    return any(path.startswith(_PATHS) for path in paths)


def index_keys(view: View) -> frozenset[str]:
    """The keys of a view; each live value of a conflict has its own."""
    facts = Facts.of(view)
    days, postcodes = facts.days, facts.postcodes
    former_families, former_givens = facts.former_names
    families = [name_words(name) for name in (*facts.families, *former_families)]
    givens = [name_words(name) for name in (*facts.givens, *former_givens)]
    sounds = {sound(word) for name in (*families, *givens) for word in name}
    pairs = name_pairs(families, givens)
    return frozenset(
        (
            *(number_key(number) for number in facts.numbers),
            *(place_key(postcode) for postcode in postcodes),
            *(dated_key(heard, day) for heard in sounds for day in days),
            *(placed_key(heard, outward(each)) for heard in sounds for each in postcodes),
            *(paired_key(pair, day) for pair in pairs for day in days),
        )
    )


def name_pairs(families: Iterable[Words], givens: Iterable[Words]) -> frozenset[str]:
    """Each word of a family name with each of a given name, by their sounds."""
    return frozenset(
        pair_of(sound(one), sound(other))
        for family in families
        for given in givens
        for one, other in product(family, given)
    )


def pair_of(one: str, other: str) -> str:
    """Two sounds, whichever of them was the family name."""
    first, second = sorted((one, other))
    return f"{first}+{second}"


def number_key(number: str) -> str:
    """Of an NHS number."""
    return f"h{number}"


def place_key(postcode: str) -> str:
    """Of a whole postcode."""
    return f"p{postcode}"


def dated_key(heard: str, day: str) -> str:
    """Of a name's sound with a birth date, or with its beginning."""
    return f"d{heard} {day}"


def placed_key(heard: str, district: str) -> str:
    """Of a name's sound with a postcode's district, or with its beginning."""
    return f"o{heard} {district}"


def paired_key(pair: str, day: str) -> str:
    """Of two sounds with a birth date, or with its beginning."""
    return f"f{pair} {day}"
