"""Finding the right child: who is found by what, why, and who is not shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fieldward_sync.compact_views import Compacting
from fieldward_sync.images import Image
from fieldward_sync.matching.comparison import FIELDS, Comparison
from fieldward_sync.matching.facts import Facts, compared_with
from fieldward_sync.matching.levels import LEVELS, Level
from fieldward_sync.matching.parameters import PARAMETERS
from fieldward_sync.matching.query import Query, Terms
from fieldward_sync.matching.ranking import MAX_HITS, Ranking, rank
from fieldward_sync.matching.vocabulary import Vocabulary
from fieldward_sync.matching.weights import weight
from fieldward_sync.views import View
from matching_examples import TODAY, child, found_by, search_index, why, with_another

Search = Callable[[list[View], Query], Ranking]


def search_image(views: list[View], query: Query) -> Ranking:
    """As a device searches: by the image's keys, then ranked."""
    image = Image.build(views)
    candidates, crowded = image.candidates(query, today=TODAY)
    return Ranking(too_many=True) if crowded else rank(query, candidates, today=TODAY)


@pytest.fixture(params=[search_image, search_index], ids=["device", "whole index"])
def search(request: pytest.FixtureRequest) -> Search:
    found: Search = request.param
    return found


ADA = child("ada", "Ada", "Okafor", "2021-03-04", "M14 5AB", nhs_number="9990000018", sex="female")
AMARA = child("amara", "Amara", "Okafor", "2021-03-04", "M14 5AB", sex="female")
SEAN = child("sean", "Seán", "O'Brien-Nuñez", "2019-11-30", "S1 2AA", sex="male")
KATE = child("kate", "Katherine Anne", "McDonald", "2015-01-09", "LS6 1AN", sex="female")
LUKASZ = child("lukasz", "Łukasz", "Wojciechowski", "2012-07-22", "B12 0AB", sex="male")
FAISAL = child("faisal", "Muhammad Faisal", "Chowdhury", "2018-02-11", "E1 6AN", sex="male")
EVERYBODY = [ADA, AMARA, SEAN, KATE, LUKASZ, FAISAL]


@pytest.mark.parametrize(
    ("terms", "expected", "because"),
    [
        ({"family": "Okafor", "given": "Ada"}, "ada", {"family": "exact", "given": "exact"}),
        ({"family": "Okafer", "given": "Ada"}, "ada", {"family": "sounds-alike"}),
        ({"family": "Okafr", "given": "Ada", "born": "2021-03-04"}, "ada", {"born": "exact"}),
        ({"family": "Okafor", "given": "Ada", "born": "2021-04-03"}, "ada", {"born": "swapped"}),
        ({"family": "Okafor", "given": "Ada", "born": "2020-03-04"}, "ada", {"born": "one-slip"}),
        (
            {"family": "Okafor", "given": "Ada", "postcode": "m14 5ad"},
            "ada",
            {"postcode": "one-slip"},
        ),
        ({"family": "Ada", "given": "Okafor", "born": "2021"}, "ada", {"order": "swapped"}),
        ({"family": "obrien", "given": "sean", "born": "2019-11-30"}, "sean", {"family": "part"}),
        ({"family": "O Brien Nunez", "given": "Sean"}, "sean", {"family": "known-spelling"}),
        ({"family": "MacDonald", "given": "Kate"}, "kate", {"family": "known-spelling"}),
        ({"family": "McDonald", "given": "Kathryn", "born": "2015"}, "kate", {"born": "exact"}),
        ({"family": "Wojciechowski", "given": "Lukasz"}, "lukasz", {"given": "exact"}),
        ({"family": "Wojciech", "given": "Lukasz", "born": "2012-07"}, "lukasz", {}),
        (
            {"family": "Choudhury", "given": "Mohammed", "born": "--02-11"},
            "faisal",
            {"born": "exact"},
        ),
        ({"nhs_number": "999 000 0018"}, "ada", {"nhs_number": "exact"}),
        ({"postcode": "S1 2AA", "sex": "male"}, "sean", {"postcode": "exact", "sex": "exact"}),
        ({"family": "McDonald", "given": "Katherine", "age": "11"}, "kate", {"age": "exact"}),
        ({"family": "McDonald", "given": "Katherine", "age": "10"}, "kate", {"age": "one-slip"}),
    ],
    ids=str,
)
def test_a_child_is_found_by(
    search: Search, terms: dict[str, Any], expected: str, because: dict[str, str]
) -> None:
    ranking = search(EVERYBODY, Query(**terms))
    assert found_by(ranking)[:1] == [expected]
    assert because.items() <= why(ranking).items()


