"""A search reads fewer records than share the beginning of a name, and finds the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldward_sync.errors import CallerMistake
from fieldward_sync.images import Image
from fieldward_sync.search import Query, rank
from fieldward_sync.views import View, ViewValue

NAMES = ("Okafor", "Okafro", "Okonkwo", "Ok", "O'Brien-Nuñez", "Nuñez", "Ada", "Adah", "Amara", "A")
DATES = ("2021-03-04", "2021-03-14", "2019-11-30")
POSTCODES = ("M14 5AB", "M14 6CD", "S1 1AA")
NUMBERS = ("9990000018", "9990000026")

names = st.sampled_from(NAMES)
slips = st.builds(
    lambda name, at, letter: name[:at] + letter + name[at + 1 :],
    names,
    st.integers(0, 4),
    st.sampled_from(["", "k", "a", "é"]),
)


@st.composite
def views(draw: st.DrawFn, record_id: str) -> View:
    values = [
        ViewValue("address", 1, {"kind": "current", "postcode": draw(st.sampled_from(POSTCODES))}),
        ViewValue("born", 1, draw(st.sampled_from(DATES))),
        *(
            ViewValue("born", 2, born)
            for born in draw(st.lists(st.sampled_from(DATES), max_size=1))
        ),
        *(ViewValue("former_names/x.family", 1, f) for f in draw(st.lists(names, max_size=1))),
        ViewValue("name.family", 1, draw(names)),
        ViewValue("name.given", 1, draw(names)),
        *(
            ViewValue("nhs_number", 1, n)
            for n in draw(st.lists(st.sampled_from(NUMBERS), max_size=1))
        ),
    ]
    return View(record_id, 1, False, tuple(values))


@st.composite
def populations(draw: st.DrawFn) -> list[View]:
    return [draw(views(f"r-{number}")) for number in range(draw(st.integers(1, 12)))]


@st.composite
def queries(draw: st.DrawFn) -> Query | None:
    def perhaps(values: st.SearchStrategy[str]) -> str:
        return draw(st.one_of(st.just(""), values))

    try:
        return Query(
            family=perhaps(st.one_of(names, slips)),
            given=perhaps(st.one_of(names, slips, names.map(lambda name: name[:3]))),
            born=perhaps(st.sampled_from([*DATES, "2021", "2021-03", "2"])),
            postcode=perhaps(st.sampled_from([*POSTCODES, "m145ab", "M14", "M"])),
            nhs_number=perhaps(st.sampled_from(NUMBERS)),
        )
    except CallerMistake:
        return None


@given(populations(), queries())
@settings(max_examples=300)
def test_what_is_not_read_would_not_have_fitted(
    population: list[View], query: Query | None
) -> None:
    if query is None:
        return
    with closing(Image.build(population)) as image:
        everybody = rank(query, image.candidates(query.ranges()))
        assert rank(query, image.candidates(query.ranges(), query.needs())) == everybody


@pytest.fixture(scope="module")
def crowd() -> Iterator[Image]:
    """Many who share the beginning of a name, and one who is looked for."""
    many = [
        View(
            f"r-{number}",
            1,
            False,
            (
                ViewValue("name.family", 1, f"Oka{chr(98 + number % 20) * 4}"),
                ViewValue("name.given", 1, f"Ada{chr(98 + number // 20) * 4}"),
            ),
        )
        for number in range(400)
    ]
    with closing(Image.build(many)) as image:
        yield image


def test_of_many_with_the_same_beginnings_few_are_read(crowd: Image) -> None:
    query = Query(family="Okabbbb", given="Adacccc")
    assert len(list(crowd.candidates(query.ranges()))) == 400
    assert len(list(crowd.candidates(query.ranges(), query.needs()))) < 5
