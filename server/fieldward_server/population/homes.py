"""What a family's children share by living together: address, practice, schools, locality team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fieldward_server.population.authorities import Locality
from fieldward_server.population.days import CHILDHOOD, TODAY
from fieldward_server.population.draws import Draw, by_share, pick
from fieldward_server.population.places import Place
from fieldward_server.population.teams import LocalityTeam, Post, Workforce

_ADDRESS_KINDS = by_share(
    {"current": 976, "last-known": 9, "no-known-address": 8, "left-england": 7}
)
_RETURNS = ("yes", "no", "unknown", "unknown")
_HAVE_MOVED = 0.25


Visitors = tuple[Post, Post]
"""Who of a locality team comes to a family, before and after its children start school."""

HEALTH_VISITOR, SCHOOL_NURSE = 0, 1


class Move(NamedTuple):
    """A family's last move within the authority."""

    on: int
    visitors: Visitors
    """Those who came until then."""


class Home(NamedTuple):
    """A family's home and what goes with it."""

    visitors: Visitors
    address: dict[str, object]
    practice: Mapping[str, str]
    primary: Mapping[str, str]
    secondary: Mapping[str, str]
    moved: Move | None

    @classmethod
    def drawn(cls, draw: Draw, workforce: Workforce, places: Mapping[Locality, Place]) -> Home:
        """A home in the patch of one of the locality teams."""
        team = pick(draw, workforce.locality_teams)
        place = places[team.locality]
        moved = None
        if draw() < _HAVE_MOVED:
            former_team = pick(draw, workforce.locality_teams)
            moved = Move(TODAY - int(draw() * CHILDHOOD), _visitors(draw, former_team))
        return cls(
            visitors=_visitors(draw, team),
            address=_address(draw, place),
            practice=pick(draw, place.practices),
            primary=pick(draw, place.primaries),
            secondary=pick(draw, place.secondaries),
            moved=moved,
        )


def _visitors(draw: Draw, team: LocalityTeam) -> Visitors:
    return pick(draw, team.health_visitors), pick(draw, team.school_nurses)


def _address(draw: Draw, place: Place) -> dict[str, object]:
    kind = pick(draw, _ADDRESS_KINDS)
    if kind == "no-known-address":
        return {"kind": kind}
    if kind == "left-england":
        return {"kind": kind, "intends_return": pick(draw, _RETURNS)}
    return place.address(draw, kind=kind)
