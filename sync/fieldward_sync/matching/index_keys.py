"""The keys of a whole index of millions, and which of them a query asks for.

There a name alone, or a birth date alone, is shared by thousands: keys join two things that are
remembered, so that each look-up finds a few. Names go in by their sound, slips by asking for what
they may have been. A query is asked for in stages, the likeliest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from fieldward_sync.matching.birth_dates import born_between
from fieldward_sync.matching.comparison import field_of
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.folding import Words, name_words, sound
from fieldward_sync.matching.image_keys import birthdays
from fieldward_sync.matching.key_ranges import KeyRange
from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.needs import Need
from fieldward_sync.matching.postcodes import (
    is_part,
    near_districts,
    near_postcodes,
    outward,
)
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.spellings import spellings_of
from fieldward_sync.matching.weights import most, weight
from fieldward_sync.views import View

MAX_ROWS = 2_000
"""Of the index, read by one stage at most."""

NUMBER, NAME, PLACE = "number", "name", "place"
"""The parts of a query that find records independently of each other."""

_NAME_BITS = most("family")

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Stage:
    """What is looked up together, by the part of the query that it comes from."""

    needs: Mapping[str, Need]

    @property
    def keys(self) -> frozenset[str]:
        """All keys."""
        return frozenset().union(*(need.keys for need in self.needs.values()))

    @property
    def ranges(self) -> tuple[KeyRange, ...]:
        """All ranges of keys."""
        return tuple(span for need in self.needs.values() for span in need.ranges)


def index_keys(view: View) -> frozenset[str]:
    """The keys of a view; each live value of a conflict has its own."""
    facts = Facts.of(view)
    families = [name_words(name) for name in (*facts.families, *facts.former_families)]
    givens = [name_words(name) for name in (*facts.givens, *facts.former_givens)]
    sounds = {sound(word) for name in (*families, *givens) for word in name}
    pairs = _pairs(families, givens)
    return frozenset(
        (
            *(_number(number) for number in facts.numbers),
            *(_place(postcode) for postcode in facts.postcodes),
            *(_dated(heard, day) for heard in sounds for day in facts.days),
            *(_placed(heard, outward(each)) for heard in sounds for each in facts.postcodes),
            *(_paired(pair, day) for pair in pairs for day in facts.days),
        )
    )


def index_stages(query: Query, *, today: date) -> Iterator[Stage]:
    """What to look up; the next stage only while nothing sure was found."""
    yield Stage(
        {
            NUMBER: Need({_number(query.number): most("nhs_number")} if query.number else {}),
            NAME: _likely_names(query, today),
            PLACE: Need({_place(query.place): most("postcode")} if _is_whole(query) else {}),
        }
    )
    yield Stage({NAME: _slipped_names(query, today), PLACE: _slipped_place(query)})


def _likely_names(query: Query, today: date) -> Need:
    """The names as remembered, in every spelling; with them the birth date or the place."""
    days, spans = _days(query, today)
    names, pairs = _sounds(query), _asked_pairs(query)
    dated, pair = most(field_of(query, "born")), 2 * _NAME_BITS
    keys = {
        **{_dated(heard, day): _NAME_BITS + dated for heard in names for day in days},
        **{
            _paired(each, day): pair + weight("born", Level.SLIP)
            for each in _pairs_as_written(query)
            for day in _near_days(query)
        },
        **{_paired(each, day): pair + dated for each in pairs for day in days},
    }
    ranges = {_span(each, *span): pair for each in pairs for span in spans}
    if _is_whole(query):
        district = outward(query.place)
        keys |= {_placed(heard, district): _NAME_BITS for heard in names}
    elif query.place:
        ranges |= {KeyRange.beginning(_placed(heard, query.place)): _NAME_BITS for heard in names}
    elif not pairs:
        ranges |= {
            KeyRange(_dated(heard, first), _past(_dated(heard, last))): _NAME_BITS
            for heard in names
            for first, last in spans
        }
    return Need(keys, ranges)


def _slipped_names(query: Query, today: date) -> Need:
    """A slip in a name and the rest right, or the other way round."""
    names, slipped = _sounds(query), _slipped_sounds(query)
    born, slip = query.birth_date, weight("family", Level.SLIP)
    keys: dict[str, float] = {}
    if born is not None and born.is_whole:
        keys |= {_dated(heard, born.iso): slip + most("born") for heard in slipped}
        near = weight("born", Level.SLIP)
        keys |= {_dated(heard, day): _NAME_BITS + near for heard in names for day in born.near()}
    if _is_whole(query):
        district = outward(query.place)
        keys |= {_placed(heard, district): slip for heard in slipped}
        keys |= {_placed(heard, near): slip for heard in names for near in near_districts(district)}
    return Need(
        keys,
        {
            _span(pair, *span): 2 * _NAME_BITS
            for pair in _pairs_as_written(query)
            for span in _near_spans(query, today)
        },
    )


def _slipped_place(query: Query) -> Need:
    if not _is_whole(query):
        return Need()
    slip = weight("postcode", Level.SLIP)
    return Need({_place(near): slip for near in near_postcodes(query.place)})


def _is_whole(query: Query) -> bool:
    return bool(query.place) and not is_part(query.place)


def _near_spans(query: Query, today: date) -> Iterator[tuple[str, str]]:
    """A year before and a year after what is remembered of a birth date in part, or of an age."""
    born, age = query.birth_date, query.years
    for more in (-1, 1):
        if born is not None and born.year and not born.is_whole:
            near = replace(born, year=born.year + more).iso
            yield near, near
        elif born is None and age is not None and age + more >= 0:
            yield born_between(age + more, today)


def _days(query: Query, today: date) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The birth dates asked for: single days, and spans of them; every day where none is."""
    born, age = query.birth_date, query.years
    if born is not None and born.is_whole:
        return (born.iso,), ()
    if born is not None and not born.year:
        return tuple(birthdays(born, today)), ()
    if born is not None:
        return (), ((born.iso, born.iso),)
    if age is not None:
        return (), (born_between(age, today),)
    return (), (("", ""),)


