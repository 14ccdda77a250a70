"""Families: who lives together, under which names, and when the children were born."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fieldward_server.population.authorities import Authority
from fieldward_server.population.communities import DRAWN, Community, feminine
from fieldward_server.population.days import CHILDHOOD, ON_A_WEEKDAY, TODAY
from fieldward_server.population.draws import Draw, between, by_share, pick
from fieldward_server.population.teams import drama_mobile

_YEAR = 365.25
_CHILDBEARING_DAYS = int(16 * _YEAR)
"""The longest a family's births are apart; families begin that long before the oldest child."""

_SIZES = by_share({1: 40, 2: 38, 3: 14, 4: 5, 5: 2, 6: 1})
_TWINS = 0.016
_GIRLS = 0.488
_LOOKED_AFTER = 0.008
_COUSINS = 0.04
"""Families that come with cousins, one of whom has the same name as one of them."""

_FORMERLY_OF_ANOTHER_FAMILY_NAME = 0.05
_FORMERLY_OF_ANOTHER_GIVEN_NAME = 0.004
_RECORDED_THE_OTHER_WAY = 0.08
"""Of the communities where clerks take the family name for the given one."""

_ARRANGEMENTS = by_share(
    {
        "both parents": 68,
        "mother": 17,
        "father left": 5,
        "father": 3,
        "stepfather": 3,
        "grandmother": 2,
        "two mothers": 2,
    }
)

_JOINED = frozenset(" -.")
"""Family names with one of these are not joined with another."""

Name = tuple[str, str]
"""Family name and given name."""

Carer = dict[str, str]


class Child(NamedTuple):
    """A child as its family knows it."""

    born: int
    sex: str
    name: Name
    former_name: Name | None


class Family(NamedTuple):
    """Children, oldest first, and those who care for them."""

    children: list[Child]
    carers: list[Carer]
    looked_after: bool


