"""The keys of a whole index of millions.

There a name alone, or a birth date alone, is shared by thousands: keys join two things that a view
shows, so that each look-up finds a few. Names go in by their sound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.folding import name_words, sound
from fieldward_sync.matching.key_ranges import PAST_ANY_LETTER
from fieldward_sync.matching.postcodes import outward
from fieldward_sync.views import View

_PATHS = ("name.", "former_names/", "born", "nhs_number", "address", "shield")
"""How the paths begin that keys are made from, and of what hides them."""
_VALUES = frozenset(["name.family", "name.given", "born", "nhs_number", "address"])
_FORMER_NAMES = "former_names/"
_PAST_FORMER_NAMES = _FORMER_NAMES + PAST_ANY_LETTER
_KEPT_NAMES = 8192
"""Names repeat: of so many it is kept how they sound, by a server; a device makes no such keys."""


def changes_keys(paths: Iterable[str]) -> bool:
    """Whether a change of these paths may change the keys of a view."""
    return any(path.startswith(_PATHS) for path in paths)


def index_keys(view: View) -> frozenset[str]:
    """The keys of a view; each live value of a conflict has its own."""
    facts = Facts(
        [
            value
            for value in view.values
            if (path := value.path) in _VALUES or _FORMER_NAMES < path < _PAST_FORMER_NAMES
        ]
    )
    days, postcodes = facts.days, facts.postcodes
    former_families, former_givens = facts.former_names
    families = _sounds((*facts.families, *former_families))
    givens = _sounds((*facts.givens, *former_givens))
    sounds, pairs = families | givens, name_pairs(families, givens)
    keys = [*map(number_key, facts.numbers), *map(place_key, postcodes)]
    for day in days:
        keys += [dated_key(heard, day) for heard in sounds]
        keys += [paired_key(pair, day) for pair in pairs]
    for district in map(outward, postcodes):
        keys += [placed_key(heard, district) for heard in sounds]
    return frozenset(keys)


def _sounds(names: Iterable[str]) -> frozenset[str]:
    """Of each word of these names."""
    return frozenset[str]().union(*map(_sounds_of, names))


@lru_cache(maxsize=_KEPT_NAMES)
def _sounds_of(name: str) -> tuple[str, ...]:
    return tuple(map(sound, name_words(name)))


def name_pairs(families: Iterable[str], givens: Collection[str]) -> frozenset[str]:
    """The sound of each word of a family name with that of each of a given name."""
    return frozenset([pair_of(one, other) for one in families for other in givens])


def pair_of(one: str, other: str) -> str:
    """Two sounds, whichever of them was the family name."""
    return f"{one}+{other}" if one <= other else f"{other}+{one}"


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
