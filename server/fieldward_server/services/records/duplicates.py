"""Records that may be of the same child as another: found by the same matching as any search (P32).

A record is searched for by what its own view shows: what is hidden of it finds nobody, and of the
others nothing is shown that an ordinary reader could not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product

from fieldward_server.services.platform import Platform
from fieldward_server.services.records.hits import hit_of
from fieldward_server.services.records.index_search import search_index
from fieldward_server.services.records.known_records import stored_record
from fieldward_server.storage import Transaction
from fieldward_sync.enquiries import EnquiryHit
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.query import MAX_TERM_CHARACTERS, MAX_TERM_WORDS, Query
from fieldward_sync.matching.ranking import MAX_HITS, Ranking
from fieldward_sync.views import View

MAX_QUERIES = 12
"""A record with conflicts, or several carers, is searched for in so many ways at most."""


@dataclass(frozen=True)
class Duplicates:
    """What may be of the same child as a record."""

    record_id: str
    likely: tuple[EnquiryHit, ...]
    """The likeliest first."""
    too_many: bool
    """The record shows so little that more would fit than can be listed."""


def find_duplicates(platform: Platform, *, authority: str, record_id: str, now: int) -> Duplicates:
    """The records of the authority that may be of the same child.

    ``CallerMistake``: "unknown-record", "record-moved", and as for a ``Query`` where a record shows
    too little.
    """
    with platform.storage.reading() as transaction:
        found = stored_record(transaction, authority, record_id)
        rankings = _search(transaction, authority, View.read(found.view), now=now)
    best: dict[str, EnquiryHit] = {}
    for view, match in (each for ranking in rankings for each in ranking.found):
        hit, before = hit_of(view, match), best.get(view.record_id)
        if before is None or hit.score_percent > before.score_percent:
            best[view.record_id] = hit
    likely = sorted(best.values(), key=lambda hit: (-hit.score_percent, hit.record_id))
    too_many = not likely and any(ranking.too_many for ranking in rankings)
    return Duplicates(record_id, tuple(likely[:MAX_HITS]), too_many)


def _search(
    transaction: Transaction, authority: str, view: View, *, now: int
) -> tuple[Ranking, ...]:
    own = [view.record_id]
    return tuple(
        search_index(transaction, authority, query, leaving_out=own, now=now)
        for query in islice(queries_for(view), MAX_QUERIES)
    )


def queries_for(view: View) -> Iterator[Query]:
    """How somebody would ask who remembers what a view shows: in as many ways as it has values."""
    facts = Facts.of(view)
    yield from (Query(nhs_number=number) for number in facts.numbers)
    choices = (facts.days, facts.families, facts.givens, list(facts.carers))
    for born, family, given, carer in product(*(values or [""] for values in choices)):
        yield Query(
            family=family,
            given=given,
            born=born,
            sex=_first(facts.sexes),
            postcode=_first(facts.postcodes),
            nhs_number=_first(facts.numbers),
            carer=_term(carer),
        )


def _first(values: Iterable[str]) -> str:
    return next(iter(values), "")


def _term(text: str) -> str:
    """As much of a text as a term takes."""
    return " ".join(text.split()[:MAX_TERM_WORDS])[:MAX_TERM_CHARACTERS]
