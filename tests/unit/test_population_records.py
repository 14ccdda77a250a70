"""Made-up records: valid, plausible, and nobody's."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldward_server.population import AUTHORITIES, REFERENCE_DATE, generate
from fieldward_server.population.days import STARTS_SCHOOL, WRITTEN
from fieldward_sync import limits
from fieldward_sync.schema import load_record

SHEFFIELD = "E08000039"


@pytest.fixture(scope="module")
def children() -> list[dict[str, Any]]:
    """5,000 children of Sheffield, as in the demonstration."""
    return list(generate(authority=SHEFFIELD, children=5000, seed=7))


def involvements(child: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(child["involvements"].values())


@pytest.mark.parametrize("authority", AUTHORITIES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_d1_d7_every_record_of_every_authority_loads(authority: str, seed: int) -> None:
    made = list(generate(authority=authority, children=30, seed=seed))
    assert len(made) == 30
    for child in made:
        assert load_record(child).authority == authority


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


def test_d4_children_have_two_to_five_involvements_some_ended(
    children: list[dict[str, Any]],
) -> None:
    counts = Counter(len(involvements(child)) for child in children)
    assert set(counts) == {2, 3, 4, 5}
    assert min(counts.values()) > 0.02 * len(children)
    assert any("ended" in i for child in children for i in involvements(child))
    assert all(any("ended" not in i for i in involvements(child)) for child in children)


def test_no_involvement_begins_or_ends_in_the_future(children: list[dict[str, Any]]) -> None:
    days = {
        i[when]
        for child in children
        for i in involvements(child)
        for when in ("since", "ended")
        if when in i
    }
    assert max(days) <= REFERENCE_DATE.isoformat()


def test_c1_a_few_involvements_are_sensitive_and_have_their_ground(
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


def shielded(children: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [child for child in children if child.get("shield") == limits.RAISED]


@pytest.mark.parametrize("seed", [7, 8, 9])
@pytest.mark.parametrize("count", [500, 4000])
def test_h8_fewer_than_one_in_two_hundred_are_shielded_but_some_are(count: int, seed: int) -> None:
    made = list(generate(authority=SHEFFIELD, children=count, seed=seed))
    assert 0.002 * count <= len(shielded(made)) <= 0.0045 * count


def test_h8_whole_families_are_shielded(children: list[dict[str, Any]]) -> None:
    for child, sibling in siblings(children):
        assert child.get("shield") == sibling.get("shield")


def test_postcodes_are_of_the_authoritys_sectors(children: list[dict[str, Any]]) -> None:
    sectors = {s for it in AUTHORITIES[SHEFFIELD].localities for s in it.postcode_sectors}
    postcodes = {child["address"].get("postcode") for child in children} - {None}
    assert {postcode[:-2] for postcode in postcodes} <= sectors
    assert len({postcode[:-2] for postcode in postcodes}) > 0.9 * len(sectors)


def siblings(
    children: list[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Neighbours in the list who have the same carers."""
    for child, next_child in itertools.pairwise(children):
        if list(child["carers"].values()) == list(next_child["carers"].values()):
            yield child, next_child


def test_siblings_share_a_home_and_not_a_name(children: list[dict[str, Any]]) -> None:
    pairs = list(siblings(children))
    assert len(pairs) > 1000
    for child, sibling in pairs:
        assert child["address"] == sibling["address"]
        assert child.get("gp", sibling.get("gp")) == sibling.get("gp", child.get("gp"))
        assert child["name"] != sibling["name"]


def test_d7_a_few_have_no_number_and_say_why(children: list[dict[str, Any]]) -> None:
    reasons = Counter(child.get("nhs_number_withheld") for child in children)
    assert set(reasons) == {None, *limits.WITHHELD_REASONS}
    assert reasons[None] > 0.98 * len(children)


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


def test_schools_and_practices_have_one_name_each_and_no_real_code(
    children: list[dict[str, Any]],
) -> None:
    for kind, shape in (("school", r"9\d{5}"), ("gp", r"Z\d{5}")):
        held = {(it["code"], it["name"]) for child in children if (it := child.get(kind))}
        assert len({code for code, _ in held}) == len(held) > 20
        assert all(re.fullmatch(shape, code) for code, _ in held)


def test_the_codes_of_schools_are_one_authoritys(children: list[dict[str, Any]]) -> None:
    others: list[dict[str, Any]] = list(generate(authority="E08000038", children=2000, seed=7))
    ours = {child["school"]["code"] for child in children if "school" in child}
    assert not ours & {child["school"]["code"] for child in others if "school" in child}


@pytest.mark.parametrize(
    ("born", "starts"),
    [
        (date(2021, 8, 31), date(2025, 9, 2)),
        (date(2021, 9, 1), date(2026, 9, 2)),
        (date(2022, 1, 15), date(2026, 9, 2)),
    ],
)
def test_school_starts_in_the_september_after_turning_four(born: date, starts: date) -> None:
    born_on = WRITTEN.index(born.isoformat())
    assert WRITTEN[STARTS_SCHOOL[born_on]] == starts.isoformat()
