"""The made-up population: valid, plausible, a little awkward, and the same every time."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from fieldward_server.population import AUTHORITIES, REFERENCE_DATE, generate, write_ndjson
from fieldward_server.population.identifiers import nhs_numbers
from fieldward_server.population.names import COMMUNITIES
from fieldward_server.population.schooling import starts_school
from fieldward_sync import limits
from fieldward_sync.errors import CallerMistake
from fieldward_sync.schema import load_record

SHEFFIELD = "E08000039"


@pytest.fixture(scope="module")
def children() -> list[dict[str, Any]]:
    """5,000 children of Sheffield, as in the demonstration."""
    return list(generate(authority=SHEFFIELD, children=5000, seed=7))


def involvements(child: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(child["involvements"].values())


@pytest.mark.parametrize("authority", AUTHORITIES)
def test_every_record_loads(authority: str) -> None:
    made = list(generate(authority=authority, children=100, seed=11))
    assert len(made) == 100
    for child in made:
        assert load_record(child).authority == authority


def test_the_same_seed_makes_the_same_children() -> None:
    once, again = (list(generate(authority=SHEFFIELD, children=50, seed=7)) for _ in "12")
    assert json.dumps(once) == json.dumps(again)


def test_another_seed_makes_other_children() -> None:
    ids = {
        seed: {
            child["record_id"] for child in generate(authority=SHEFFIELD, children=50, seed=seed)
        }
        for seed in (7, 8)
    }
    assert not ids[7] & ids[8]


def test_children_are_known_by_one_id_and_one_number_each(children: list[dict[str, Any]]) -> None:
    numbers = [child["nhs_number"] for child in children if "nhs_number" in child]
    assert len({child["record_id"] for child in children}) == 5000
    assert len(set(numbers)) == len(numbers)
    assert all(number.startswith("999") for number in numbers)


def test_two_authorities_share_no_child(children: list[dict[str, Any]]) -> None:
    others = list(generate(authority="E08000003", children=5000, seed=7))
    for name in ("record_id", "nhs_number"):
        ours = {child.get(name) for child in children} - {None}
        assert not ours & {child.get(name) for child in others}


def test_numbers_of_an_authority_stay_in_its_block_for_ninety_thousand_children() -> None:
    first = set(itertools.islice(nhs_numbers(block=0), 90_000))
    assert len(first) == 90_000
    assert all(number.startswith("9990") for number in first)


def test_everybody_is_under_eighteen_and_born(children: list[dict[str, Any]]) -> None:
    eighteen_years_before = REFERENCE_DATE.replace(year=REFERENCE_DATE.year - 18).isoformat()
    births = [child["born"] for child in children]
    assert eighteen_years_before < min(births) <= max(births) <= REFERENCE_DATE.isoformat()


def test_ages_are_spread_evenly(children: list[dict[str, Any]]) -> None:
    by_age = Counter(
        (REFERENCE_DATE - date.fromisoformat(child["born"])).days // 366 for child in children
    )
    assert set(by_age) == set(range(18))
    assert all(200 < count < 360 for count in by_age.values())


def test_a_locality_team_holds_100_to_300_children(children: list[dict[str, Any]]) -> None:
    held = Counter(
        team
        for child in children
        for team in {i["team"] for i in involvements(child) if "ended" not in i}
        if team.startswith("HV-")
    )
    assert len(held) == 25
    assert all(re.fullmatch(r"HV-[A-Z]{3}-\d\d", team) for team in held)
    assert all(100 <= count <= 300 for count in held.values())


def test_children_have_two_to_five_involvements_some_ended(children: list[dict[str, Any]]) -> None:
    counts = Counter(len(involvements(child)) for child in children)
    assert set(counts) == {2, 3, 4, 5}
    assert any("ended" in i for child in children for i in involvements(child))
    assert all(any("ended" not in i for i in involvements(child)) for child in children)


def test_a_few_involvements_are_sensitive_and_have_their_ground(
    children: list[dict[str, Any]],
) -> None:
    sensitive = [
        i
        for child in children
        for i in involvements(child)
        if i["service"] in limits.SENSITIVE_SERVICES
    ]
    assert {i["service"] for i in sensitive} == set(limits.SENSITIVE_SERVICES)
    assert {i["sensitive_ground"] for i in sensitive} == set(limits.SENSITIVE_GROUNDS)
    assert 0.005 < len(sensitive) / len(children) < 0.05


@pytest.mark.parametrize("seed", [7, 8, 9])
def test_fewer_than_one_in_two_hundred_are_shielded_but_some_are(seed: int) -> None:
    made = list(generate(authority=SHEFFIELD, children=4000, seed=seed))
    shielded = [child for child in made if child.get("shield") == limits.RAISED]
    assert 0 < len(shielded) < 0.005 * len(made)


def test_every_kind_of_address_occurs_and_nearly_all_are_current(
    children: list[dict[str, Any]],
) -> None:
    kinds = Counter(child["address"]["kind"] for child in children)
    assert set(kinds) == set(limits.ADDRESS_KINDS)
    assert kinds["current"] > 0.95 * len(children)


def test_postcodes_are_of_the_authoritys_districts(children: list[dict[str, Any]]) -> None:
    districts = {place.postcode_district for place in AUTHORITIES[SHEFFIELD].localities}
    postcodes = {child["address"].get("postcode") for child in children} - {None}
    assert {postcode.split()[0] for postcode in postcodes} == districts


def test_siblings_share_home_and_carers_and_some_are_twins(children: list[dict[str, Any]]) -> None:
    pairs = [
        (one, next_one)
        for one, next_one in itertools.pairwise(children)
        if list(one["carers"].values()) == list(next_one["carers"].values())
    ]
    assert len(pairs) > 1000
    assert all(one["address"] == other["address"] for one, other in pairs)
    assert any(one["born"] == other["born"] for one, other in pairs)
    assert all(one["name"] != other["name"] for one, other in pairs)


def test_some_have_former_names_and_some_no_number(children: list[dict[str, Any]]) -> None:
    assert any("former_names" in child for child in children)
    reasons = {child.get("nhs_number_withheld") for child in children} - {None}
    assert reasons == set(limits.WITHHELD_REASONS)


def test_names_are_awkward_enough_for_a_search(children: list[dict[str, Any]]) -> None:
    names = " ".join(f"{c['name']['family']} {c['name']['given']}" for c in children)
    assert "'" in names
    assert "-" in names
    assert not names.isascii()
    assert len({c["name"]["family"] for c in children}) > 400


def test_nobodys_telephone_rings(children: list[dict[str, Any]]) -> None:
    phones = {
        person["phone"]
        for child in children
        for person in (*child["carers"].values(), *involvements(child))
        if "phone" in person
    }
    for_drama = (AUTHORITIES[SHEFFIELD].drama_numbers, "07700 900")
    assert all(phone.startswith(for_drama) for phone in phones)


def test_nobody_gets_mail(children: list[dict[str, Any]]) -> None:
    emails = {i["email"] for child in children for i in involvements(child) if "email" in i}
    assert emails
    assert all(email.endswith(".example") for email in emails)


@pytest.mark.parametrize(
    ("born", "starts"),
    [
        (date(2021, 8, 31), date(2025, 9, 2)),
        (date(2021, 9, 1), date(2026, 9, 2)),
        (date(2022, 1, 15), date(2026, 9, 2)),
    ],
)
def test_school_starts_in_the_september_after_turning_four(born: date, starts: date) -> None:
    assert starts_school(born) == starts


def test_localities_have_codes_of_their_own() -> None:
    for authority in AUTHORITIES.values():
        codes = {locality.code for locality in authority.localities}
        assert len(codes) == len(authority.localities)
        assert all(len(code) == 3 for code in codes)


def test_communities_are_known_and_name_nobody_twice() -> None:
    for authority in AUTHORITIES.values():
        assert set(authority.communities) <= set(COMMUNITIES)
    for community in COMMUNITIES.values():
        for names in (community.family, community.girls, community.boys):
            assert len(set(names)) == len(names)


def test_an_authority_without_a_population_is_refused_by_name() -> None:
    with pytest.raises(CallerMistake) as refusal:
        generate(authority="E06000001", children=1, seed=7)
    assert refusal.value.code == "unknown-authority"
    assert "E08000039 Sheffield" in refusal.value.diagnostics()


def test_records_are_written_one_a_line_as_they_are_read() -> None:
    made = list(generate(authority=SHEFFIELD, children=30, seed=7))
    stream = io.StringIO()
    assert write_ndjson(made, stream) == 30
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == made
