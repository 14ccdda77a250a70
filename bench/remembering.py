"""Children as they are asked for, and how well a search finds them.

What is remembered of a child differs from its record by slips (``population.slips``), so many in so
many of its fields; the search has to find that very record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random
from typing import Any

from bench.results import Row, at_least
from fieldward_server.population.slips import FIELDS, Field, Remembered, with_slip
from fieldward_sync.errors import CallerMistake
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Ranking

FEW = 5
"""Hits that are taken in at a glance."""

Child = Mapping[str, Any]
"""A nested record."""

Search = Callable[[Query], Ranking]


@dataclass(frozen=True)
class Way:
    """A way of asking."""

    name: str
    fields: tuple[Field, ...] = FIELDS
    """What is given."""
    wrong: int = 2
    """How many of them have slips."""
    slips: int = 1
    """In each of these; fewer where no second one is possible."""
    family: str | None = None
    """Of the slips; ``None`` for any."""
    right: tuple[Field, ...] = ()
    """Never wrong."""


TWO_OF_THREE = Way("name, birth date, postcode, two wrong")
NAME_WRONG = Way("a name alone, one slip", ("name",), 1)
WAYS = (
    TWO_OF_THREE,
    Way("a name alone", ("name",), 0),
    NAME_WRONG,
    Way("name and birth date, one slip each", ("name", "born"), 2),
    Way("heavy: two slips in each of the three", FIELDS, 3, slips=2),
)


@dataclass(frozen=True)
class Asked:
    """A child and how it is asked for."""

    record_id: str
    terms: Mapping[str, str]


def in_the_open(children: Sequence[Child], chance: Random) -> Iterator[Child]:
    """Children whose records have no shield, any number of them, at random."""
    while True:
        child = chance.choice(children)
        if "shield" not in child:
            yield child


def ask(children: Iterable[Child], way: Way, chance: Random) -> Iterator[Asked]:
    """Each of these children, asked for in this way; who cannot be is passed over: a record without
    a postcode, a field in which no such slip is possible."""
    for child in children:
        remembered = Remembered.of(child)
        if all(remembered.knows(each) for each in way.fields):
            recalled = recall(remembered, way, chance)
            if recalled is not None:
                yield Asked(child["record_id"], recalled.terms)


def recall(child: Remembered, way: Way, chance: Random) -> Remembered | None:
    """What is given of a child; ``None`` if not so many fields can have such slips."""
    recalled, wrong = _given(child, way.fields), 0
    fields = [each for each in way.fields if each not in way.right]
    for each in chance.sample(fields, len(fields)):
        if wrong == way.wrong:
            break
        slipped = with_slip(recalled, each, chance, family=way.family)
        if slipped is not None:
            wrong += 1
            for _ in range(way.slips - 1):
                again = with_slip(slipped, each, chance, family=way.family)
                slipped = again if again not in (None, recalled) else slipped
            recalled = slipped
    return recalled if wrong == way.wrong else None


def _given(child: Remembered, fields: Sequence[Field]) -> Remembered:
    return replace(
        child if "name" in fields else replace(child, family="", given=""),
        born=child.born if "born" in fields else "",
        postcode=child.postcode if "postcode" in fields else "",
    )


@dataclass(frozen=True)
class Result:
    """What one search came to."""

    place: int
    """Of the child who was meant, from 1; 0 if it was not shown."""
    shown: int
    too_many: bool


@dataclass
class Score:
    """What many searches came to."""

    results: list[Result] = field(default_factory=list)

    @classmethod
    def of(cls, asked: Iterable[Asked], search: Search, *, searches: int) -> Score:
        """So many of these, searched for."""
        return cls([look_for(each, search) for each in islice(asked, searches)])

    def recall(self, at: int) -> float:
        """How often who was meant was among the first so many, in percent."""
        return self._percent(0 < each.place <= at for each in self.results)

    @property
    def few(self) -> float:
        """How often no more was shown than is taken in at a glance, in percent."""
        return self._percent(each.shown <= FEW for each in self.results)

    def rows(self, what: str) -> Iterator[Row]:
        """All figures, without budgets."""
        for at in (1, 5, 10):
            yield Row(f"{what}: recall at {at}", self.recall(at), "%")
        yield Row(f"{what}: at most {FEW} shown", self.few, "%")
        too_many = self._percent(each.too_many for each in self.results)
        nothing = self._percent(not each.too_many and each.shown == 0 for each in self.results)
        yield Row(f"{what}: more is asked for", too_many, "%")
        yield Row(f"{what}: nothing shown", nothing, "%")

    def short_rows(self, what: str) -> Iterator[Row]:
        """The two figures that say most, without budgets."""
        for at in (1, 5):
            yield Row(f"{what}: recall at {at}", self.recall(at), "%")

    def budgeted_rows(self, what: str, **budgets: float) -> Iterator[Row]:
        """All figures; ``first``, ``fifth`` and ``few`` are at least so many percent."""
        named = {"first": "recall at 1", "fifth": "recall at 5", "few": f"at most {FEW} shown"}
        least = {f"{what}: {named[figure]}": budget for figure, budget in budgets.items()}
        for row in self.rows(what):
            yield at_least(row.row, row.value, "%", least[row.row]) if row.row in least else row

    def _percent(self, answers: Iterable[bool]) -> float:
        return 100 * sum(answers) / max(1, len(self.results))


def look_for(asked: Asked, search: Search) -> Result:
    """What one search comes to. What is too little to search by finds nothing."""
    try:
        ranking = search(Query(**asked.terms))
    except CallerMistake:
        return Result(0, 0, too_many=False)
    ids = [view.record_id for view, _ in ranking.found]
    place = ids.index(asked.record_id) + 1 if asked.record_id in ids else 0
    return Result(place, len(ids), ranking.too_many)
