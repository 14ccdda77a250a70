"""Finding a half-remembered child: what matches, what does not, and what is refused."""

from __future__ import annotations

import pytest

from fieldward_sync.errors import CallerMistake
from fieldward_sync.search import Query, match, rank
from fieldward_sync.views import View, ViewValue


def child(record_id: str, given: str, family: str, born: str, postcode: str = "") -> View:
    values = [
        ViewValue("born", 1, born),
        ViewValue("name.family", 1, family),
        ViewValue("name.given", 1, given),
        ViewValue("nhs_number", 1, "9990000018"),
    ]
    if postcode:
        values.append(ViewValue("address", 1, {"kind": "current", "postcode": postcode}))
    return View(record_id, 1, False, tuple(values))


ADA = child("r-1", "Ada", "Okafor", "2021-03-04", "M14 5AB")
TWIN = child("r-2", "Amara", "Okafor", "2021-03-04", "M14 5AB")
SEAN = child("r-3", "Seán", "O'Brien-Nuñez", "2019-11-30")
EVERYBODY = [ADA, TWIN, SEAN]


def found(query: Query) -> list[str]:
    return [view.record_id for view, _ in rank(query, EVERYBODY)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(family="Okafor", given="Ada"), ["r-1"]),
        (Query(family="Okafro", given="Ada"), ["r-1"]),
        (Query(family="okafer", born="2021-03"), ["r-1", "r-2"]),
        (Query(family="OBRIEN"), ["r-3"]),
        (Query(family="o brien nunez"), ["r-3"]),
        (Query(family="nunez", given="sean"), ["r-3"]),
        (Query(family="ok"), ["r-1", "r-2"]),
        (Query(born="2021"), ["r-1", "r-2"]),
        (Query(postcode="m145ab", given="amara"), ["r-2"]),
        (Query(postcode="M14"), ["r-1", "r-2"]),
        (Query(nhs_number="999 000 0018", given="Sean"), ["r-3"]),
        (Query(family="Okafor", born="2020"), []),
        (Query(family="Nowak"), []),
    ],
    ids=str,
)
def test_a_search_finds(query: Query, expected: list[str]) -> None:
    assert found(query) == expected


def test_a_hit_says_what_agreed() -> None:
    fit = match(Query(family="Okafro", given="Ada"), ADA)
    assert fit is not None
    assert fit.agreed == ("given",)


def test_better_matches_come_first() -> None:
    assert found(Query(family="Okafor", given="Amar"))[0] == "r-2"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({}, "search-empty"),
        ({"family": "  "}, "search-empty"),
        ({"family": "o"}, "search-too-short"),
        ({"family": "x" * 101}, "search-too-long"),
    ],
    ids=str,
)
def test_a_search_is_refused_with(terms: dict[str, str], code: str) -> None:
    with pytest.raises(CallerMistake) as refusal:
        Query(**terms)
    assert refusal.value.code == code
