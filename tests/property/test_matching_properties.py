"""Whatever people are called: nobody who fits is missed by the keys that a search asks for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fieldward_sync.errors import CallerMistake
from fieldward_sync.images import Image, pack_numbers, unpack_numbers
from fieldward_sync.matching.birth_dates import BirthDate
from fieldward_sync.matching.candidates import MAX_CANDIDATES, choose
from fieldward_sync.matching.comparison import Comparison, total
from fieldward_sync.matching.facts import Facts
from fieldward_sync.matching.levels import Level
from fieldward_sync.matching.name_comparison import name_agreement, word_agreement
from fieldward_sync.matching.postcodes import near_postcodes
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Match, Ranking, rank
from fieldward_sync.views import View
from matching_examples import TODAY, child, found_by, search_index, with_another

words = st.text("abcdeghiklmnoprstuvyz", min_size=2, max_size=9)
short = st.text("aelnx", min_size=1, max_size=6)
"""Many of them begin with another, or are a slip away."""
NAMES = (
    "Okafor",
    "Okafro",
    "Okonkwo",
    "O'Brien-Nuñez",
    "Nuñez",
    "Ada",
    "Adah",
    "Amara",
    "Łukasz",
    "Okafor Nuñez",
)
names = st.one_of(st.sampled_from(NAMES), words.map(str.capitalize))
days = st.dates(date(2009, 1, 1), TODAY).map(date.isoformat)
postcodes = st.from_regex(r"(M1|S3|LS2|B1)[0-9]? [0-9][ABDEF]{2}", fullmatch=True)


@st.composite
def children(draw: st.DrawFn) -> list[View]:
    return [
        child(f"r-{number}", draw(names), draw(names), draw(days), draw(postcodes))
        for number in range(draw(st.integers(1, 10)))
    ]


@st.composite
def slips(draw: st.DrawFn, text: str, letters: str) -> str:
    """The text with one character wrong, missing or too many, or two neighbours exchanged."""
    at = draw(st.integers(0, len(text) - 1))
    letter = draw(st.sampled_from(letters))
    before, here, after = text[:at], text[at], text[at + 1 :]
    return draw(
        st.sampled_from(
            [before + letter + after, before + after, before + letter + here + after]
            + ([before + after[0] + here + after[1:]] if after else [])
        )
    )


def query_of(terms: Mapping[str, str]) -> Query:
    """A query of these terms; what is no query is no example."""
    try:
        return Query(**terms)
    except CallerMistake:
        assume(False)
        raise


@st.composite
def remembered(draw: st.DrawFn, view: View) -> dict[str, str]:
    """Some of what a view says, with a slip here and there."""
    said = {
        "family": view.text("name.family"),
        "given": view.text("name.given"),
        "born": view.text("born"),
        "postcode": view.at("address")[0].value["postcode"],  # type: ignore[index]
    }
    some = draw(st.sets(st.sampled_from(sorted(said)), min_size=1))
    terms = {}
    for term in some:
        text = str(said[term])
        letters = "0123456789" if term == "born" else "aeiklmnorst"
        terms[term] = draw(st.one_of(st.just(text), slips(text, letters)))
    return terms


@given(st.data())
@settings(max_examples=300)
def test_what_a_device_does_not_read_would_not_have_been_shown(data: st.DataObject) -> None:
    population = data.draw(children())
    query = query_of(data.draw(remembered(data.draw(st.sampled_from(population)))))
    with closing(Image.build(population)) as image:
        candidates, crowded = image.candidates(query, today=TODAY)
    assert not crowded
    assert shown(rank(query, candidates, today=TODAY)) == shown(
        rank(query, population, today=TODAY)
    )


def shown(ranking: Ranking) -> tuple[bool, list[tuple[str, Match]]]:
    """Who is shown, and why: of a candidate there is no more than what is compared."""
    return ranking.too_many, [(view.record_id, match) for view, match in ranking.found]


@given(st.data())
def test_in_whatever_order_records_are_compared_the_same_are_shown(data: st.DataObject) -> None:
    population = data.draw(children())
    query = query_of(data.draw(remembered(data.draw(st.sampled_from(population)))))
    shuffled = data.draw(st.permutations(population))
    assert rank(query, shuffled, today=TODAY) == rank(query, population, today=TODAY)


@given(st.data(), st.floats(-40, 40))
def test_a_record_is_left_uncompared_only_where_it_weighs_less_than_it_has_to(
    data: st.DataObject, least: float
) -> None:
    population = data.draw(children())
    query = query_of(data.draw(remembered(data.draw(st.sampled_from(population)))))
    comparison = Comparison(query, today=TODAY)
    for facts in map(Facts.of, population):
        whole, compared = comparison.of(facts), comparison.of(facts, least=least)
        assert compared == whole or (not compared and total(whole) < least)


@given(st.lists(names, min_size=2, max_size=3), names)
@example(["Okafur", "Okafor Smith"], "Okafor")  # a part of it weighs less than its sound
def test_another_value_never_makes_a_record_fit_less(families: list[str], family: str) -> None:
    """In a conflict nobody has decided who is right: what speaks most for a record counts."""
    query = query_of({"family": family, "born": "2021-03-04"})
    comparison = Comparison(query, today=TODAY)
    view, weighed = child("r-1", "Ada", families[0], "2021-03-04"), []
    for more in families[1:]:
        weighed.append(total(comparison.of(Facts.of(view))))
        view = with_another(view, "name.family", more)
    weighed.append(total(comparison.of(Facts.of(view))))
    assert weighed == sorted(weighed)


@given(st.data(), st.sampled_from(["family", "given", "former", "carer", "address", "school"]))
def test_a_term_without_a_letter_says_nothing_of_anybody(data: st.DataObject, term: str) -> None:
    population = data.draw(children())
    query = query_of(data.draw(remembered(data.draw(st.sampled_from(population)))))
    assume(term not in query.terms)
    blank = replace(query, **{term: data.draw(st.sampled_from(["-", "’ .", "()"]))})
    assert rank(blank, population, today=TODAY) == rank(query, population, today=TODAY)


@given(st.data())
@settings(max_examples=200)
def test_who_is_remembered_rightly_is_found_in_the_whole_index(data: st.DataObject) -> None:
    population = data.draw(children())
    wanted = data.draw(st.sampled_from(population))
    said = {
        "family": wanted.text("name.family"),
        "given": wanted.text("name.given"),
        data.draw(st.sampled_from(["born"])): wanted.text("born"),
    }
    ranking = search_index(population, query_of(said))
    assert wanted.record_id in found_by(ranking)


@given(st.data())
@settings(max_examples=200)
def test_one_slip_hides_nobody_from_a_search_of_the_whole_index(data: st.DataObject) -> None:
    """Name, birth date and postcode given, one of them with a slip."""
    wanted = child("wanted", data.draw(names), data.draw(names), data.draw(days), "M14 5AB")
    said = {
        "family": wanted.text("name.family"),
        "given": wanted.text("name.given"),
        "born": wanted.text("born"),
        "postcode": "M14 5AB",
    }
    term = data.draw(st.sampled_from(sorted(said)))
    letters = "0123456789" if term == "born" else "aeiklmnorst"
    said[term] = data.draw(slips(said[term], letters))
    others = [child("x", "Zoe", "Quick", "2001-01-01", "B1 1AA")]
    assert found_by(search_index([wanted, *others], query_of(said))) == ["wanted"]


@given(words, words)
def test_two_words_agree_as_far_as_each_other(one: str, other: str) -> None:
    assert word_agreement(one, other) is word_agreement(other, one)


@given(st.lists(short, min_size=1, max_size=3), st.lists(short, min_size=1, max_size=3))
@example(["anna", "van"], ["anna", "maria"])  # without its particle the one is a part of the other
@example(["a", "bin"], ["ain", "aa"])
@example(["alexandra", "ale"], ["alex", "alexandr"])
def test_two_names_agree_as_far_as_each_other(one: list[str], other: list[str]) -> None:
    agreement = name_agreement(tuple(one), tuple(other))
    assert agreement is name_agreement(tuple(other), tuple(one))
    assert (agreement is Level.EXACT) == (one == other)


@given(st.dates(date(2001, 1, 1), date(2039, 12, 31)))
@example(date(2003, 2, 28))
@example(date(2005, 9, 30))
def test_dates_are_near_each_other_or_not(day: date) -> None:
    read = BirthDate(day.year, day.month, day.day)
    for near in read.near():
        assert date.fromisoformat(near) != day
        back = BirthDate.read(near)
        assert back is not None
        assert read.iso in back.near()
    assert (day + timedelta(days=40)).isoformat() not in read.near() or day.day > 20


@given(postcodes)
@settings(max_examples=30)
def test_postcodes_are_near_each_other_or_not(postcode: str) -> None:
    whole = postcode.replace(" ", "")
    assert all(whole in near_postcodes(near) for near in near_postcodes(whole))


@given(st.sets(st.integers(1, 2**31)))
def test_numbers_come_back_as_they_were_packed(numbers: set[int]) -> None:
    assert list(unpack_numbers(pack_numbers(sorted(numbers)))) == sorted(numbers)


@given(st.dictionaries(st.integers(0, 500), st.floats(0, 60), max_size=200))
def test_the_best_are_always_among_the_chosen(scores: dict[int, float]) -> None:
    chosen, crowded = choose(scores)
    assert len(chosen) <= MAX_CANDIDATES
    best = max(scores.values(), default=0.0)
    tied = {record for record, score in scores.items() if score == best}
    assert crowded or tied <= set(chosen)
    assert choose(dict(sorted(scores.items()))) == (chosen, crowded)  # in whatever order they came
