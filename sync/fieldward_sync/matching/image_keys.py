"""The search keys of an image, and which of them a query asks for.

A key is a letter for its kind and what it was made from. Each is worth some bits to a record that
has it: enough to tell, without reading any record, which ones are worth comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from enum import Enum
from typing import Any

from fieldward_sync.matching.birth_dates import BirthDate, born_between
from fieldward_sync.matching.comparison import field_of
from fieldward_sync.matching.folding import name_words
from fieldward_sync.matching.key_ranges import PAST_ANY_LETTER, KeyRange
from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.needs import Need
from fieldward_sync.matching.parted_names import as_one, halves
from fieldward_sync.matching.postcodes import is_part, near_postcodes, outward
from fieldward_sync.matching.query import MAX_AGE, Query
from fieldward_sync.matching.vocabulary import Vocabulary
from fieldward_sync.matching.weights import most, weight
from fieldward_sync.views import View


class KeyKind(Enum):
    """What a key was made from: the letter it begins with."""

    ADDRESS = "a"
    BORN = "b"
    CARER = "c"
    NAME = "n"
    NHS_NUMBER = "h"
    POSTCODE = "p"
    SCHOOL = "s"


_WORDS_OF_EVERY_SCHOOL = frozenset(
    [
        "academy",
        "and",
        "church",
        "college",
        "community",
        "high",
        "infant",
        "infants",
        "junior",
        "of",
        "primary",
        "school",
        "secondary",
        "st",
        "the",
    ]
)

VocabularyOf = Callable[[KeyKind], Vocabulary]


_WORDS_OF = {
    "name.family": KeyKind.NAME,
    "name.given": KeyKind.NAME,
    "school.name": KeyKind.SCHOOL,
    "school.code": KeyKind.SCHOOL,
}
_WORDS_OF_MEMBERS = {"former_names/": KeyKind.NAME, "carers/": KeyKind.CARER}
_COLLECTIONS = tuple(_WORDS_OF_MEMBERS)
_POSTCODE = KeyKind.POSTCODE.value
_NAMES_OF_MEMBERS = (".family", ".given")
_WHOLE = {"born": KeyKind.BORN, "nhs_number": KeyKind.NHS_NUMBER}


def _nothing(word: str) -> bool:
    return False


_LEFT_OUT: Mapping[KeyKind, Callable[[str], bool]] = {
    KeyKind.ADDRESS: lambda word: word[0].isdigit(),
    KeyKind.SCHOOL: _WORDS_OF_EVERY_SCHOOL.__contains__,
}
"""The words that make no key of a kind."""


class _Made(dict[str, tuple[str, ...]]):
    """The keys of a kind, made of texts as they are asked for."""

    def __init__(self, kind: KeyKind) -> None:
        self._letter, self._left_out = kind.value, _LEFT_OUT.get(kind, _nothing)

    def __missing__(self, text: str) -> tuple[str, ...]:
        words = [word for word in name_words(text) if not self._left_out(word)]
        made = self[text] = tuple([self._letter + word for word in words])
        return made


class ImageKeys:
    """Makes the search keys of one view after the other.

    What it has made of a text it keeps for the next view, since names repeat, and so do the lines
    of addresses. So let go of it with the image: names are not to stay in memory once a device is
    locked.
    """

    def __init__(self) -> None:
        self._of: dict[str, Callable[[Any], Iterable[str]]] = {
            **{path: _Made(kind).__getitem__ for path, kind in _WORDS_OF.items()},
            **{path: _as_it_is(kind) for path, kind in _WHOLE.items()},
            "address": self._of_address,
        }
        self._of_members = {at: _Made(kind).__getitem__ for at, kind in _WORDS_OF_MEMBERS.items()}
        self._of_line = _Made(KeyKind.ADDRESS).__getitem__

    def of(self, view: View) -> set[str]:
        """The search keys of a view; each live value of a conflict has its own."""
        keys, find = set[str](), self._of.get
        for each in view.values:
            path = each.path
            keys_of = find(path)
            if (
                keys_of is None
                and path.startswith(_COLLECTIONS)
                and path.endswith(_NAMES_OF_MEMBERS)
            ):
                keys_of = self._of_members[path[: path.find("/") + 1]]
            if keys_of is not None:
                value = each.value
                if isinstance(value, dict if path == "address" else str):
                    keys.update(keys_of(value))
        return keys

    def _of_address(self, address: Mapping[str, str | list[str]]) -> list[str]:
        postcode, lines = address.get("postcode"), address.get("lines")
        keys = [_POSTCODE + "".join(postcode.split())] if isinstance(postcode, str) else []
        for line in lines if isinstance(lines, list) else ():
            keys += self._of_line(line)
        return keys


def _as_it_is(kind: KeyKind) -> Callable[[str], Iterable[str]]:
    letter = kind.value
    return lambda text: (letter + text,)


def image_needs(query: Query, vocabulary: VocabularyOf, *, today: date) -> Iterator[Need]:
    """What records are looked for by, one after the other; a record's bits add up."""
    for term in query.terms:
        match term:
            case "family" | "given" | "former":
                yield from _like(query, term, KeyKind.NAME, vocabulary)
                yield from _parted_otherwise(query, term, KeyKind.NAME, vocabulary)
            case "carer":
                yield from _like(query, term, KeyKind.CARER, vocabulary)
                yield from _parted_otherwise(query, term, KeyKind.CARER, vocabulary)
            case "address":
                yield from _like(query, term, KeyKind.ADDRESS, vocabulary)
            case "school":
                yield from _like(query, term, KeyKind.SCHOOL, vocabulary)
            case "beginning":
                for word in query.words(term):
                    yield Need(ranges={KeyRange.beginning(KeyKind.NAME.value + word): most(term)})
            case "nhs_number":
                yield Need({KeyKind.NHS_NUMBER.value + query.number: most(term)})
            case "postcode":
                yield _near_place(query)
            case "born":
                yield _near_birth(query, today)
            case "age":
                yield _of_age(query, today)


