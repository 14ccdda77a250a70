"""The words that occur, and those among them that somebody may have meant by another."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from rapidfuzz import process
from rapidfuzz.distance import OSA

from fieldward_sync.matching.folding import sound
from fieldward_sync.matching.key_ranges import PAST_ANY_LETTER
from fieldward_sync.matching.levels import CLOSENESS, Level
from fieldward_sync.matching.name_comparison import (
    BEGINNING_LETTERS,
    TWO_SLIPS_LETTERS,
    word_agreement,
)
from fieldward_sync.matching.spellings import spellings_of


class Vocabulary:
    """Distinct folded words, in order."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    def beginning(self, start: str) -> Sequence[str]:
        """The words that begin so."""
        first = bisect_left(self._words, start)
        return self._words[first : bisect_left(self._words, start + PAST_ANY_LETTER, lo=first)]

    def has(self, word: str) -> bool:
        """Whether this very word occurs."""
        at = bisect_left(self._words, word)
        return at < len(self._words) and self._words[at] == word

    def like(self, word: str) -> Mapping[str, Level]:
        """The words that could be this one, and how far each agrees with it."""
        could_be = {
            *self._near(word),
            *self._sounding.get(sound(word), ()),
            *(other for other in spellings_of(word) if self.has(other)),
            *(self.beginning(word) if len(word) >= BEGINNING_LETTERS else ()),
            *(word[:end] for end in range(BEGINNING_LETTERS, len(word)) if self.has(word[:end])),
        }
        agreements = {other: word_agreement(word, other) for other in could_be}
        return {
            other: level
            for other, level in agreements.items()
            if CLOSENESS[level] < CLOSENESS[Level.SHARED]
        }

    def _near(self, word: str) -> Iterator[str]:
        """The words that are a slip or two away: only those of about its length can be."""
        slips = 2 if len(word) >= TWO_SLIPS_LETTERS else 1
        for letters in range(len(word) - slips, len(word) + slips + 1):
            found = process.extract(
                word,
                self._by_length.get(letters, ()),
                scorer=OSA.distance,
                score_cutoff=slips,
                limit=None,
            )
            yield from (other for other, _, _ in found)

    @cached_property
    def _by_length(self) -> Mapping[int, list[str]]:
        by_length: dict[int, list[str]] = {}
        for word in self._words:
            by_length.setdefault(len(word), []).append(word)
        return by_length

    @cached_property
    def _sounding(self) -> Mapping[str, list[str]]:
        sounding: dict[str, list[str]] = {}
        for word in self._words:
            sounding.setdefault(sound(word), []).append(word)
        return sounding
