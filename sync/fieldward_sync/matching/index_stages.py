"""What to look up in a whole index for a query, in stages: the likeliest first.

Keys join two things that are remembered, and each may carry a slip: slips are made good by asking
for all that something may have been meant for. Stages go on only while nothing sure was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from fieldward_sync.matching.birth_dates import born_between
from fieldward_sync.matching.comparison import field_of
from fieldward_sync.matching.evidence import Question, Worth
from fieldward_sync.matching.folding import sound
from fieldward_sync.matching.image_keys import birthdays
from fieldward_sync.matching.index_keys import (
    dated_key,
    name_pairs,
    number_key,
    paired_key,
    place_key,
    placed_key,
)
from fieldward_sync.matching.key_ranges import KeyRange
from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.parted_names import as_one, behind_particles
from fieldward_sync.matching.postcodes import is_part, near_districts, near_postcodes, outward
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.spellings import spellings_of
from fieldward_sync.matching.weights import most, weight

MAX_ROWS = 500
"""Of the index, that one question reads: whatever more records share tells none of them apart."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SPANS_OF_ALL = (("", ""),)
_FAMILIES = ("family", "former")
"""The terms that may be a family name with a particle."""


@dataclass(frozen=True)
class Stage:
    """Questions to be asked together."""

    questions: tuple[Question, ...]
    unasked_bits: float
    """The most that a record can weigh which no question so far has asked for: once something was
    found that weighs as much, it is not worth asking on."""


class _Heard(NamedTuple):
    """A name as it sounds, and what it says for a record to have it."""

    term: str
    sound: str
    bits: float

    as_written: bool = False

    def worth(self, **more: float) -> Worth:
        return {self.term: self.bits, **more}


def index_stages(query: Query, *, today: date) -> Iterator[Stage]:
    """What to look up; the next stage only while what it asks for could outweigh what was found."""
    search = _Search(query, today)
    asked = (search.likely, search.one_slip, search.slips)
    for questions, unasked_bits in zip(asked, search.unasked_bits(), strict=True):
        if something := tuple(each for each in questions() if each.keys or each.ranges):
            yield Stage(something, unasked_bits)