@pytest.mark.parametrize(
    "terms",
    [
        {"family": "Nowak", "given": "Zofia"},
        {"family": "Okafor", "given": "Ada", "nhs_number": "9990000026"},
        {"nhs_number": "9990000026"},
    ],
    ids=str,
)
def test_nobody_is_shown_for(search: Search, terms: dict[str, Any]) -> None:
    ranking = search(EVERYBODY, Query(**terms))
    assert (found_by(ranking), ranking.too_many) == ([], False)


@pytest.mark.parametrize("more", [{}, {"given": "Mia"}, {"born": "2018-02-03"}], ids=str)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("De Souza", "Desouza"),
        ("Al-Amin", "Alamin"),
        ("Mc Lean", "McLean"),
        ("O Neil", "O’Neil"),
        ("St. John", "St.John"),
    ],
)
def test_a_name_is_found_however_its_particle_is_parted_from_it(
    search: Search, one: str, other: str, more: dict[str, Any]
) -> None:
    for asked, recorded in ((one, other), (other, one)):
        everybody = [*EVERYBODY, child("mia", "Mia", recorded, "2018-02-03", "M14 5AB")]
        assert found_by(search(everybody, Query(family=asked, **more))) == ["mia"]


def test_on_a_device_a_name_is_found_wherever_it_is_parted() -> None:
    for asked, recorded in (("Sunhee", "Sun Hee"), ("Sun Hee", "Sunhee")):
        everybody = [*EVERYBODY, child("sun", recorded, "Pak", "2018-02-03")]
        assert found_by(search_image(everybody, Query(given=asked)))[:1] == ["sun"]


def test_a_birth_date_alone_is_looked_for_on_a_device_and_too_little_for_a_whole_index() -> None:
    nobodys = Query(born="1999-01-01")
    assert search_image(EVERYBODY, nobodys) == Ranking()
    assert search_index(EVERYBODY, nobodys) == Ranking(too_many=True)


@pytest.mark.parametrize("given", ["Ada", "Adah", "Aada", "Amara", "Amaro"])
def test_twins_are_told_apart_by_the_given_name(search: Search, given: str) -> None:
    ranking = search(EVERYBODY, Query(family="Okafor", given=given, born="2021-03-04"))
    assert found_by(ranking)[0] == ("ada" if given.startswith(("Ad", "Aa")) else "amara")


def test_both_twins_are_shown_where_nothing_tells_them_apart(search: Search) -> None:
    ranking = search(EVERYBODY, Query(family="Okafor", born="2021-03-04", postcode="M14 5AB"))
    assert set(found_by(ranking)) == {"ada", "amara"}


def test_each_value_in_conflict_is_found_under(search: Search) -> None:
    disputed = with_another(ADA, "name.family", "Adeyemi")
    disputed = with_another(disputed, "born", "2020-12-24")
    for family, born in (("Okafor", "2021-03-04"), ("Adeyemi", "2020-12-24")):
        ranking = search([disputed, SEAN, KATE], Query(family=family, given="Ada", born=born))
        assert found_by(ranking) == ["ada"]
        assert why(ranking) == {"family": "exact", "given": "exact", "born": "exact"}


