"""Ranges of keys: all that begin alike, or lie between two."""

from __future__ import annotations

from dataclasses import dataclass

PAST_ANY_LETTER = "\U0010ffff"


@dataclass(frozen=True)
class KeyRange:
    """All keys from ``first`` on and before ``past``."""

    first: str
    past: str

    @classmethod
    def beginning(cls, start: str) -> KeyRange:
        """All that begin so."""
        return cls(start, start + PAST_ANY_LETTER)

    def __contains__(self, key: str) -> bool:
        return self.first <= key < self.past
