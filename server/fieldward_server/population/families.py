"""Families: who lives together, under which names, and when the children were born."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from fieldward_server.population.authorities import Authority
from fieldward_server.population.names import DRAWN, Community, feminine
from fieldward_server.population.teams import drama_mobile

_YEAR = 365.25
_CHILDHOOD_DAYS = int(18 * _YEAR)
_CHILDBEARING_DAYS = int(16 * _YEAR)
"""The longest a family's births are apart; families begin that long before the oldest child."""

_CHILDREN_IN_A_FAMILY = (1, 2, 3, 4, 5, 6)
_SHARES_OF_FAMILY_SIZES = (40, 38, 14, 5, 2, 1)
_TWINS = 0.016

_ARRANGEMENTS = (
    "both parents",
    "mother",
    "father left",
    "father",
    "stepfather",
    "grandmother",
    "two mothers",
)
_SHARES_OF_ARRANGEMENTS = (68, 17, 5, 3, 3, 2, 2)


@dataclass(frozen=True)
class Child:
    """A child as its family knows it."""

    born: date
    sex: str
    given: str
    family: str
    former_family: str | None


@dataclass(frozen=True)
class Family:
    """Children, oldest first, and those who care for them."""

    children: tuple[Child, ...]
    carers: tuple[Mapping[str, str], ...]
    looked_after: bool


class Families:
    """The families of an authority, made one at a time."""

    def __init__(self, authority: Authority, *, reference: date, rng: random.Random) -> None:
        self._pools = tuple(DRAWN[name] for name in authority.communities)
        self._shares = tuple(authority.communities.values())
        self._reference = reference
        self._rng = rng

    def __iter__(self) -> Iterator[Family]:
        while True:
            births = self._births()
            if births:
                yield self._family(births)

    def _births(self) -> list[date]:
        """Birthdays of those under 18, the oldest first; twins share theirs."""
        rng = self._rng
        size = rng.choices(_CHILDREN_IN_A_FAMILY, _SHARES_OF_FAMILY_SIZES)[0]
        days_ago = rng.randrange(_CHILDHOOD_DAYS + _CHILDBEARING_DAYS)
        births = []
        while size > 0 and days_ago >= 0:
            together = 2 if rng.random() < _TWINS else 1
            if days_ago < _CHILDHOOD_DAYS:
                births += [self._reference - timedelta(days=days_ago)] * together
            size -= together
            days_ago -= int(rng.triangular(1.1, 6, 2.4) * _YEAR)
        return births

    def _family(self, births: list[date]) -> Family:
        rng = self._rng
        pool = self._pool()
        mother = self._woman(pool)
        other_pool = self._pool() if rng.random() < 0.1 else pool
        father = (rng.choice(other_pool.family), rng.choice(other_pool.men))
        if rng.random() > (0.9 if pool.women_keep_their_names else 0.4):
            mother = (feminine(father[0]), mother[1])
        looked_after = rng.random() < 0.008
        carers = (
            self._foster_carers()
            if looked_after
            else self._own_carers(pool, mother, father, births)
        )
        names = _FamilyNames.drawn(rng, mother=mother[0], father=father[0], carers=carers)
        return Family(self._children(births, pool, names), carers, looked_after)

    def _pool(self) -> Community:
        return self._rng.choices(self._pools, self._shares)[0]

    def _children(
        self, births: list[date], pool: Community, names: _FamilyNames
    ) -> tuple[Child, ...]:
        rng = self._rng
        taken: set[str] = set()
        children = []
        for born in births:
            is_girl = rng.random() < 0.488
            given = self._given(pool, is_girl, taken)
            sex = "female" if is_girl else "male"
            former = names.former if rng.random() < 0.05 else None
            family = feminine(names.current) if is_girl else names.current
            children.append(Child(born, sex, given, family, former if former != family else None))
        return tuple(children)

    def _given(self, pool: Community, is_girl: bool, taken: set[str]) -> str:
        names = pool.girls if is_girl else pool.boys
        first = self._rng.choice(names)
        while first in taken:
            first = self._rng.choice(names)
        taken.add(first)
        seconds = pool.girls_second if is_girl else pool.boys_second
        if seconds and self._rng.random() < 0.2 and not set(" -") & set(first):
            return f"{first} {self._rng.choice(seconds)}"
        return first

    def _own_carers(
        self,
        pool: Community,
        mother: tuple[str, str],
        father: tuple[str, str],
        births: list[date],
    ) -> tuple[Mapping[str, str], ...]:
        rng = self._rng
        arrangement = rng.choices(_ARRANGEMENTS, _SHARES_OF_ARRANGEMENTS)[0]
        if arrangement == "grandmother":
            return (self._carer((mother[0], rng.choice(pool.women)), "grandparent"),)
        if arrangement == "father":
            return (self._carer(father, "father"),)
        carers = [self._carer(mother, "mother")]
        if arrangement == "two mothers":
            carers.append(self._carer(self._woman(pool), "mother"))
        if arrangement == "both parents":
            carers.append(self._carer(father, "father"))
        if arrangement == "father left":
            carers.append({**self._carer(father, "father"), "ended": self._since(births[-1])})
        if arrangement == "stepfather":
            step = (rng.choice(pool.family), rng.choice(pool.men))
            carers += [self._carer(father, "father"), self._carer(step, "step-parent")]
        return tuple(carers)

    def _since(self, start: date) -> str:
        days = (self._reference - start).days
        return (start + timedelta(days=self._rng.randint(0, days))).isoformat()

    def _woman(self, pool: Community) -> tuple[str, str]:
        bears_a_womans = pool.women_family and self._rng.random() < 0.5
        family = self._rng.choice(pool.women_family if bears_a_womans else pool.family)
        return feminine(family), self._rng.choice(pool.women)

    def _foster_carers(self) -> tuple[Mapping[str, str], ...]:
        pool = self._pool()
        family = self._rng.choice(pool.family)
        woman = (feminine(family), self._rng.choice(pool.women))
        carers = [self._carer(woman, "foster-carer")]
        if self._rng.random() < 0.6:
            carers.append(self._carer((family, self._rng.choice(pool.men)), "foster-carer"))
        return tuple(carers)

    def _carer(self, name: tuple[str, str], relation: str) -> dict[str, str]:
        carer = {"family": name[0], "given": name[1], "relation": relation}
        if self._rng.random() < 0.88:
            carer["phone"] = drama_mobile(self._rng)
        return carer


@dataclass(frozen=True)
class _FamilyNames:
    """What the children of a family are called now, and what one may have been called before."""

    current: str
    former: str

    @classmethod
    def drawn(
        cls, rng: random.Random, *, mother: str, father: str, carers: tuple[Mapping[str, str], ...]
    ) -> _FamilyNames:
        father_is_there = any(carer["relation"] == "father" for carer in carers)
        both = f"{mother}-{father}"
        if rng.random() < 0.05 and mother != father and not set(" -.") & set(mother + father):
            return cls(both, mother)
        if father_is_there or rng.random() < 0.4:
            return cls(father, mother)
        return cls(mother, father)
