"""Children to be found, and an index of the kind that the server keeps, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fieldward_sync.matching.candidates import choose
from fieldward_sync.matching.evidence import Evidence
from fieldward_sync.matching.index_keys import index_keys
from fieldward_sync.matching.index_stages import index_stages
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Ranking, rank
from fieldward_sync.records import Value
from fieldward_sync.views import View, ViewValue

TODAY = date(2026, 11, 28)


def child(
    record_id: str,
    given: str,
    family: str,
    born: str = "",
    postcode: str = "",
    **others: Value,
) -> View:
    """A view; ``others`` are further paths, with ``__`` for a dot and ``_of_`` for a slash."""
    values: dict[str, Value] = {"name.family": family, "name.given": given}
    if born:
        values["born"] = born
    if postcode:
        values["address"] = {"kind": "current", "lines": ["1 High St"], "postcode": postcode}
    values |= {p.replace("_of_", "/").replace("__", "."): v for p, v in others.items()}
    shown = (ViewValue(path, 1, value) for path, value in sorted(values.items()))
    return View(record_id, 1, "shield" in values, tuple(shown))


def with_another(view: View, path: str, value: Value) -> View:
    """The same in conflict: another value stands at a path."""
    values = sorted((*view.values, ViewValue(path, 2, value)), key=lambda v: (v.path, v.number))
    return View(view.record_id, view.revision, view.shielded, tuple(values))


def found_by(ranking: Ranking) -> list[str]:
    """The ids of the records found, best first."""
    return [view.record_id for view, _ in ranking.found]


def why(ranking: Ranking) -> dict[str, str]:
    """Why the best one is there."""
    return dict(ranking.found[0][1].agreement)


def search_index(views: Sequence[View], query: Query) -> Ranking:
    """The search of a whole index as the server makes it, on a list of views."""
    by_id = {view.record_id: view for view in views}
    evidence = Evidence()
    ranking = Ranking(too_many=True)
    for stage in index_stages(query, today=TODAY):
        for question in stage.questions:
            found = [
                (key, view.record_id)
                for view in views
                for key in index_keys(view)
                if key in question.keys or any(key in span for span in question.ranges)
            ]
            evidence.note(question, found)
        chosen, crowded = choose(evidence.scores())
        if crowded:
            ranking = Ranking(too_many=True)
            continue
        ranking = rank(query, (by_id[record_id] for record_id in chosen), today=TODAY)
        if ranking.found and ranking.bits >= stage.unasked_bits:
            break
    return ranking
