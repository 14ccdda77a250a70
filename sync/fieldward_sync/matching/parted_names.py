"""Names whose words are parted otherwise than where they are recorded: *Da Silva* and *Dasilva*.

They agree as the same letters (``name_comparison``); these are the words to look for them by.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldward_sync.matching.folding import Words
from fieldward_sync.matching.name_comparison import PARTICLES

_REST_LETTERS = 4
"""Of a name behind its particle: less is left of too many names that have none."""
_WRITTEN_TOGETHER = tuple(sorted(PARTICLES - {"a", "y"}))
"""The particles that families also write as one with their name."""


def as_one(words: Words) -> str:
    """Several words in one; nothing for a single one."""
    return "".join(words) if len(words) > 1 else ""


def halves(word: str) -> Iterator[Words]:
    """Every two words that this one may be written as."""
    return ((word[:at], word[at:]) for at in range(1, len(word)))


def behind_particles(words: Words) -> Iterator[str]:
    """What is left of a single word that may begin with a particle."""
    for word in words if len(words) == 1 else ():
        for particle in _WRITTEN_TOGETHER:
            rest = word.removeprefix(particle)
            if _REST_LETTERS <= len(rest) < len(word):
                yield rest
