"""How far two names agree, word by word."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.distance import OSA, JaroWinkler

from fieldward_sync.matching.folding import Words, sound
from fieldward_sync.matching.levels import Level, closest, farthest
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
    if asked == there:
        return Level.EXACT
    if not asked or not there:
        return Level.DIFFERENT
    if len(asked) == len(there) == 1:
        return word_agreement(asked[0], there[0])
    bare = _without_particles(asked), _without_particles(there)
    if _same_letters(asked, there) or _same_letters(*bare):
        return Level.SPELLING
    shorter, longer = sorted(bare, key=len)
    levels = _aligned(shorter, longer)
    agreed = farthest(levels)
    if agreed is Level.DIFFERENT:
        agreed = _in_common(shorter, levels)
    elif len(shorter) != len(longer):
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


def _aligned(shorter: Words, longer: Words) -> list[Level]:
    """How far each word of the shorter name agrees with the closest word left for it."""
    left, aligned = list(longer), []
    for word in shorter:
        levels = [word_agreement(word, other) for other in left]
        level = closest(levels)
        left.pop(levels.index(level))
        aligned.append(level)
    return aligned


def _in_common(words: Words, levels: Iterable[Level]) -> Level:
    """Of words that do not all agree."""
    shared = any(
        level in (Level.EXACT, Level.SPELLING) and len(word) >= SHARED_LETTERS
        for word, level in zip(words, levels, strict=True)
    )
    return Level.SHARED if shared else Level.DIFFERENT
