"""How what is remembered differs from what is recorded: one edit, of a family that says how."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from fieldward_server.population import generate, name_slips
from fieldward_server.population.slips import (
    FAMILIES,
    FIELDS,
    RATES,
    Field,
    Remembered,
    as_called,
    one_slip_away,
    text_with_slip,
    with_slip,
)
from fieldward_sync.matching.folding import name_words
from fieldward_sync.matching.query import Query

ANN = Remembered(family="O'Brien", given="Catherine Ann", born="2018-03-05", postcode="M14 5AB")
SOPHIE = Remembered(family="Taylor-Smith", given="Sophie", born="2013-06-21", postcode="S6 2NT")


def children(count: int = 150) -> list[Remembered]:
    made = generate(authority="E08000039", children=count, seed=11)
    return [Remembered.of(record) for record in made]


def given_names(whom: Remembered, family: str) -> set[str]:
    made = one_slip_away(whom, "name", family)
    return {each.given for each in made if each.family == whom.family}


def family_names(whom: Remembered, family: str) -> set[str]:
    made = one_slip_away(whom, "name", family)
    return {each.family for each in made if each.given == whom.given}


def dates(whom: Remembered, family: str) -> set[str]:
    return {each.born for each in one_slip_away(whom, "born", family)}


def postcodes(whom: Remembered, family: str) -> set[str]:
    return {each.postcode for each in one_slip_away(whom, "postcode", family)}


def test_there_are_five_families_each_with_a_sentence_and_their_shares_are_a_hundred() -> None:
    assert list(FAMILIES) == ["typing", "hearing", "swapping", "missing", "truncating"]
    assert all(family.how.endswith(".") for family in FAMILIES.values())
    assert sum(family.share for family in FAMILIES.values()) == 100
    assert all(0 <= rate.slip + rate.other < 0.5 for rate in RATES.values())
    assert set(FIELDS) <= RATES.keys()


def test_who_types_hits_a_key_beside_the_right_one_or_one_too_few_or_too_many() -> None:
    typed = given_names(SOPHIE, "typing")
    assert {"Dophie", "Spphie"} <= typed  # a neighbouring key
    assert {"ophie", "Sohie"} <= typed
    assert {"Ssophie", "Soophie"} <= typed
    assert {"Ospohie", "Spohie"} & typed == {"Spohie"}
    assert "Osphie" in typed  # whichever is first is the capital
    assert "Solphie" in typed  # p's neighbour as well
    assert "Sogphie" not in typed


@pytest.mark.parametrize(
    ("recorded", "heard"),
    [
        ("Sophie", "Sofie"),
        ("Philip", "Filip"),
        ("Catherine", "Katherine"),
        ("Catherine", "Caterine"),
        ("Catherine", "Catharine"),
        ("Nick", "Nik"),
        ("Keith", "Kieth"),
        ("Molly", "Mollie"),
        ("Smith", "Smyth"),
        ("Susan", "Suzan"),
        ("Cecilia", "Secilia"),
        ("Phillip", "Philip"),
        ("Philip", "Phillip"),
        ("Martin", "Marten"),
        ("Sarah", "Sara"),
        ("Sara", "Sarah"),
        ("Hussain", "Ussain"),
        ("Thomas", "Tomas"),
        ("Schmidt", "Shmidt"),
        ("Rashid", "Rachid"),
        ("Yusuf", "Yousuf"),
        ("Yousuf", "Yoosuf"),
        ("Petersen", "Peterson"),
        ("Hanson", "Hansen"),
        ("Hansson", "Hanson"),
        ("Clark", "Clarke"),
        ("Wioletta", "Violetta"),
    ],
)
def test_who_spells_by_ear_writes_what_is_heard_alike(recorded: str, heard: str) -> None:
    assert heard in set(name_slips.misheard(recorded))


def test_rules_of_hearing_know_no_script_but_ours() -> None:
    assert list(name_slips.misheard("Юлия")) == []
    assert given_names(replace(SOPHIE, given="Юлия"), "hearing") == set()
    assert "Юли" in given_names(replace(SOPHIE, given="Юлия"), "truncating")


def test_who_swaps_gives_names_in_the_other_order_or_day_for_month_or_two_digits() -> None:
    (swapped,) = one_slip_away(ANN, "name", "swapping")
    assert swapped == replace(ANN, family="Catherine Ann", given="O'Brien")
    assert dates(ANN, "swapping") == {"2018-05-03"}  # there is no 30th month, nor a 50th day
    assert dates(SOPHIE, "swapping") == {"2013-06-12"}
    assert {"M41 5AB", "M14 5BA"} <= postcodes(ANN, "swapping")


def test_who_leaves_something_out_drops_a_name_a_half_a_particle_or_the_end() -> None:
    assert given_names(ANN, "missing") == {"Catherine", "Ann"}
    assert family_names(ANN, "missing") == {"Brien"}
    assert family_names(SOPHIE, "missing") == {"Taylor", "Smith"}
    assert family_names(replace(ANN, family="McDonald"), "missing") == {"Donald"}
    assert family_names(replace(ANN, family="Al-Hashimi"), "missing") == {"Hashimi"}
    assert family_names(replace(ANN, family="de Souza"), "missing") == {"Souza"}
    assert given_names(SOPHIE, "missing") == set()
    assert (dates(ANN, "missing"), postcodes(ANN, "missing")) == ({"2018-03"}, {"M14"})


def test_who_gives_a_beginning_gives_three_letters_or_more_or_a_short_form() -> None:
    cut = given_names(SOPHIE, "truncating")
    assert {"Sop", "Soph", "Sophi"} <= cut
    assert "So" not in cut
    assert "Kate" in given_names(replace(ANN, given="Catherine"), "truncating")
    assert "Kate" not in family_names(replace(ANN, family="Catherine"), "truncating")
    assert (dates(ANN, "truncating"), postcodes(ANN, "truncating")) == ({"2018-03"}, {"M14"})


def test_numbers_are_misheard_as_numbers_that_sound_alike() -> None:
    assert dates(ANN, "hearing") == {"2008-03-05", "2018-03-09"}
    assert "2013-07-21" in dates(SOPHIE, "hearing")
    assert dates(replace(ANN, born="2019-04-13"), "hearing") == {"2009-04-13", "2019-04-30"}
    assert {"N14 5AB", "M14 9AB", "M14 5AD"} <= postcodes(ANN, "hearing")


def test_what_could_not_be_a_childs_birth_date_is_not_given() -> None:
    for whom in (ANN, SOPHIE):
        assert all("2001-09-30" <= born <= "2026-09-30" for born in dates(whom, "typing"))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_slip_changes_its_field_once_and_leaves_the_others(family: str, field: Field) -> None:
    chance = Random(3)
    slipped = 0
    for child in children():
        if not child.knows(field):
            continue
        made = with_slip(child, field, chance, family=family)
        if made is None:
            continue
        slipped += 1
        assert made in set(one_slip_away(child, field, family))
        others = [other for other in FIELDS if other != field]
        assert all(_of(made, other) == _of(child, other) for other in others)
        assert _of(made, field) != _of(child, field)
        Query(**made.terms)  # is something that can be asked
    assert slipped > 15


def _of(whom: Remembered, field: Field) -> tuple[str, ...]:
    if field == "name":
        return (whom.family, whom.given)
    return (whom.born if field == "born" else whom.postcode,)


@pytest.mark.parametrize("family", ["typing", "hearing", "missing", "truncating"])
def test_of_a_name_one_of_both_stays_and_marks_are_no_slips(family: str) -> None:
    for child in children(40):
        for made in one_slip_away(child, "name", family):
            same = (made.family == child.family, made.given == child.given)
            assert same in ((True, False), (False, True))
            changed = made.given if same[0] else made.family
            before = child.given if same[0] else child.family
            assert name_words(changed) != name_words(before)


def test_the_same_seed_makes_the_same_slips() -> None:
    once, again = (
        [with_slip(child, field, chance) for child in children(40) for field in FIELDS]
        for chance in (Random(9), Random(9))
    )
    assert once == again


def test_families_occur_by_their_shares_where_all_are_possible() -> None:
    chance = Random(1)
    made = [with_slip(ANN, "postcode", chance) for _ in range(2000)]
    whole = Counter(len(each.postcode.partition(" ")[2]) == 0 for each in made if each)
    assert 0.25 < whole[True] / 2000 < 0.36  # missing and truncating


def test_a_line_gets_one_slip_too_and_one_of_two_letters_stays_as_it_is() -> None:
    chance = Random(2)
    assert all(text_with_slip("7 Windsor Street", chance) != "7 Windsor Street" for _ in range(50))
    assert text_with_slip("", chance) == ""


def test_who_errs_in_nothing_may_still_give_less_or_another_form() -> None:
    chance = Random(4)
    called = Counter(as_called(ANN, chance).given for _ in range(1000))
    assert 400 < called["Catherine Ann"] < 600
    assert 400 < called["Catherine"] < 600
    assert called["Kate"] > 0
    halves = set(SOPHIE.family.split("-"))
    assert {as_called(SOPHIE, chance).family for _ in range(100)} >= {SOPHIE.family, *halves}
