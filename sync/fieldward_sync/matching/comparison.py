"""How far a record agrees with each term of a query, by the table of fields and their levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from itertools import chain
from math import inf
from operator import attrgetter

from rapidfuzz.distance import OSA

from fieldward_sync.matching.birth_dates import BirthDate, born_between
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.folding import Words, name_words
from fieldward_sync.matching.levels import CLOSENESS, Level
from fieldward_sync.matching.name_comparison import NAME_LEVELS, name_agreement, word_agreement
from fieldward_sync.matching.postcodes import is_part, outward
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.weights import most, weight

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
    @cache
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


_NAMES = ("family", "given")
_IN_ORDER, _SWAPPED, _FORMER = (
    Compared.at("order", "order", level) for level in (Level.EXACT, Level.SWAPPED, Level.FORMER)
)
_ROUNDING_BITS = 1e-6
"""More than the order in which weights are added can change of their sum."""
_SHOWN: Mapping[str, Callable[[Facts], Iterable[str]]] = {
    "former": lambda facts: chain(*facts.former_names),
    "beginning": lambda facts: (" ".join(facts.names),),
    "born": lambda facts: facts.days,
    "age": lambda facts: facts.days,
    "sex": lambda facts: facts.sexes,
    "postcode": lambda facts: facts.postcodes,
    "address": lambda facts: facts.addresses,
    "nhs_number": lambda facts: facts.numbers,
    "carer": lambda facts: facts.carers,
    "school": lambda facts: facts.schools,
}
"""For each term but the two names, the texts of a record that it is compared with."""


class Comparison:
    """One query, compared with one record after the other."""

    def __init__(self, query: Query, *, today: date) -> None:
        # Many records have the same names and dates, or live at the same place.
        words_of = cache(name_words)
        self._compare = {
            term: cache(_comparing(query, term, words_of, today)) for term in query.compared
        }
        self._others = [
            (_SHOWN[term], compare) for term, compare in self._compare.items() if term in _SHOWN
        ]
        self._names_most = sum(most(name) for name in _NAMES if name in self._compare)
        self._asked_names = [
            (place, self._compare[name], most(name))
            for place, name in enumerate(_NAMES)
            if name in self._compare
        ]

    def of(self, facts: Facts, *, least: float = -inf) -> tuple[Compared, ...]:
        """Each term against one record; a term is left out where the record shows nothing to
        compare it with, which speaks neither for nor against it.

        Nothing at all where the record cannot weigh ``least`` bits: names take longest to compare,
        and are compared only so far as they could make up for the rest.
        """
        shown = [(tuple(texts(facts)), compare) for texts, compare in self._others]
        others = [compare(texts) for texts, compare in shown if texts]
        weighs = total(others)
        if self._names_most + weighs < least:
            return ()
        if not self._names_most:
            return tuple(others)
        needed = least - weighs
        if needed <= 0:
            return (*self._names(facts), *others)
        names = self._names(facts, above=needed - _ROUNDING_BITS)
        return (*names, *others) if names else ()

    def _names(self, facts: Facts, *, above: float = -inf) -> Sequence[Compared]:
        """Family and given name, in the reading that speaks most for the record; nothing where
        it shows none, or none of the readings weighs more than ``above``."""
        families, givens = tuple(facts.families), tuple(facts.givens)
        if not any((families, givens)[place] for place, _, _ in self._asked_names):
            return ()
        best = self._reading(_IN_ORDER, (families, givens), above=above)
        if best and all(each.level is Level.EXACT for each in best):
            return best
        above = total(best) if best else above
        best = self._reading(_SWAPPED, (givens, families), above=above) or best
        former_families, former_givens = facts.former_names
        if former_families or former_givens:
            ever = (*former_families, *families), (*former_givens, *givens)
            above = total(best) if best else above
            best = self._reading(_FORMER, ever, above=above) or best
        return best

    def _reading(
        self, order: Compared, there: tuple[tuple[str, ...], tuple[str, ...]], *, above: float
    ) -> Sequence[Compared]:
        """These families and givens, compared with those that were asked for; nothing where they
        weigh no more than another reading, which the first of them often shows."""
        compared: list[Compared] = []
        possible = self._names_most + order.weight
        for place, compare, best in self._asked_names:
            names = there[place]
            if names and possible > above:
                compared.append(compare(names))
                possible += compared[-1].weight - best
        if compared:
            compared.append(order)
        return compared if total(compared) > above else []


def total(compared: Iterable[Compared]) -> float:
    """What these weigh together, in bits."""
    return sum([each.weight for each in compared])


def _comparing(
    query: Query, term: str, words_of: Callable[[str], Words], today: date
) -> Callable[[tuple[str, ...]], Compared]:
    """How a term compares with the texts of a record, of which the one counts that speaks most for
    it: now and then that is not the closest, as weights are estimated."""
    field, agreement = field_of(query, term), _agreement(query, term, words_of, today)

    def compared(texts: tuple[str, ...]) -> Compared:
        # Most records show one text of each.
        if len(texts) == 1:
            return Compared.at(term, field, agreement(texts[0]))
        every = [Compared.at(term, field, agreement(text)) for text in texts]
        return max(every, key=attrgetter("weight"))

    return compared


def _agreement(
    query: Query, term: str, words_of: Callable[[str], Words], today: date
) -> Callable[[str], Level]:
    """How far one text agrees with a term."""
    words, place = query.words(term), query.place
    match term:
        case "born" if query.birth_date is not None:
            return partial(_day_agreement, query.birth_date)
        case "age" if query.years is not None:
            return partial(_age_agreement, query.years, today=today)
        case "sex":
            return partial(_same, query.terms[term])
        case "nhs_number":
            return partial(_same, query.number)
        case "postcode":
            return partial(_place_agreement if is_part(place) else _postcode_agreement, place)
        case "beginning":
            return lambda text: _beginning_agreement(words, words_of(text))
        case "address" | "school":
            return lambda text: _line_agreement(words, words_of(text))
        case _:
            return lambda text: name_agreement(words, words_of(text))


def _same(asked: str, there: str) -> Level:
    return Level.EXACT if asked == there else Level.DIFFERENT


def _beginning_agreement(asked: Words, there: Words) -> Level:
    if set(there).issuperset(asked):
        return Level.EXACT
    begun = all(any(word.startswith(typed) for word in there) for typed in asked)
    return Level.BEGINNING if begun else Level.DIFFERENT


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
