"""How far two names agree, word by word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from fieldward_sync.matching.folding import Words, sound
from fieldward_sync.matching.levels import CLOSENESS, LEVELS, Level, closest, farthest
from fieldward_sync.matching.spellings import spellings_of

BEGINNING_LETTERS = 3
"""Fewer begin too many names."""
SOUND_SIMILARITY = 0.75
SIMILAR_SIMILARITY = 0.9
"""Of two words, by Jaro and Winkler, 0 to 1."""
TWO_SLIPS_LETTERS = 6
"""From this length on two slips leave a word what it was."""
SHARED_LETTERS = 3

PARTICLES = frozenset(
    [
        "a",
        "al",
        "bin",
        "bint",
        "da",
        "das",
        "de",
        "del",
        "den",
        "der",
        "di",
        "do",
        "dos",
        "el",
        "ibn",
        "la",
        "le",
        "mac",
        "mc",
        "o",
        "st",
        "ten",
        "ter",
        "uz",
        "van",
        "von",
        "y",
    ]
)
"""Words before or between names that are often left out."""

NAME_LEVELS = (
    Level.EXACT,
    Level.SPELLING,
    Level.PART,
    Level.SOUND,
    Level.SLIP,
    Level.BEGINNING,
    Level.SIMILAR,
    Level.SHARED,
    Level.DIFFERENT,
)


def word_agreement(asked: str, there: str) -> Level:
    """How far two folded words agree; neither side is the right one."""
    if asked == there:
        return Level.EXACT
    if there in spellings_of(asked):
        return Level.SPELLING
    short, long = (asked, there) if len(asked) < len(there) else (there, asked)
    similarity = JaroWinkler.similarity(asked, there, score_cutoff=SOUND_SIMILARITY)
    if similarity >= SOUND_SIMILARITY and sound(asked) == sound(there) and len(short) > 1:
        cut_short = long.startswith(short) and len(long) - len(short) > 1
        return Level.BEGINNING if cut_short else Level.SOUND
    distance = OSA.distance(asked, there, score_cutoff=2)
    if distance == 1 and len(long) > 2:
        return Level.SLIP
    if len(short) >= BEGINNING_LETTERS and long.startswith(short):
        return Level.BEGINNING
    two_slips = distance == 2 and len(short) >= TWO_SLIPS_LETTERS
    initial = len(short) == 1 and long.startswith(short)
    if two_slips or initial or similarity >= SIMILAR_SIMILARITY:
        return Level.SIMILAR
    return Level.DIFFERENT


def name_agreement(asked: Words, there: Words) -> Level:
    """How far two names of any number of words agree, whatever the order of their words."""
    if not asked or not there:
        return Level.DIFFERENT
    if asked == there:
        return Level.EXACT
    if len(asked) == len(there) == 1:
        return word_agreement(asked[0], there[0])
    bare = _without_particles(asked), _without_particles(there)
    if _same_letters(asked, there) or _same_letters(*bare):
        return Level.SPELLING
    aligned = _aligned(*bare)
    agreed = farthest(pair.level for pair in aligned)
    if agreed is Level.DIFFERENT:
        agreed = _in_common(aligned)
    elif len(bare[0]) != len(bare[1]):
        agreed = farthest((agreed, Level.PART))
    if OSA.distance("".join(asked), "".join(there), score_cutoff=1) == 1:
        agreed = closest((agreed, Level.SLIP))
    return agreed


def _same_letters(one: Words, other: Words) -> bool:
    """Parted otherwise, or in another order."""
    return "".join(one) == "".join(other) or sorted(one) == sorted(other)


def _without_particles(words: Words) -> Words:
    if PARTICLES.isdisjoint(words):
        return words
    return tuple(word for word in words if word not in PARTICLES) or words


class _Pair(NamedTuple):
    """Two words of two names, side by side."""

    level: Level
    letters: int
    """Of the shorter word."""


def _aligned(one: Words, other: Words) -> list[_Pair]:
    """Each word of the shorter name beside one of the longer: the closest pairs first, and of pairs
    that are as close the same ones whichever name, or word, comes first."""
    pairs = sorted(
        (CLOSENESS[word_agreement(word, there)], sorted((word, there)), place, at)
        for place, word in enumerate(one)
        for at, there in enumerate(other)
    )
    aligned: dict[tuple[bool, int], _Pair] = {}
    for closeness, words, place, at in pairs:
        places = (True, place), (False, at)
        if aligned.keys().isdisjoint(places):
            aligned |= dict.fromkeys(places, _Pair(LEVELS[closeness], min(map(len, words))))
    return [pair for (is_of_one, _), pair in aligned.items() if is_of_one]


def _in_common(aligned: Iterable[_Pair]) -> Level:
    """Of words that do not all agree."""
    shared = any(
        pair.level in (Level.EXACT, Level.SPELLING) and pair.letters >= SHARED_LETTERS
        for pair in aligned
    )
    return Level.SHARED if shared else Level.DIFFERENT
