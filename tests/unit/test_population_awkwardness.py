"""What makes searching and merging hard is in the population on purpose, and often enough."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fieldward_server.population import AUTHORITIES, plan
from fieldward_server.population.blocks import block_of
from fieldward_server.population.communities import COMMUNITIES
from fieldward_sync import limits

Child = dict[str, Any]

VISITING = ("health-visiting", "school-nursing")


@pytest.fixture(scope="module")
def england() -> list[Child]:
    """20,000 children of all of England."""
    shares = plan(AUTHORITIES, children=20_000, seed=7)
    return [
        child
        for share in shares
        for number in range(share.blocks)
        for child in block_of(share, number)
    ]


def words(child: Child) -> Iterator[str]:
    yield from child["name"].values()


def has_an_apostrophe(child: Child) -> bool:
    return any("'" in name for name in words(child))


def has_a_hyphen(child: Child) -> bool:
    return any("-" in name for name in words(child))


def has_diacritics(child: Child) -> bool:
    return not all(name.isascii() for name in words(child))


def has_a_name_of_one_letter(child: Child) -> bool:
    return any(len(name) == 1 for name in words(child))


def has_a_name_of_four_parts(child: Child) -> bool:
    return any(len(name.split()) == 4 for name in words(child))


GIVEN = {name for it in COMMUNITIES.values() for name in (*it.girls, *it.boys)}
FAMILY = {name for it in COMMUNITIES.values() for name in it.family}


def is_recorded_the_other_way(child: Child) -> bool:
    family, given = child["name"]["family"], child["name"]["given"]
    return family in GIVEN - FAMILY and given in FAMILY - GIVEN


PATRONYMS = {name for it in COMMUNITIES.values() if it.patronymic for name in it.men} - FAMILY


def is_called_after_the_father(child: Child) -> bool:
    return child["name"]["family"] in PATRONYMS and any(
        carer["relation"] == "father" and carer["given"] == child["name"]["family"]
        for carer in child["carers"].values()
    )


def has_a_former_family_name(child: Child) -> bool:
    former = child.get("former_names", {}).values()
    return any(name["family"] != child["name"]["family"] for name in former)


def has_a_former_given_name(child: Child) -> bool:
    former = child.get("former_names", {}).values()
    return any(name["given"] != child["name"]["given"] for name in former)


def has_a_carer_of_another_family_name(child: Child) -> bool:
    return any(it["family"] != child["name"]["family"] for it in child["carers"].values())


def has_moved_between_teams(child: Child) -> bool:
    services = [i["service"] for i in child["involvements"].values() if i["service"] in VISITING]
    return len(services) > len(set(services))


def has_an_ended_involvement_beside_a_running_one(child: Child) -> bool:
    return len({"ended" in i for i in child["involvements"].values()}) == 2


def has_no_number(child: Child) -> bool:
    return "nhs_number" not in child


def is_shielded(child: Child) -> bool:
    return child.get("shield") == limits.RAISED


@pytest.mark.parametrize(
    ("case", "at_least", "at_most"),
    [
        (has_an_apostrophe, 0.01, 0.04),
        (has_a_hyphen, 0.03, 0.08),
        (has_diacritics, 0.03, 0.08),
        (has_a_name_of_one_letter, 0.001, 0.006),
        (has_a_name_of_four_parts, 0.001, 0.006),
        (is_recorded_the_other_way, 0.0005, 0.004),
        (is_called_after_the_father, 0.001, 0.01),
        (has_a_former_family_name, 0.015, 0.04),
        (has_a_former_given_name, 0.002, 0.008),
        (has_a_carer_of_another_family_name, 0.3, 0.7),
        (has_moved_between_teams, 0.08, 0.16),
        (has_an_ended_involvement_beside_a_running_one, 0.9, 1),
        (has_no_number, 0.005, 0.015),
        (is_shielded, 0.003, 0.0045),
    ],
    ids=lambda it: it.__name__ if callable(it) else None,
)
def test_of_all_children_this_share(
    england: list[Child], case: Callable[[Child], bool], at_least: float, at_most: float
) -> None:
    share = sum(map(case, england)) / len(england)
    assert at_least <= share <= at_most


@pytest.mark.parametrize(
    ("kind", "at_least", "at_most"),
    [
        ("current", 0.96, 0.985),
        ("last-known", 0.005, 0.015),
        ("no-known-address", 0.005, 0.015),
        ("left-england", 0.004, 0.012),
    ],
)
def test_d3_of_all_addresses_this_share_is_of_the_kind(
    england: list[Child], kind: str, at_least: float, at_most: float
) -> None:
    share = sum(child["address"]["kind"] == kind for child in england) / len(england)
    assert at_least <= share <= at_most


def same_family(child: Child, other: Child) -> bool:
    return list(child["carers"].values()) == list(other["carers"].values())


def test_two_to_five_in_a_hundred_are_twins(england: list[Child]) -> None:
    twins = sum(
        2
        for child, other in itertools.pairwise(england)
        if same_family(child, other) and child["born"] == other["born"]
    )
    assert 0.02 < twins / len(england) < 0.05


def test_one_in_a_hundred_has_a_cousin_of_the_same_name(england: list[Child]) -> None:
    cousins = sum(
        2
        for place, child in enumerate(england)
        for other in england[place + 1 : place + 8]
        if other["name"] == child["name"] and not same_family(child, other)
    )
    assert 0.005 < cousins / len(england) < 0.02


def test_one_name_is_borne_by_strangers(england: list[Child]) -> None:
    names = Counter(tuple(words(child)) for child in england)
    assert 0.1 < sum(count for count in names.values() if count > 1) / len(england) < 0.5


def test_names_of_every_community_are_among_them(england: list[Child]) -> None:
    borne = {child["name"]["family"] for child in england}
    for community in COMMUNITIES.values():
        if not community.patronymic:
            assert len(borne & set(community.family)) > len(community.family) / 3
    assert len(borne) > 1000