class Families:
    """The families of an authority, made one at a time."""

    def __init__(self, authority: Authority, draw: Draw) -> None:
        self._communities = tuple(DRAWN[name] for name in by_share(dict(authority.communities)))
        self._draw = draw

    def __iter__(self) -> Iterator[Family]:
        while True:
            births = self._births()
            if not births:
                continue
            community = pick(self._draw, self._communities)
            father = pick(self._draw, community.family), pick(self._draw, community.men)
            family = self._family(births, community, father, namesake=None)
            yield family
            has_a_name_to_share = not (community.recorded_either_way or community.patronymic)
            if has_a_name_to_share and self._draw() < _COUSINS and (births := self._births()):
                uncle = father[0], pick(self._draw, community.men)
                yield self._family(births, community, uncle, namesake=family.children[0])

    def _births(self) -> list[int]:
        """Birthdays of those under 18, the oldest first; twins share theirs."""
        draw = self._draw
        size = pick(draw, _SIZES)
        days_ago = int(draw() * (CHILDHOOD + _CHILDBEARING_DAYS))
        births = []
        while size > 0 and days_ago >= 0:
            together = 2 if draw() < _TWINS else 1
            if days_ago < CHILDHOOD:
                births += [TODAY - days_ago] * together
            size -= together
            days_ago -= int((1.1 + 2.05 * (draw() + draw())) * _YEAR)
        return births

    def _family(
        self, births: list[int], community: Community, father: Name, *, namesake: Child | None
    ) -> Family:
        draw = self._draw
        mother = self._woman(community)
        if draw() > (0.9 if community.women_keep_their_names else 0.4):
            mother = feminine(father[0]), mother[1]
        looked_after = draw() < _LOOKED_AFTER
        carers = (
            self._foster_carers()
            if looked_after
            else self._own_carers(community, mother, father, births)
        )
        if namesake is None:
            names = self._family_names(community, mother[0], father, carers)
        else:
            names = father[0], mother[0]
        children = self._children(births, community, names, namesake)
        return Family(children, carers, looked_after)

    def _family_names(
        self, community: Community, mother: str, father: Name, carers: list[Carer]
    ) -> Name:
        """What the children of a family are called now, and what one may have been before."""
        if community.patronymic:
            return father[1], father[0]
        both = f"{mother}-{father[0]}"
        if self._draw() < 0.05 and mother != father[0] and not _JOINED & set(mother + father[0]):
            return both, mother
        if any(carer["relation"] == "father" for carer in carers) or self._draw() < 0.4:
            return father[0], mother
        return mother, father[0]

    def _children(
        self, births: list[int], community: Community, names: Name, namesake: Child | None
    ) -> list[Child]:
        draw = self._draw
        taken: set[str] = set()
        children: list[Child] = []
        for born in births:
            is_girl = draw() < _GIRLS
            sex = "female" if is_girl else "male"
            current, former = (feminine(names[0]), feminine(names[1])) if is_girl else names
            if namesake is not None and not children and namesake.sex == sex:
                given = namesake.name[1]
                taken.add(given)
            else:
                given = self._given(community, is_girl, taken)
            name = current, given
            if community.recorded_either_way and draw() < _RECORDED_THE_OTHER_WAY:
                name = given, current
            children.append(Child(born, sex, name, self._former(name, former, community, is_girl)))
        return children

    def _former(self, name: Name, family: str, community: Community, is_girl: bool) -> Name | None:
        chance = self._draw()
        if chance < _FORMERLY_OF_ANOTHER_GIVEN_NAME:
            former = name[0], pick(self._draw, community.girls if is_girl else community.boys)
        elif chance < _FORMERLY_OF_ANOTHER_FAMILY_NAME:
            former = family, name[1]
        else:
            return None
        return former if former != name else None

    def _given(self, community: Community, is_girl: bool, taken: set[str]) -> str:
        draw = self._draw
        names = community.girls if is_girl else community.boys
        first = pick(draw, names)
        while first in taken:
            first = pick(draw, names)
        taken.add(first)
        seconds = community.girls_second if is_girl else community.boys_second
        if seconds and draw() < 0.2 and " " not in first and "-" not in first:
            given = f"{first} {pick(draw, seconds)}"
            while draw() < 0.06 and given.count(" ") < 3:
                given = f"{given} {pick(draw, seconds)}"
            return given
        return first

    def _own_carers(
        self, community: Community, mother: Name, father: Name, births: list[int]
    ) -> list[Carer]:
        draw = self._draw
        arrangement = pick(draw, _ARRANGEMENTS)
        if arrangement == "grandmother":
            return [self._carer((mother[0], pick(draw, community.women)), "grandparent")]
        if arrangement == "father":
            return [self._carer(father, "father")]
        carers = [self._carer(mother, "mother")]
        if arrangement == "two mothers":
            carers.append(self._carer(self._woman(community), "mother"))
        elif arrangement != "mother":
            carers.append(self._carer(father, "father"))
        if arrangement == "father left":
            carers[1]["ended"] = ON_A_WEEKDAY[between(draw, births[-1], TODAY)]
        if arrangement == "stepfather":
            step = pick(draw, community.family), pick(draw, community.men)
            carers.append(self._carer(step, "step-parent"))
        return carers

    def _woman(self, community: Community) -> Name:
        bears_a_womans = community.women_family and self._draw() < 0.5
        family = pick(self._draw, community.women_family if bears_a_womans else community.family)
        return feminine(family), pick(self._draw, community.women)

    def _foster_carers(self) -> list[Carer]:
        community = pick(self._draw, self._communities)
        family = pick(self._draw, community.family)
        woman = feminine(family), pick(self._draw, community.women)
        carers = [self._carer(woman, "foster-carer")]
        if self._draw() < 0.6:
            man = family, pick(self._draw, community.men)
            carers.append(self._carer(man, "foster-carer"))
        return carers

    def _carer(self, name: Name, relation: str) -> Carer:
        carer = {"family": name[0], "given": name[1], "relation": relation}
        if self._draw() < 0.88:
            carer["phone"] = drama_mobile(self._draw)
        return carer
