"""What the lists of one query cost of a lease's look-ups."""

from __future__ import annotations

from fieldward_client.looking.asked import Asked
from fieldward_sync.matching.ranking import MAX_HITS


def records(first: int, count: int) -> list[str]:
    return [f"r-{number}" for number in range(first, first + count)]


def costs(*lists: list[str]) -> list[int]:
    """What each of these costs, listed one after the other under one query."""
    asked, found = Asked(bytes(16)), []
    for shown in lists:
        found.append(asked.cost(shown))
        asked.show(shown)
    return found


def test_a_query_costs_one_whatever_it_finds() -> None:
    assert [costs(records(0, count)) for count in (0, 1, MAX_HITS)] == [[1], [1], [1]]


def test_lists_that_narrow_down_cost_nothing_more() -> None:
    page = records(0, MAX_HITS)
    assert costs([], page, page[:5], page[3:4], [], page) == [1, 0, 0, 0, 0, 0]


def test_each_further_page_of_other_children_costs_another() -> None:
    page = records(0, MAX_HITS)
    assert costs(page, records(MAX_HITS, 1), records(MAX_HITS, MAX_HITS), page) == [1, 1, 0, 0]
    assert costs(page, records(MAX_HITS, MAX_HITS), records(2 * MAX_HITS, 1)) == [1, 1, 1]


def test_a_list_that_was_not_shown_costs_nothing() -> None:
    asked = Asked(bytes(16))
    assert [asked.cost(records(0, 1)), asked.cost(records(0, 1))] == [1, 1]
