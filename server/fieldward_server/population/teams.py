"""Who works with the children of an authority: teams, and the people in them."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.population.authorities import Authority, Locality
from fieldward_server.population.names import DRAWN, feminine
from fieldward_server.population.services import SERVICE_KINDS, Employer, ServiceKind

CHILDREN_PER_LOCALITY_TEAM = 200
"""A locality team looks after every child of its patch from birth to school leaving."""

_CHILDREN_PER_OTHER_TEAM = 2_500
_WORKERS_PER_TEAM = 4
_WITHOUT_DECOMPOSITION = str.maketrans("łŁıøØđĐ", "lLioOdD")


@dataclass(frozen=True)
class Worker:
    """A practitioner, as an involvement names them."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True)
class Team:
    """Some workers under one code."""

    code: str
    organisation: str
    duty_phone: str
    workers: tuple[Worker, ...]


@dataclass(frozen=True)
class LocalityTeam:
    """An integrated 0 to 19 team: health visitors for the young, school nurses for the others."""

    locality: Locality
    health_visitors: Team
    school_nurses: Team


@dataclass(frozen=True)
class Workforce:
    """All the teams of an authority."""

    locality_teams: tuple[LocalityTeam, ...]
    other_teams: Mapping[ServiceKind, tuple[Team, ...]]

    @classmethod
    def of(cls, authority: Authority, *, children: int, rng: random.Random) -> Workforce:
        """Teams enough for so many children."""
        hiring = _Hiring(authority, rng)
        count = max(1, round(children / CHILDREN_PER_LOCALITY_TEAM))
        others = max(1, round(children / _CHILDREN_PER_OTHER_TEAM))
        return cls(
            tuple(hiring.locality_team(number) for number in range(count)),
            {
                kind: tuple(hiring.other_team(kind, number + 1) for number in range(others))
                for kind in SERVICE_KINDS
            },
        )


class _Hiring:
    def __init__(self, authority: Authority, rng: random.Random) -> None:
        self._authority = authority
        self._rng = rng
        self._communities = tuple(authority.communities)
        self._shares = tuple(authority.communities.values())
        self._domain = f"{authority.name.lower().replace(' ', '-')}.example"

    def locality_team(self, number: int) -> LocalityTeam:
        round_, place = divmod(number, len(self._authority.localities))
        locality = self._authority.localities[place]
        code = f"HV-{locality.code}-{round_ + 1:02d}"
        return LocalityTeam(
            locality, self._team(code, Employer.HEALTH), self._team(code, Employer.HEALTH)
        )

    def other_team(self, kind: ServiceKind, number: int) -> Team:
        return self._team(f"{kind.team_prefix}-{number:02d}", kind.employer)

    def _team(self, code: str, employer: Employer) -> Team:
        organisation = employer.value.format(
            name=self._authority.name, council=self._authority.council
        )
        workers = tuple(self._worker() for _ in range(_WORKERS_PER_TEAM))
        return Team(code, organisation, self._landline(), workers)

    def _worker(self) -> Worker:
        community = DRAWN[self._rng.choices(self._communities, self._shares)[0]]
        family = self._rng.choice(community.family)
        if self._rng.random() < 0.12:
            given = self._rng.choice(community.men)
        else:
            given, family = self._rng.choice(community.women), feminine(family)
        phone = self._landline() if self._rng.random() < 0.4 else drama_mobile(self._rng)
        email = f"{_ascii(given)}.{_ascii(family)}@{self._domain}"
        return Worker(f"{given} {family}", phone, email)

    def _landline(self) -> str:
        return f"{self._authority.drama_numbers}{self._rng.randrange(1000):03d}"


def drama_mobile(rng: random.Random) -> str:
    """A mobile number of Ofcom's range for drama."""
    return f"07700 900{rng.randrange(1000):03d}"


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.translate(_WITHOUT_DECOMPOSITION))
    return "".join(c for c in plain.lower() if c.isascii() and (c.isalpha() or c == "-"))
