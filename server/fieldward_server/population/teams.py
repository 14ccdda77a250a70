"""Who works with the children of an authority: teams, and the people in them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.population.authorities import Authority, Locality
from fieldward_server.population.communities import DRAWN, feminine
from fieldward_server.population.draws import Draw, by_share, pick
from fieldward_server.population.services import SERVICE_KINDS, Employer, ServiceKind

CHILDREN_PER_LOCALITY_TEAM = 200
"""A locality team looks after every child of its patch from birth to school leaving."""

_CHILDREN_PER_OTHER_TEAM = 2_500
_WORKERS_PER_TEAM = 4
_DRAWS_PER_WORKER = 6
_WITHOUT_DECOMPOSITION = str.maketrans("łŁıøØđĐ", "lLioOdD")
_MOBILES = tuple(f"07700 900{number:03d}" for number in range(1000))  # Ofcom's, for drama

Post = Mapping[str, object]
"""An involvement as far as it is the same for every child: service, role, team and person."""

Team = tuple[Post, ...]
"""The posts of a team, each as often as its share of the children; the last is not filled."""


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
    def of(cls, authority: Authority, *, children: int, draw: Draw) -> Workforce:
        """Teams enough for so many children."""
        hiring = _Hiring(authority, draw)
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
    def __init__(self, authority: Authority, draw: Draw) -> None:
        self._authority = authority
        self._draw = draw
        self._communities = by_share(dict(authority.communities))
        self._domain = f"{authority.name.lower().replace(',', '').replace(' ', '-')}.example"

    def locality_team(self, number: int) -> LocalityTeam:
        round_, place = divmod(number, len(self._authority.localities))
        locality = self._authority.localities[place]
        code = f"HV-{locality.code}-{round_ + 1:02d}"
        return LocalityTeam(
            locality,
            self._team(code, Employer.HEALTH, "health-visiting", "health-visitor"),
            self._team(code, Employer.HEALTH, "school-nursing", "school-nurse"),
        )

    def other_team(self, kind: ServiceKind, number: int) -> Team:
        code = f"{kind.team_prefix}-{number:02d}"
        return self._team(code, kind.employer, kind.service, kind.role)

    def _team(self, code: str, employer: Employer, service: str, role: str) -> Team:
        organisation = employer.value.format(
            name=self._authority.name, council=self._authority.council
        )
        shared = {"service": service, "role": role, "organisation": organisation, "team": code}
        filled = [{**shared, **self._worker()} for _ in range(_WORKERS_PER_TEAM)]
        vacant = {**shared, "phone": self._landline()}  # the team's duty number
        return (*filled * _DRAWS_PER_WORKER, vacant)

    def _worker(self) -> dict[str, str]:
        draw = self._draw
        community = DRAWN[pick(draw, self._communities)]
        family = pick(draw, community.family)
        if draw() < 0.12:
            given = pick(draw, community.men)
        else:
            given, family = pick(draw, community.women), feminine(family)
        return {
            "practitioner": f"{given} {family}",
            "phone": self._landline() if draw() < 0.4 else drama_mobile(draw),
            "email": f"{_ascii(given)}.{_ascii(family)}@{self._domain}",
        }

    def _landline(self) -> str:
        return f"{self._authority.drama_numbers}{int(self._draw() * 1000):03d}"


def drama_mobile(draw: Draw) -> str:
    """A mobile number of Ofcom's range for drama."""
    return pick(draw, _MOBILES)


def _ascii(name: str) -> str:
    lower = name.translate(_WITHOUT_DECOMPOSITION).lower()
    plain = lower if lower.isascii() else unicodedata.normalize("NFKD", lower)
    return "".join(c for c in plain if c.isascii() and (c.isalpha() or c == "-"))
