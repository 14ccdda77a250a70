"""How far two names agree, word by word."""

from __future__ import annotations

from rapidfuzz.distance import OSA, JaroWinkler

from fieldward_sync.matching.folding import Words, sound
from fieldward_sync.matching.levels import CLOSENESS, Level, closest, farthest
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
    short, long = sorted((asked, there), key=len)
    distance = OSA.distance(asked, there, score_cutoff=2)
    similarity = JaroWinkler.similarity(asked, there)
    if similarity >= SOUND_SIMILARITY and sound(asked) == sound(there) and len(short) > 1:
        cut_short = long.startswith(short) and len(long) - len(short) > 1
        return Level.BEGINNING if cut_short else Level.SOUND
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
    whole = _as_one(asked, there)
    if whole is Level.SPELLING:
        return whole
    aligned = _aligned(asked, there)
    worst = farthest(level for _, level in aligned)
    if worst is Level.DIFFERENT:
        shared = any(
            level in (Level.EXACT, Level.SPELLING) and len(word) >= SHARED_LETTERS
            for word, level in aligned
        )
        worst = Level.SHARED if shared else worst
    elif len(asked) != len(there):
        worst = farthest((worst, Level.PART))
    return closest((worst, whole))


def _as_one(asked: Words, there: Words) -> Level:
    """The same letters parted otherwise, or with a particle left out."""
    for first, second in ((asked, there), (_without_particles(asked), _without_particles(there))):
        one, other = "".join(first), "".join(second)
        if one == other or sorted(first) == sorted(second):
            return Level.SPELLING
    if OSA.distance("".join(asked), "".join(there), score_cutoff=1) == 1:
        return Level.SLIP
    return Level.DIFFERENT


def _without_particles(words: Words) -> Words:
    return tuple(word for word in words if word not in PARTICLES) or words


def _aligned(asked: Words, there: Words) -> list[tuple[str, Level]]:
    """Each word of the shorter name, and how far it agrees with the closest word left for it."""
    shorter, longer = sorted((_without_particles(asked), _without_particles(there)), key=len)
    left, aligned = list(longer), []
    for word in shorter:
        levels = {other: word_agreement(word, other) for other in left}
        best = min(left, key=lambda other: CLOSENESS[levels[other]])
        left.remove(best)
        aligned.append((word, levels[best]))
    return aligned
