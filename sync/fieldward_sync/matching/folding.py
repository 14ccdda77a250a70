"""Text as it is compared: without case, marks, punctuation and script (P35)."""

from __future__ import annotations

import unicodedata

from anyascii import anyascii
from jellyfish import metaphone

Words = tuple[str, ...]
"""The folded words of a name or a line."""

SOUND_LETTERS = 4
"""Of a word's sound: enough to part names, and a name that was cut short keeps it."""

_PARTING = str.maketrans(dict.fromkeys("-‐‑–/,", " "))


def fold(text: str) -> str:
    """Letters and digits alone, in Latin script: ``O'Brien`` → ``obrien``, ``Łukasz`` → ``lukasz``,
    ``Юлия`` → ``yuliya``."""
    folded = text.casefold()
    if not folded.isascii():
        folded = anyascii(unicodedata.normalize("NFC", folded)).casefold()
    return folded if folded.isalnum() else "".join(filter(str.isalnum, folded))


def name_words(text: str) -> Words:
    """The folded words of a name or a line, hyphenated halves apart."""
    if text.isascii() and text.isalpha():  # which most names are
        return (text.lower(),)
    return tuple(filter(None, map(fold, parted(text))))


def parted(text: str) -> list[str]:
    """The words of a name or a line as they are written, hyphenated halves apart."""
    return text.translate(_PARTING).split()


def compact(text: str) -> str:
    """A postcode or number without blanks, in capitals."""
    return "".join(text.split()).upper()


def sound(word: str) -> str:
    """How a folded word sounds (Metaphone, Lawrence Philips 1990), at most four letters; the word's
    own beginning where Metaphone hears nothing."""
    return (metaphone(word) or word)[:SOUND_LETTERS]