def test_a_former_name_finds_and_says_so(search: Search) -> None:
    """D1."""
    renamed = child("renamed", "Ada", "Okafor", "2021-03-04", former_names_of_f1__family="Adeyemi")
    ranking = search([renamed, SEAN, KATE], Query(family="Adeyemi", given="Ada"))
    assert found_by(ranking) == ["renamed"]
    assert why(ranking) == {"family": "exact", "given": "exact", "order": "former"}
    both = search([renamed, SEAN], Query(family="Okafor", former="Adeyemi"))
    assert why(both) == {"family": "exact", "former": "exact"}


def test_what_a_shield_hides_finds_nobody(search: Search) -> None:
    """H2: the view of a shielded record has neither postcode nor NHS number to be matched."""
    hidden = child("hidden", "Ada", "Okafor", "2021-03-04", shield="raised")
    for terms in ({"postcode": "M14 5AB"}, {"nhs_number": "9990000018"}):
        assert found_by(search([hidden, SEAN], Query(**terms))) == []
    assert found_by(search([hidden, SEAN], Query(family="Okafor", given="Ada"))) == ["hidden"]


def test_a_record_is_not_held_against_for_what_it_does_not_show(search: Search) -> None:
    unlocated = child("unlocated", "Ada", "Okafor", "2021-03-04")
    query = Query(family="Okafor", given="Ada", born="2021-03-04", postcode="M14 5AB")
    ranking = search([unlocated, SEAN], query)
    assert found_by(ranking) == ["unlocated"]
    assert "postcode" not in why(ranking)


def test_where_more_fit_than_a_page_holds_nothing_is_listed(search: Search) -> None:
    smiths = [
        child(f"s-{number}", f"Given{chr(97 + number)}", "Smith", f"2015-01-{number + 1:02}")
        for number in range(MAX_HITS + 1)
    ]
    ranking = search(smiths, Query(family="Smith"))
    assert (ranking.found, ranking.too_many) == ((), True)
    assert len(found_by(search(smiths[:-1], Query(family="Smith")))) == MAX_HITS


def test_many_who_fit_equally_well_are_too_many_before_any_is_compared(search: Search) -> None:
    smiths = [child(f"s-{number}", "Ada", "Smith", "2015-01-01") for number in range(100)]
    assert search(smiths, Query(family="Smith", born="2015-01-01")).too_many


def test_what_is_far_less_likely_than_the_best_is_not_shown_beside_it(search: Search) -> None:
    """A namesake born on another day is shown alone, and not beside the child who is meant."""
    namesake = child("namesake", "Ada", "Okafor", "2009-08-17", "S36 1DH")
    query = Query(family="Okafor", given="Ada", born="2021-03-04")
    assert found_by(search([ADA, namesake], query)) == ["ada"]
    assert found_by(search_image([namesake, SEAN], query)) == ["namesake"]


def test_a_sex_that_is_not_specified_speaks_neither_for_nor_against(search: Search) -> None:
    unknown = child("unknown", "Ada", "Okafor", "2021-03-04", sex="not-specified")
    ranking = search([unknown, SEAN], Query(family="Okafor", given="Ada", sex="female"))
    assert why(ranking) == {"family": "exact", "given": "exact"}


@pytest.mark.parametrize(
    ("terms", "because"),
    [
        ({"family": "Pkafor", "given": "Ada", "born": "2021-03-05"}, "a name and the date"),
        ({"family": "Pkafor", "given": "Ava", "born": "2021-03-04"}, "both names"),
        ({"family": "Pkafor", "given": "Ada", "postcode": "M14 5AD"}, "a name and the place"),
        ({"family": "Okafor", "given": "Ada", "postcode": "M15 5AB"}, "the district"),
    ],
    ids=str,
)
def test_two_slips_at_once_are_made_good(
    search: Search, terms: dict[str, Any], because: str
) -> None:
    assert found_by(search(EVERYBODY, Query(**terms)))[:1] == ["ada"], because


