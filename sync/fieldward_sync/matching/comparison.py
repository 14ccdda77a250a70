"""How far a record agrees with each term of a query, by the table of fields and their levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from rapidfuzz.distance import OSA

from fieldward_sync.matching.birth_dates import BirthDate, born_between
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.folding import Words, name_words
from fieldward_sync.matching.levels import CLOSENESS, Level, closest
from fieldward_sync.matching.name_comparison import NAME_LEVELS, name_agreement, word_agreement
from fieldward_sync.matching.postcodes import is_part, outward
from fieldward_sync.matching.query import WORD_TERMS, Query
from fieldward_sync.matching.weights import weight

_LINE_LEVELS = (Level.EXACT, Level.PART, Level.SHARED, Level.DIFFERENT)
_PARTIAL_DATE_LEVELS = (Level.EXACT, Level.SLIP, Level.DIFFERENT)

FIELDS = {
    "family": NAME_LEVELS,
    "given": NAME_LEVELS,
    "former": NAME_LEVELS,
    "order": (Level.EXACT, Level.SWAPPED, Level.FORMER),
    "beginning": (Level.EXACT, Level.BEGINNING, Level.DIFFERENT),
    "born": (Level.EXACT, Level.SWAPPED, Level.SLIP, Level.SIMILAR, Level.DIFFERENT),
    "month": _PARTIAL_DATE_LEVELS,
    "year": _PARTIAL_DATE_LEVELS,
    "birthday": _PARTIAL_DATE_LEVELS,
    "age": _PARTIAL_DATE_LEVELS,
    "sex": (Level.EXACT, Level.DIFFERENT),
    "postcode": (Level.EXACT, Level.SLIP, Level.SIMILAR, Level.DIFFERENT),
    "district": (Level.EXACT, Level.SLIP, Level.DIFFERENT),
    "address": _LINE_LEVELS,
    "nhs_number": (Level.EXACT, Level.DIFFERENT),
    "carer": NAME_LEVELS,
    "school": _LINE_LEVELS,
}
"""What is compared, and the levels at which it can agree, the closest first.

A birth date or postcode that is remembered in part is a field of its own, since less of it speaks
for a record; *order* is whether the names are those that were asked for, in the order asked for.
"""


@dataclass(frozen=True)
class Compared:
    """One term against one record."""

    term: str
    """The query's; ``order`` beside the names."""
    field: str
    level: Level
    weight: float
    """In bits."""

    @classmethod
    def at(cls, term: str, field: str, level: Level) -> Compared:
        """A field that agrees at this level."""
        return cls(term, field, level, weight(field, level))


def field_of(query: Query, term: str) -> str:
    """The field as which a term is compared."""
    if term == "born" and (born := query.birth_date) is not None and not born.is_whole:
        return ("month" if born.month else "year") if born.year else "birthday"
    if term == "postcode" and is_part(query.place):
        return "district"
    return term


class Comparison:
    """One query, compared with one record after the other."""

    def __init__(self, query: Query, *, today: date) -> None:
        self._query = query
        self._today = today
        self._words = {term: query.words(term) for term in WORD_TERMS if term in query.terms}
        self._compared: dict[tuple[str, str], Level] = {}
        """Texts that were compared already: many records have the same names."""

    def of(self, facts: Facts) -> tuple[Compared, ...]:
        """Each term against one record; a term is left out where the record shows nothing to
        compare it with, which speaks neither for nor against it."""
        return (*self._name(facts), *self._others(facts))

    def _name(self, facts: Facts) -> Sequence[Compared]:
        """Family and given name, in the reading that speaks most for the record."""
        if not {"family", "given"} & self._words.keys():
            return []
        readings = [self._reading(Level.EXACT, facts.families, facts.givens)]
        if any(each.level is not Level.EXACT for each in readings[0]):
            readings.append(self._reading(Level.SWAPPED, facts.givens, facts.families))
            if facts.former_families or facts.former_givens:
                families = (*facts.former_families, *facts.families)
                givens = (*facts.former_givens, *facts.givens)
                readings.append(self._reading(Level.FORMER, families, givens))
        return max(readings, key=lambda reading: sum(each.weight for each in reading))

    def _reading(
        self, order: Level, families: Sequence[str], givens: Sequence[str]
    ) -> list[Compared]:
        compared = [
            Compared.at(term, term, closest(self._by_words(term, there, name_agreement)))
            for term, there in (("family", families), ("given", givens))
            if term in self._words and there
        ]
        return [*compared, Compared.at("order", "order", order)] if compared else []

    def _others(self, facts: Facts) -> Iterator[Compared]:
        for term in self._query.terms:
            if term in self._levels_of and (levels := self._levels_of[term](facts)):
                yield Compared.at(term, field_of(self._query, term), closest(levels))

    def _by_words(
        self, term: str, texts: Iterable[str], agreement: Callable[[Words, Words], Level]
    ) -> list[Level]:
        return [self._level(term, text, agreement) for text in texts]

    def _level(self, term: str, text: str, agreement: Callable[[Words, Words], Level]) -> Level:
        level = self._compared.get((term, text))
        if level is None:
            level = agreement(self._words[term], name_words(text))
            self._compared[term, text] = level
        return level

    def _former(self, facts: Facts) -> list[Level]:
        former = (*facts.former_families, *facts.former_givens)
        return self._by_words("former", former, name_agreement)

    def _carer(self, facts: Facts) -> list[Level]:
        return self._by_words("carer", facts.carers, name_agreement)

    def _beginning(self, facts: Facts) -> list[Level]:
        asked = self._words["beginning"]
        words = {word for name in facts.names for word in name_words(name)}
        if words.issuperset(asked):
            return [Level.EXACT]
        begun = all(any(word.startswith(typed) for word in words) for typed in asked)
        return [Level.BEGINNING if begun else Level.DIFFERENT]

    def _born(self, facts: Facts) -> list[Level]:
        asked = self._query.birth_date
        return [_day_agreement(asked, day) for day in facts.days] if asked else []

    def _age(self, facts: Facts) -> list[Level]:
        years = self._query.years
        if years is None:
            return []
        return [_age_agreement(years, day, self._today) for day in facts.days]

    def _sex(self, facts: Facts) -> list[Level]:
        return _same(self._query.terms["sex"], facts.sexes)

    def _nhs_number(self, facts: Facts) -> list[Level]:
        return _same(self._query.number, facts.numbers)

    def _postcode(self, facts: Facts) -> list[Level]:
        place = self._query.place
        agreement = _place_agreement if is_part(place) else _postcode_agreement
        return [agreement(place, postcode) for postcode in facts.postcodes]

    def _address(self, facts: Facts) -> list[Level]:
        return self._by_words("address", facts.addresses, _line_agreement)

    def _school(self, facts: Facts) -> list[Level]:
        return self._by_words("school", facts.schools, _line_agreement)

    @cached_property
    def _levels_of(self) -> Mapping[str, Callable[[Facts], list[Level]]]:
        """For each term but the two names, how far each value that a record shows agrees."""
        return {
            "former": self._former,
            "beginning": self._beginning,
            "born": self._born,
            "age": self._age,
            "sex": self._sex,
            "postcode": self._postcode,
            "address": self._address,
            "nhs_number": self._nhs_number,
            "carer": self._carer,
            "school": self._school,
        }


