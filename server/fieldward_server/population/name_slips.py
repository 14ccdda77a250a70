"""What becomes of a name by one slip: every way there is, rule by rule.

Each rule gives all the texts that one such slip makes of a name. The rules of hearing go by letters
and their neighbours: they hold for names from everywhere, and know no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from random import Random

from fieldward_sync.matching.folding import name_words
from fieldward_sync.matching.name_comparison import PARTICLES
from fieldward_sync.matching.spellings import spellings_of

LEAST_LETTERS = 3
"""Of a name that was cut short."""

_ROWS_OF_LETTERS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ROWS_OF_DIGITS = ("1234567890",)
_PAD_OF_DIGITS = ("789", "456", "123", "0")


def _neighbours(*rows: str, leaning: bool = False) -> dict[str, set[str]]:
    """The keys around each: beside it, above and below it; ``leaning`` rows are each half a key
    further to the right."""
    beside = [pair for row in rows for pair in pairwise(row)]
    below = [pair for one, other in pairwise(rows) for pair in zip(one, other, strict=False)]
    if leaning:
        below += [
            pair for one, other in pairwise(rows) for pair in zip(one[1:], other, strict=False)
        ]
    around: dict[str, set[str]] = {key: set() for row in rows for key in row}
    for one, other in (*beside, *below):
        around[one].add(other)
        around[other].add(one)
    return around


_KEYS = _neighbours(*_ROWS_OF_LETTERS, leaning=True)
for _keys in (_neighbours(*_ROWS_OF_DIGITS), _neighbours(*_PAD_OF_DIGITS)):
    for _key, _around in _keys.items():
        _KEYS.setdefault(_key, set()).update(_around)


def keys_around(character: str) -> list[str]:
    """The keys around one on a British keyboard, in the case that the character has."""
    found = sorted(_KEYS.get(character.lower(), ()))
    return [key.upper() for key in found] if character.isupper() else found


# --- Typing ------------------------------------------------------------------------------------


def neighbouring_key(text: str) -> Iterator[str]:
    """A key beside the right one."""
    for at, character in enumerate(text):
        for other in keys_around(character):
            yield text[:at] + other + text[at + 1 :]


def left_out(text: str) -> Iterator[str]:
    """A character left out."""
    for at, character in enumerate(text):
        if character.isalnum():
            yield text[:at] + text[at + 1 :]


def doubled(text: str) -> Iterator[str]:
    """A character typed twice."""
    for at, character in enumerate(text):
        if character.isalnum():
            yield text[:at] + character + character.lower() + text[at + 1 :]


def exchanged(text: str) -> Iterator[str]:
    """Two characters in the wrong order."""
    for at, (one, other) in enumerate(pairwise(text)):
        if one.isalnum() and other.isalnum():
            if one.isupper() and other.islower():  # the first is a capital whichever it is
                one, other = one.lower(), other.upper()
            yield text[:at] + other + one + text[at + 2 :]


def added(text: str) -> Iterator[str]:
    """A key beside the right one as well."""
    for at, character in enumerate(text):
        for other in keys_around(character.lower()):
            yield text[: at + 1] + other + text[at + 1 :]


# --- Hearing -----------------------------------------------------------------------------------

_HEARD = tuple(
    (re.compile(written, re.IGNORECASE), tuple(heard.split("|")))
    for written, heard in (
        # f
        ("ph", "f"),
        ("ff?", "ph"),
        ("v", "w"),
        ("w(?!r)", "v"),
        # k
        ("ck", "k|c"),
        ("(?<![cs])c(?![ceiyhk])", "k"),
        ("(?<![ck])k(?![hkn])", "c|ck"),
        ("ch(?=[rl])", "k"),
        ("qu", "kw"),
        ("q(?!u)", "k"),
        ("x", "ks"),
        ("ks", "x"),
        # s and z
        ("(?<=[aeiouyrnl])s(?![chsz])", "z"),
        ("z(?![hz])", "s"),
        ("c(?=[eiy])", "s"),
        ("(?<!s)s(?=[eiy])", "c"),
        # sh
        ("sch", "sh|ch"),
        ("(?<!c)sh", "sch|ch"),
        ("(?<![sc])ch(?![rl])", "sh|tch"),
        ("s(?=[eo]n$)", "ss"),
        ("(?<=s)e(?=n$)", "o"),
        ("(?<=s)o(?=n$)", "e"),
        # j
        ("g(?=[eiy])", "j"),
        ("j(?=[eiy])", "g"),
        ("^j(?=[aou])", "y"),
        ("^y(?=[aou])", "j"),
        # th
        ("th", "t"),
        ("(?<![ts])t(?=[aeiouy])", "th"),
        # A long e, and y
        ("(?<![aeiou])(?:ie|ei|ee|ea)(?![aeiou])", "ie|ei|ee|ea|i"),
        ("(?<![aeiou])(?:y|i|ie|ey|ee)$", "y|i|ie|ey|ee"),
        ("(?<=[^aeiouy])y(?=[^aeiouy])", "i"),
        ("(?<=[^aeiouy])i(?=[^aeiouy])", "y"),
        ("ai|ay", "ai|ay|ei|ey"),
        # A long o and u
        ("ou|oo", "ou|oo|u"),
        ("(?<=[^aeiouq])u(?=[^aeiouy])", "ou|oo"),
        ("au|aw", "au|aw|or"),
        # A vowel that is not stressed: neither the first nor the last
        ("(?<=[aeiouy][^aeiouy])[aeio](?=[^aeiouy])", "a|e|i|o"),
        ("(?<=[aeiouy][^aeiouy]{2})[aeio](?=[^aeiouy])", "a|e|i|o"),
        ("(?<=[^aeiou])e$", ""),
        ("(?<=[^aeiouy])$", "e"),
        # Double and single
        (r"([bcdfgklmnprstz])\1", "1"),
        ("(?<=[aeiouy])[bdfglmnprst](?=[aeiouy]|$)", "2"),
        # An h that is silent
        ("(?<=[aeiou])h(?=$|[^aeiouy])", ""),
        ("(?<=[bdgjklrw])h", ""),
        ("^h(?=[aeiouy])", ""),
        ("(?<=[^aeiou]a)$", "h"),
    )
)
"""What is written, as a regular expression, and what it is heard as; 1 and 2 stand for the letter
itself, once and twice."""


_LATIN_WORD = re.compile("[A-Za-zÀ-ɏ]+")


def misheard(text: str) -> Iterator[str]:
    """Spelled by ear: one sound of it written as another that is heard alike."""
    for word in _LATIN_WORD.finditer(text):
        for written, heard in _HEARD:
            for found in written.finditer(word[0]):
                for other in heard:
                    new = _as_letters(other, found[0])
                    if new.lower() != found[0].lower():
                        changed = word[0][: found.start()] + new + word[0][found.end() :]
                        yield (
                            text[: word.start()]
                            + _as_before(changed, word[0])
                            + (text[word.end() :])
                        )


def _as_letters(heard: str, written: str) -> str:
    return written[0].lower() * int(heard) if heard.isdigit() else heard


def _as_before(changed: str, word: str) -> str:
    """With a capital where the word had one."""
    return changed[:1].upper() + changed[1:] if word[:1].isupper() else changed


# --- Missing -----------------------------------------------------------------------------------

_PARTICLE = re.compile(r"(?:[ODIL]['’]|Ma?c(?=[A-Z])|[Aa]l[- ]|[Dd]e )")


def part_missing(text: str) -> Iterator[str]:
    """One of several names, or of two halves, not given."""
    parts = re.split("([ -])", text)
    if len(parts) > 1:
        for at in range(0, len(parts), 2):
            left = parts[: at - 1] + parts[at + 1 :] if at else parts[2:]
            if not PARTICLES.issuperset(name_words("".join(left))):
                yield "".join(left)


def particle_missing(text: str) -> Iterator[str]:
    """Without the O', Mc, al- or de that it begins with."""
    if (found := _PARTICLE.match(text)) is not None and text[found.end() :].strip():
        yield text[found.end() :]


# --- Truncating --------------------------------------------------------------------------------


def cut_short(text: str) -> Iterator[str]:
    """The first letters alone."""
    for end in range(LEAST_LETTERS, len(text)):
        begun = text[:end]
        if begun[-1].isalnum() and sum(map(str.isalnum, begun)) >= LEAST_LETTERS:
            yield begun


def short_form(text: str) -> Iterator[str]:
    """What a child of this given name is called in short."""
    word = text.lower()
    if word.isalpha():
        for other in sorted(spellings_of(word)):
            if len(other) < len(word):
                yield other.capitalize()


def in_another_form(text: str, chance: Random) -> str:
    """A name of one word in a short form or another spelling, where one is known."""
    word = text.lower()
    others = sorted(spellings_of(word) - {word}) if word.isalpha() and word.isascii() else []
    return chance.choice(others).capitalize() if others else text