def test_words_that_only_sound_alike_are_found_among_those_that_occur() -> None:
    vocabulary = Vocabulary(["smith", "thurrowgoode"])
    assert vocabulary.like("thorogood") == {"thurrowgoode": Level.SOUND}


def test_carer_address_and_school_find_on_a_device() -> None:
    ada = child(
        "ada",
        "Ada",
        "Okafor",
        "2021-03-04",
        "M14 5AB",
        carers_of_c1__family="Adeyemi",
        carers_of_c1__given="Ngozi",
        school__code="123456",
        school__name="Abbey Lane Primary School",
    )
    for terms in (
        {"carer": "Ngozi Adeyemi"},
        {"carer": "Ngosi Adeyemi", "given": "Ada"},
        {"address": "1 High St", "given": "Ada"},
        {"school": "Abbey Lane", "given": "Ada"},
        {"school": "123456", "family": "Okafor"},
    ):
        assert found_by(search_image([ada, SEAN, KATE], Query(**terms))) == ["ada"], terms


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ok", {"ada", "amara"}),
        ("oka ad", {"ada"}),
        ("ada ok", {"ada"}),
        ("nu", {"sean"}),
        ("luk", {"lukasz"}),
        ("okx", set[str]()),
    ],
)
def test_beginnings_find_while_they_are_typed(typed: str, expected: set[str]) -> None:
    ranking = search_image(EVERYBODY, Query(beginning=typed))
    assert set(found_by(ranking)) == expected


def test_every_field_and_level_has_its_parameters_and_no_other() -> None:
    assert {field: tuple(levels) for field, levels in PARAMETERS.items()} == {
        field: tuple(level.value for level in levels) for field, levels in FIELDS.items()
    }
    for levels in PARAMETERS.values():
        assert all(0 < p <= 1 for pair in levels.values() for p in pair)


def test_agreement_speaks_for_a_record_and_difference_against_it() -> None:
    for field, levels in FIELDS.items():
        if field not in ("order", "beginning"):
            assert weight(field, Level.EXACT) == max(weight(field, each) for each in levels), field
        if field != "order":  # every record is read in every order: that speaks for none
            assert weight(field, Level.EXACT) > 0, field
        assert weight(field, levels[-1]) < 0, field
        assert list(levels) == [level for level in LEVELS if level in levels], field


RICH = child(
    "rich",
    "Zofia",
    "Nowak",
    "2016-05-04",
    "LS6 1AN",
    sex="female",
    nhs_number="9990000018",
    carers_of_c1__family="Nowak",
    carers_of_c1__given="Ewa",
    former_names_of_f1__family="Kowalska",
    former_names_of_f1__given="Zosia",
    school__code="949110",
    school__name="Parson Cross",
    gp__name="College Road",
    involvements_of_i1__practitioner="Nora Nowak",
)
ASKED = {
    "family": "kowalska",
    "given": "zosia",
    "former": "kowalska",
    "beginning": "zo",
    "born": "2016-05-04",
    "age": "5",
    "sex": "female",
    "postcode": "LS6 1AN",
    "address": "high st",
    "nhs_number": "9990000018",
    "carer": "ewa nowak",
    "school": "949110",
}


@pytest.mark.parametrize("term", Terms.__annotations__)
def test_a_term_compares_alike_with_all_of_a_record_and_with_what_is_read_of_it(term: str) -> None:
    asked = {term: ASKED[term]}
    if term in ("age", "sex"):
        asked["born"] = "2016"  # alone they are too little
    query, everything = Query(**asked), Compacting()
    common, (row,) = everything.written([everything.take(RICH)])
    part = common.reader(compared_with(query.terms))("rich", row)
    compared = Comparison(query, today=TODAY).of(Facts.of(part))
    assert compared == Comparison(query, today=TODAY).of(Facts.of(RICH))
    assert term in {each.term for each in compared}
    assert len(part.values) < len(RICH.values) / 2
