"""Which of the records that could be meant are shown, and in what order.

Below a floor nothing is shown, nor what is far less likely than the best; and where more fit about
equally than a page holds, nothing is listed and more is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fieldward_sync.matching.comparison import Compared, Comparison, field_of, total
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.weights import most as most_of
from fieldward_sync.views import View

MAX_HITS = 20
"""A page; there is no second one."""
FLOOR = 0.3
"""Of the weight that a record has in which everything agrees: what has less is not shown."""
BEHIND_BITS = 10.0
"""What is this much less likely than the best, a thousand times, is not shown beside it."""
ORDER = "order"


@dataclass(frozen=True)
class Match:
    """How well a record fits a query, and why."""

    weight: float
    """In bits: see ``weights``."""
    score: float
    """The part of the most that this query can weigh, 0 to 1."""
    agreement: Mapping[str, str]
    """For each term that the record shows something of, in a word (``Level``): why it is a hit.

    ``order`` is there where names agree only as former ones or exchanged."""


@dataclass(frozen=True)
class Ranking:
    """What a search comes to."""

    found: tuple[tuple[View, Match], ...] = ()
    """Best first, at most a page."""
    too_many: bool = False
    """More fit about equally well than a page holds: then none is listed."""

    @property
    def bits(self) -> float:
        """What the best of them weighs."""
        return max((match.weight for _, match in self.found), default=0.0)


def rank(query: Query, views: Iterable[View], *, today: date) -> Ranking:
    """The records among these that fit, best first."""
    comparison, most = Comparison(query, today=today), _most(query)
    fitting: list[tuple[float, View, Sequence[Compared]]] = []
    best = 0.0
    for view in views:
        least = max(FLOOR * most, best - BEHIND_BITS)
        compared = comparison.of(Facts.of(view), least=least)
        weight = total(compared)
        if weight >= least:
            fitting.append((weight, view, compared))
            best = max(best, weight)
    shown = [each for each in fitting if each[0] >= best - BEHIND_BITS]
    if len(shown) > MAX_HITS:
        return Ranking(too_many=True)
    shown.sort(key=lambda each: (-each[0], each[1].record_id))
    return Ranking(
        tuple((view, Match(bits, bits / most, _told(compared))) for bits, view, compared in shown)
    )


def _told(compared: Iterable[Compared]) -> Mapping[str, str]:
    return {each.term: each.level.value for each in compared if _is_told(each)}


def _is_told(compared: Compared) -> bool:
    return compared.term != ORDER or compared.level is not Level.EXACT


def _most(query: Query) -> float:
    """What a record weighs in which everything agrees."""
    fields = [field_of(query, term) for term in query.compared]
    names = {"family", "given"}.intersection(query.compared)
    return sum(most_of(field) for field in [*fields, *([ORDER] if names else [])])