def _near_days(query: Query) -> tuple[str, ...]:
    born = query.birth_date
    return born.near() if born is not None and born.is_whole else ()


def _sounds(query: Query) -> tuple[str, ...]:
    """How the names that are asked for sound, in each spelling that they are known under."""
    words = (
        word for term in ("family", "given", "former", "beginning") for word in query.words(term)
    )
    return tuple(dict.fromkeys(_heard(word for word in words if len(word) > 1)))


def _heard(words: Iterable[str]) -> Iterator[str]:
    return (sound(spelling) for word in words for spelling in sorted(spellings_of(word)))


def _slipped_sounds(query: Query) -> tuple[str, ...]:
    words = [word for term in ("family", "given") for word in query.words(term) if len(word) > 2]
    return tuple(dict.fromkeys(sound(slip) for word in words for slip in _one_slip(word)))


def _one_slip(word: str) -> Iterator[str]:
    for at in range(len(word) + 1):
        before, after = word[:at], word[at:]
        for letter in _LETTERS:
            yield before + letter + after
            if after:
                yield before + letter + after[1:]
        if after[1:]:
            yield before + after[1:]
            yield before + after[1] + after[0] + after[2:]


def _asked_pairs(query: Query) -> frozenset[str]:
    """The pairs of a family and a given name, in each spelling that they are known under."""
    families, givens = (set(_heard(query.words(term))) for term in ("family", "given"))
    return frozenset(_joined(*pair) for pair in product(families, givens))


def _pairs_as_written(query: Query) -> frozenset[str]:
    return _pairs([query.words("family")], [query.words("given")])


def _pairs(families: Iterable[Words], givens: Iterable[Words]) -> frozenset[str]:
    return frozenset(
        _joined(sound(one), sound(other))
        for family in families
        for given in givens
        for one, other in product(family, given)
    )


def _joined(one: str, other: str) -> str:
    """Two sounds, whichever of them was the family name."""
    first, second = sorted((one, other))
    return f"{first}+{second}"


def _number(number: str) -> str:
    return f"h{number}"


def _place(postcode: str) -> str:
    return f"p{postcode}"


def _dated(heard: str, day: str) -> str:
    return f"d{heard} {day}"


def _placed(heard: str, district: str) -> str:
    return f"o{heard} {district}"


def _paired(pair: str, day: str) -> str:
    return f"f{pair} {day}"


def _span(pair: str, first: str, last: str) -> KeyRange:
    return KeyRange(_paired(pair, first), _past(_paired(pair, last)))


def _past(start: str) -> str:
    return KeyRange.beginning(start).past