class _Search:
    def __init__(self, query: Query, today: date) -> None:
        self._query = query
        self._today = today
        self._heard = tuple(_heard(query))
        self._as_written = tuple(heard for heard in self._heard if heard.as_written)
        self._pairs = _spelled_pairs(self._heard)
        self._written = name_pairs(
            map(sound, query.words("family")), [*map(sound, query.words("given"))]
        )
        born = query.birth_date
        self._day = born.iso if born is not None and born.is_whole else ""
        self._near_days = born.near() if born is not None and born.is_whole else ()
        self._dated = most(field_of(query, "age" if query.birth_date is None else "born"))
        whole = query.place and not is_part(query.place)
        self._district = outward(query.place) if whole else ""

    def likely(self) -> tuple[Question, ...]:
        """As remembered, or nearly: of name, birth date and place one is right."""
        query, keys = self._query, dict[str, Worth]()
        if query.number:
            keys[number_key(query.number)] = {"nhs_number": most("nhs_number")}
        if self._district:
            keys[place_key(query.place)] = {"postcode": most("postcode")}
        if self._near_days:
            near = _both(born=weight("born", Level.SLIP))
            keys |= {paired_key(p, day): near for p in self._written for day in self._near_days}
        dated = [(heard.sound, heard.worth(born=self._dated)) for heard in self._heard]
        both = _both(born=self._dated)
        for day in self._days():
            keys |= {dated_key(heard, day): worth for heard, worth in dated}
            keys |= {paired_key(pair, day): both for pair in self._pairs}
        placed = {} if self._day else self._placed(self._as_written, [self._district])
        return (Question(keys), Question(placed), Question(ranges=self._likely_ranges()))

    def one_slip(self) -> tuple[Question, ...]:
        """A slip in the birth date, in a name or in the second half of a postcode."""
        slip = weight("born", Level.SLIP)
        near = {
            dated_key(heard.sound, day): worth
            for heard in self._as_written
            for worth in (heard.worth(born=slip),)
            for day in self._near_days
        }
        slipped = {
            dated_key(heard.sound, self._day): heard.worth(born=self._dated)
            for heard in (_slipped(self._query) if self._day else ())
        }
        spans = {
            _pair_span(pair, *span): _both(born=weight(field_of(self._query, "born"), Level.SLIP))
            for pair in self._written
            for span in self._near_spans()
        }
        placed = self._placed(self._as_written, [self._district]) if self._day else {}
        return (Question(near), Question(slipped), Question(placed), Question(ranges=spans))

    def slips(self) -> tuple[Question, ...]:
        """Slips in the first half of a postcode, or in a name and in the second half: for whom a
        birth date has not found already."""
        if self._day or not self._district:
            return ()
        if not self._heard:
            slip: Worth = {"postcode": weight("postcode", Level.SLIP)}
            return (Question({place_key(p): slip for p in near_postcodes(self._query.place)}),)
        return (
            Question(self._placed(self._heard, [self._district])),
            Question(self._placed(_slipped(self._query), [self._district])),
            Question(self._placed(self._as_written, near_districts(self._district))),
        )

    def unasked_bits(self) -> tuple[float, float, float]:
        """What a record can weigh that the first stage has not asked for, or the second."""
        exact, slip = self._bits(Level.EXACT), self._bits(Level.SLIP)
        if not self._day:
            far = exact["family"] + exact["given"] + slip["postcode"]
            return far, far, 0.0
        one_name = max(exact["family"] + slip["given"], slip["family"] + exact["given"])
        no_name = slip["family"] + slip["given"]
        after_likely = max(one_name + slip["born"], no_name + exact["born"]) + slip["postcode"]
        return after_likely, no_name + slip["born"] + slip["postcode"], 0.0

    def _bits(self, level: Level) -> dict[str, float]:
        """What the terms weigh that are given, at a level."""
        return {
            term: weight(field_of(self._query, term), level)
            if term in self._query.compared
            else 0.0
            for term in ("family", "given", "born", "postcode")
        }

    def _likely_ranges(self) -> dict[KeyRange, Worth]:
        query, spans = self._query, self._spans()
        known: Worth = {} if spans == _SPANS_OF_ALL else {"born": self._dated}
        if query.place and not self._district:
            bits = most(field_of(query, "postcode"))
            return {
                KeyRange.beginning(placed_key(h.sound, query.place)): h.worth(postcode=bits)
                for h in self._heard
            }
        if self._pairs:
            return {
                _pair_span(pair, *span): _both(**known) for pair in self._pairs for span in spans
            }
        if query.place:
            return {}
        return {
            KeyRange(dated_key(h.sound, first), _past(dated_key(h.sound, last))): h.worth(**known)
            for h in self._heard
            for first, last in spans
        }

    @staticmethod
    def _placed(names: Iterable[_Heard], districts: Iterable[str]) -> dict[str, Worth]:
        """Names in districts, of which one is empty where no whole postcode is asked for."""
        bits = weight("postcode", Level.SLIP)
        return {
            placed_key(heard.sound, district): heard.worth(postcode=bits)
            for heard, district in product(names, districts)
            if district
        }

    def _days(self) -> tuple[str, ...]:
        """The single days that are asked for."""
        born = self._query.birth_date
        if born is not None and not born.year:
            return tuple(birthdays(born, self._today))
        return (self._day,) if self._day else ()

    def _spans(self) -> tuple[tuple[str, str], ...]:
        """The spans of days that are asked for, each by its first and its last: all days where
        nothing is remembered of the birth date."""
        born, age = self._query.birth_date, self._query.years
        if born is not None:
            return ((born.iso, born.iso),) if born.year and not born.is_whole else ()
        return _SPANS_OF_ALL if age is None else (born_between(age, self._today),)

    def _near_spans(self) -> Iterator[tuple[str, str]]:
        """A year before and a year after what is remembered in part, or of an age."""
        born, age = self._query.birth_date, self._query.years
        for more in (-1, 1):
            if born is not None and born.year and not born.is_whole:
                near = replace(born, year=born.year + more).iso
                yield near, near
            elif born is None and age is not None and age + more >= 0:
                yield born_between(age + more, self._today)


def _heard(query: Query) -> Iterator[_Heard]:
    """How the names that are asked for sound, in each spelling that they are known under."""
    for term in ("family", "given", "former", "beginning"):
        field = "family" if term == "beginning" else term
        words = query.words(term)
        for word in words:
            if len(word) > 1:
                own = sound(word)
                others = {sound(spelling) for spelling in spellings_of(word)} - {own}
                yield _Heard(term, own, most(field), as_written=True)
                for other in sorted(others):
                    yield _Heard(term, other, weight(field, Level.SPELLING))
        for parted in (as_one(words), *(behind_particles(words) if term in _FAMILIES else ())):
            if parted:
                yield _Heard(term, sound(parted), weight(field, Level.SPELLING))


def _slipped(query: Query) -> list[_Heard]:
    """How the names sound that these become by one slip."""
    return [
        _Heard(term, heard, weight(term, Level.SLIP))
        for term in ("family", "given")
        for word in query.words(term)
        if len(word) > 2
        for heard in _sounds_by_one_slip(word)
    ]


@lru_cache(maxsize=1024)
def _sounds_by_one_slip(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(sound, _one_slip(word))))


def _one_slip(word: str) -> Iterator[str]:
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        for letter in _LETTERS:
            yield before + letter + after
            if after:
                yield before + letter + after[1:]
        if after:
            yield before + after[1:]
        if after[1:]:
            yield before + after[1] + after[0] + after[2:]


def _spelled_pairs(heard: Iterable[_Heard]) -> frozenset[str]:
    sounds: dict[str, list[str]] = {}
    for each in heard:
        sounds.setdefault(each.term, []).append(each.sound)
    return name_pairs(sounds.get("family", ()), sounds.get("given", ()))


def _both(**more: float) -> Worth:
    return {"family": most("family"), "given": most("given"), **more}


def _pair_span(pair: str, first: str, last: str) -> KeyRange:
    return KeyRange(paired_key(pair, first), _past(paired_key(pair, last)))


def _past(start: str) -> str:
    return KeyRange.beginning(start).past
