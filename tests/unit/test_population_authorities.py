"""The authorities of England that children can be made up for, and where their families live."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from fieldward_server.population import AUTHORITIES
from fieldward_server.population.authorities import Authority, authority_of
from fieldward_server.population.communities import COMMUNITIES
from fieldward_sync.errors import CallerMistake

KINDS = {"E06": 63, "E08": 36, "E09": 33, "E10": 21}
"""Unitary authorities, metropolitan districts, London with the City, and counties."""

ENDED = (
    *("E08000016", "E08000019"),  # Barnsley and Sheffield, until April 2025
    *("E10000006", "E10000021", "E10000023", "E10000027"),  # counties that became unitary
    *("E06000028", "E06000029", "E06000048"),
)


def every_authority() -> list[Authority]:
    return list(AUTHORITIES.values())


def test_there_are_all_153_of_every_kind() -> None:
    assert Counter(code[:3] for code in AUTHORITIES) == KINDS
    assert all(re.fullmatch(r"E(?:06|08|09|10)\d{6}", code) for code in AUTHORITIES)
    assert list(AUTHORITIES) == sorted(AUTHORITIES)


def test_no_two_share_a_name_or_a_council() -> None:
    assert len({authority.name for authority in every_authority()}) == 153
    assert len({authority.council for authority in every_authority()}) == 153


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("E08000038", "Barnsley"),
        ("E08000039", "Sheffield"),
        ("E06000053", "Isles of Scilly"),
        ("E06000063", "Cumberland"),
        ("E06000066", "Somerset"),
        ("E09000001", "City of London"),
        ("E10000003", "Cambridgeshire"),
    ],
)
def test_an_authority_has_the_code_it_has_had_since_april_2025(code: str, name: str) -> None:
    assert AUTHORITIES[code].name == name


def test_codes_that_have_ended_are_not_among_them() -> None:
    assert not set(ENDED) & set(AUTHORITIES)


def test_their_residents_are_those_of_england() -> None:
    assert 56_000 < sum(authority.residents for authority in every_authority()) < 57_000


def test_each_has_five_to_twenty_five_localities_with_codes_of_their_own() -> None:
    for authority in every_authority():
        codes = {locality.code for locality in authority.localities}
        assert 5 <= len(codes) == len(authority.localities) <= 25
        assert all(re.fullmatch("[A-Z]{3}", code) for code in codes)
        assert len({locality.name for locality in authority.localities}) == len(codes)


def test_each_locality_has_sectors_of_one_postcode_district() -> None:
    for authority in every_authority():
        for locality in authority.localities:
            district = locality.postcode_district
            assert re.fullmatch(r"[A-Z]{1,2}\d[\dA-Z]?", district)
            assert locality.postcode_sectors
            assert all(re.fullmatch(rf"{district} \d", s) for s in locality.postcode_sectors)


@pytest.mark.parametrize(
    ("code", "areas"),
    [
        ("E08000039", {"S"}),
        ("E08000038", {"S"}),
        ("E06000052", {"TR", "PL", "EX"}),
        ("E06000053", {"TR"}),
        ("E09000025", {"E"}),
        ("E09000001", {"E", "EC"}),
    ],
)
def test_the_postcode_areas_are_the_authoritys(code: str, areas: set[str]) -> None:
    found = {re.sub(r"\d.*", "", it.postcode_district) for it in AUTHORITIES[code].localities}
    assert found == areas


def test_telephone_numbers_are_of_the_ranges_for_drama() -> None:
    ranges = r"01632 960|020 7946 0|0191 498 0|01(?:1[3-8]|21|51|61) 496 0"
    assert all(re.fullmatch(ranges, authority.drama_numbers) for authority in every_authority())


def test_every_community_is_known_and_lives_somewhere() -> None:
    living = {name for authority in every_authority() for name in authority.communities}
    assert living == set(COMMUNITIES)
    assert all(share > 0 for it in every_authority() for share in it.communities.values())


def test_no_community_has_a_name_twice_in_a_list() -> None:
    for community in COMMUNITIES.values():
        for names in (community.family, community.girls, community.boys, community.men):
            assert len(set(names)) == len(names)


def test_a_community_takes_from_another_only_what_it_lacks() -> None:
    cornish, british = COMMUNITIES["cornish"], COMMUNITIES["british"]
    assert cornish.women == british.women
    assert "Penhaligon" in cornish.family
    assert "Penhaligon" not in british.family


def test_a_code_that_is_nobodys_is_refused_and_the_list_is_named() -> None:
    with pytest.raises(CallerMistake) as refusal:
        authority_of("E08000019")
    assert refusal.value.code == "unknown-authority"
    assert "fieldward population authorities" in refusal.value.diagnostics()