def _like(query: Query, term: str, kind: KeyKind, vocabulary: VocabularyOf) -> Iterator[Need]:
    """Each word of a term apart: it may stand in another name, or be the only one that is right."""
    words = [word for word in query.words(term) if not word[0].isdigit()]
    for word in words:
        levels = vocabulary(kind).like(word)
        yield Need(
            {
                kind.value + other: _word_weight(term, level) / len(words)
                for other, level in levels.items()
            }
        )


def _parted_otherwise(
    query: Query, term: str, kind: KeyKind, vocabulary: VocabularyOf
) -> Iterator[Need]:
    """All words of a name in one, or the two that one was parted into."""
    words, bits, known = query.words(term), weight(term, Level.SPELLING), vocabulary(kind)
    if known.has(whole := as_one(words)):
        yield Need({kind.value + whole: bits})
    for parts in halves(words[0]) if len(words) == 1 else ():
        if all(map(known.has, parts)):
            yield from (Need({kind.value + part: bits / len(parts)}) for part in parts)


def _word_weight(term: str, level: Level) -> float:
    """Lines have fewer levels than names: there a word agrees or not."""
    return most(term) if term in ("address", "school") else weight(term, level)


def _near_place(query: Query) -> Need:
    place, field = query.place, field_of(query, "postcode")
    letter = KeyKind.POSTCODE.value
    if is_part(place):
        return Need(ranges={KeyRange.beginning(letter + place): most(field)})
    near = dict.fromkeys(near_postcodes(place), weight(field, Level.SLIP))
    return Need(
        {letter + each: bits for each, bits in (near | {place: most(field)}).items()},
        {KeyRange.beginning(letter + outward(place)): weight(field, Level.SIMILAR)},
    )


def _near_birth(query: Query, today: date) -> Need:
    born, field, letter = query.birth_date, field_of(query, "born"), KeyKind.BORN.value
    assert born is not None
    if born.is_whole:
        near = dict.fromkeys(born.near(), weight(field, Level.SLIP))
        return Need(
            {letter + each: bits for each, bits in (near | {born.iso: most(field)}).items()}
        )
    if born.year:
        return Need(ranges={KeyRange.beginning(letter + born.iso): most(field)})
    return Need({letter + day: most(field) for day in birthdays(born, today)})


def _of_age(query: Query, today: date) -> Need:
    assert query.years is not None
    first, last = born_between(query.years, today)
    letter = KeyKind.BORN.value
    return Need(ranges={KeyRange(letter + first, letter + last + PAST_ANY_LETTER): most("age")})


def birthdays(born: BirthDate, today: date) -> Iterator[str]:
    """This day of the year in every year in which a child can have been born."""
    earliest = (today - timedelta(days=366 * (MAX_AGE + 1))).year
    for year in range(earliest, today.year + 1):
        yield f"{year}-{born.month:02}-{born.day:02}"
