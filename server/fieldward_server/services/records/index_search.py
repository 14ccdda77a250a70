"""Searching an authority's whole index, by what an ordinary reader may see (H2)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

from fieldward_server.storage import Transaction, records, search_keys
from fieldward_server.storage.search_keys import Asked, Span
from fieldward_sync.matching.candidates import choose
from fieldward_sync.matching.evidence import Evidence
from fieldward_sync.matching.index_stages import MAX_ROWS, Stage, index_stages
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Ranking, rank
from fieldward_sync.views import View


def search_index(
    transaction: Transaction,
    authority: str,
    query: Query,
    *,
    leaving_out: Collection[str] = (),
    now: int,
) -> Ranking:
    """The records of an authority that could be meant, best first; ages are those of today.

    Some records may be left out, as though there were none such.
    """
    search = _Search(transaction, authority, query, frozenset(leaving_out), today=day_of(now))
    ranking = Ranking(too_many=True)  # what is remembered is shared by too many to be looked up
    for stage in index_stages(query, today=search.today):
        search.look_up(stage)
        ranking = search.rank()
        if ranking.found and ranking.bits >= stage.unasked_bits:
            break
    return ranking


def day_of(now: int) -> date:
    """The day of a time in seconds since 1970, in UTC."""
    return datetime.fromtimestamp(now, UTC).date()


class _Search:
    """One query, and the records that its stages have found so far."""

    def __init__(
        self,
        transaction: Transaction,
        authority: str,
        query: Query,
        leaving_out: frozenset[str],
        *,
        today: date,
    ) -> None:
        self._transaction = transaction
        self._authority = authority
        self._query = query
        self._leaving_out = leaving_out
        self.today = today
        self._evidence = Evidence()
        self._cut = False
        self._views: dict[str, View] = {}

    def look_up(self, stage: Stage) -> None:
        """Add what a stage finds."""
        asked = [
            Asked(question.keys, [Span(each.first, each.past) for each in question.ranges])
            for question in stage.questions
        ]
        found = search_keys.look_up(self._transaction, self._authority, asked, limit=MAX_ROWS)
        for question, each in zip(stage.questions, found, strict=True):
            self._evidence.note(question, each.rows)
            self._cut = self._cut or each.cut

    def rank(self) -> Ranking:
        """How those that could be meant compare."""
        scores = self._evidence.scores()
        for record_id in self._leaving_out:
            scores.pop(record_id, None)
        chosen, crowded = choose(scores)
        if crowded:
            return Ranking(too_many=True)
        self._read(chosen)
        views = [self._views[each] for each in chosen if each in self._views]
        ranking = rank(self._query, views, today=self.today)
        # Who is meant may be among those that were not read: that is not to say that nobody is.
        return ranking if ranking.found or not self._cut else Ranking(too_many=True)

    def _read(self, record_ids: Collection[str]) -> None:
        unread = [each for each in record_ids if each not in self._views]
        if unread:
            found = records.views(self._transaction, self._authority, unread)
            self._views.update((each, View.read(view)) for each, view in found.items())