def _same(asked: str, values: Sequence[str]) -> list[Level]:
    return [Level.EXACT if asked == value else Level.DIFFERENT for value in values]


def _day_agreement(asked: BirthDate, day: str) -> Level:
    there = BirthDate(int(day[:4]), int(day[5:7]), int(day[8:]))
    if asked.is_whole:
        return _whole_date(asked, there)
    if asked.year:
        return _year_and_month(asked, there)
    if (asked.month, asked.day) == (there.month, there.day):
        return Level.EXACT
    return Level.SLIP if asked.day == there.day or asked.month == there.month else Level.DIFFERENT


def _whole_date(asked: BirthDate, there: BirthDate) -> Level:
    if asked == there:
        return Level.EXACT
    if (asked.year, asked.day, asked.month) == (there.year, there.month, there.day):
        return Level.SWAPPED
    if OSA.distance(asked.iso, there.iso, score_cutoff=1) == 1:
        return Level.SLIP
    same = (asked.year == there.year) + (asked.month == there.month) + (asked.day == there.day)
    return Level.SIMILAR if same == 2 else Level.DIFFERENT


def _year_and_month(asked: BirthDate, there: BirthDate) -> Level:
    if asked.year == there.year and asked.month in (0, there.month):
        return Level.EXACT
    a_year_away = abs(asked.year - there.year) == 1 and asked.month in (0, there.month)
    another_month = asked.month > 0 and asked.year == there.year
    return Level.SLIP if a_year_away or another_month else Level.DIFFERENT


def _age_agreement(age: int, day: str, today: date) -> Level:
    for level, years in ((Level.EXACT, age), (Level.SLIP, age + 1), (Level.SLIP, age - 1)):
        first, last = born_between(years, today)
        if years >= 0 and first <= day <= last:
            return level
    return Level.DIFFERENT


def _place_agreement(place: str, postcode: str) -> Level:
    """The beginning of a postcode against a whole one: ``M1`` is a district, and begins others."""
    if postcode.startswith(place):
        return Level.EXACT
    near = OSA.distance(place, postcode[: len(place)], score_cutoff=1) <= 1
    return Level.SLIP if near and len(place) > 1 else Level.DIFFERENT


def _postcode_agreement(asked: str, there: str) -> Level:
    if asked == there:
        return Level.EXACT
    if OSA.distance(asked, there, score_cutoff=1) == 1:
        return Level.SLIP
    return Level.SIMILAR if outward(asked) == outward(there) else Level.DIFFERENT


def _line_agreement(asked: Words, there: Words) -> Level:
    """Numbers agree whole or not at all; of the words, slips and other spellings do."""
    agreed = sum(any(_word_is(word, other) for other in there) for word in asked)
    if agreed == len(asked):
        return Level.EXACT
    if agreed * 2 >= len(asked):
        return Level.PART
    return Level.SHARED if agreed else Level.DIFFERENT


def _word_is(asked: str, there: str) -> bool:
    if asked[0].isdigit() or there[0].isdigit():
        return asked == there
    return CLOSENESS[word_agreement(asked, there)] <= CLOSENESS[Level.BEGINNING]
