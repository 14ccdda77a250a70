"""What can be asked for, and what is refused with words that help."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fieldward_sync.errors import CallerMistake
from fieldward_sync.matching.birth_dates import BirthDate, born_between
from fieldward_sync.matching.folding import fold, name_words, sound
from fieldward_sync.matching.postcodes import is_part, near_postcodes
from fieldward_sync.matching.query import Query


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({}, "search-empty"),
        ({"family": "  "}, "search-empty"),
        ({"family": "o"}, "search-too-short"),
        ({"age": "7", "sex": "female"}, "search-too-short"),
        ({"postcode": "M"}, "search-too-short"),
        ({"beginning": "o"}, "search-too-short"),
        ({"family": "x" * 101}, "search-too-long"),
        ({"given": "a b c d e f g h i"}, "search-too-long"),
        ({"born": "31/2/2021"}, "born-malformed"),
        ({"born": "2021-13"}, "born-malformed"),
        ({"born": "last spring"}, "born-malformed"),
        ({"family": "Okafor", "age": "seven"}, "age-malformed"),
        ({"family": "Okafor", "age": "-1"}, "age-malformed"),
        ({"family": "Okafor", "age": "26"}, "age-malformed"),
        ({"family": "Okafor", "sex": "girl"}, "sex-unknown"),
        ({"nhs_number": "999 000 0019"}, "nhs-number-wrong"),
        ({"nhs_number": "99900000"}, "nhs-number-wrong"),
    ],
    ids=str,
)
def test_a_search_is_refused_with(terms: dict[str, Any], code: str) -> None:
    with pytest.raises(CallerMistake) as refusal:
        Query(**terms)
    assert refusal.value.code == code


def test_a_refusal_repeats_nothing_of_what_was_typed() -> None:
    for terms in ({"born": "Ada Okafor"}, {"family": "Okafor", "age": "Ada"}):
        with pytest.raises(CallerMistake) as refusal:
            Query(**terms)
        assert "Ada" not in refusal.value.diagnostics()


def test_the_terms_are_what_was_given_and_nothing_else() -> None:
    query = Query(family=" Okafor ", born="14/3/2021", given="")
    assert query.terms == {"family": "Okafor", "born": "14/3/2021"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2021", (2021, 0, 0)),
        ("2021-03", (2021, 3, 0)),
        ("2021-3", (2021, 3, 0)),
        ("2021-03-14", (2021, 3, 14)),
        ("--03-14", (0, 3, 14)),
        ("14/3/2021", (2021, 3, 14)),
        ("14.03.2021", (2021, 3, 14)),
        ("3/2021", (2021, 3, 0)),
        ("--02-29", (0, 2, 29)),
    ],
)
def test_a_birth_date_is_read_whole_or_in_part(written: str, read: tuple[int, int, int]) -> None:
    assert BirthDate.read(written) == BirthDate(*read)


@pytest.mark.parametrize("written", ["", "21", "2021-00", "2021-02-29", "--02-30", "0/2021", "x"])
def test_what_is_no_date_is_not_read(written: str) -> None:
    assert BirthDate.read(written) is None


def test_an_age_is_a_year_of_birth_dates_to_the_day() -> None:
    assert born_between(7, date(2026, 11, 28)) == ("2018-11-29", "2019-11-28")
    assert born_between(0, date(2028, 2, 29)) == ("2027-03-02", "2028-02-29")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("O'Brien", "obrien"),
        ("Zoë", "zoe"),
        ("Łukasz", "lukasz"),
        ("Sørensen", "sorensen"),
        ("Groß", "gross"),
        ("Đỗ", "do"),
        ("İpek", "ipek"),
        ("Юлия", "yuliya"),
        ("Σοφία", "sofia"),
        ("...", ""),
    ],
)
def test_names_fold_across_marks_and_scripts(text: str, folded: str) -> None:
    """P35."""
    assert fold(text) == folded


def test_hyphenated_halves_and_lines_are_words_of_their_own() -> None:
    assert name_words("Anne-Marie  O'Neill") == ("anne", "marie", "oneill")
    assert name_words("Flat 2, 14 Station Road") == ("flat", "2", "14", "station", "road")


def test_words_that_sound_alike_share_their_sound() -> None:
    assert sound("okafor") == sound("okafer")
    assert sound("muhammad") == sound("mohammed")
    assert sound("smith") != sound("jones")


def test_a_sound_is_never_empty() -> None:
    assert sound("h") == "H"
    assert sound("84") == "84"


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("M14", True),
        ("M145", True),
        ("M145A", True),
        ("M145AB", False),
        ("S1", True),
        ("SW1A1", True),
        ("S10PU", False),
        ("M145A8", False),
        ("MI45AB", False),
    ],
)
def test_a_whole_postcode_is_told_from_a_part(place: str, part: bool) -> None:
    assert is_part(place) is part


def test_one_slip_from_a_postcode_are_only_well_formed_ones() -> None:
    near = near_postcodes("M145AB")
    assert {"M145AD", "M154AB", "M45AB", "N145AB"} <= set(near)
    assert "M145AB" not in near
    assert "M1455B" not in near


@pytest.mark.parametrize(
    ("terms", "narrower"),
    [
        ({"family": "Smith"}, ("given", "born", "postcode", "nhs_number")),
        ({"family": "Smith", "born": "2021"}, ("given", "born", "postcode", "nhs_number")),
        ({"family": "Smith", "born": "2021-03-14"}, ("given", "postcode", "nhs_number")),
        ({"beginning": "sm"}, ("beginning",)),
    ],
)
def test_where_too_many_fit_it_says_what_to_add(
    terms: dict[str, Any], narrower: tuple[str, ...]
) -> None:
    assert Query(**terms).narrower() == narrower
