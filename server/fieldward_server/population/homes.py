"""What a family's children share by living together: address, practice, school, locality team."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.population.authorities import Locality
from fieldward_server.population.places import Organisation, Place
from fieldward_server.population.teams import LocalityTeam, Worker, Workforce

_ADDRESS_KINDS = ("current", "last-known", "no-known-address", "left-england")
_SHARES_OF_ADDRESS_KINDS = (976, 9, 8, 7)


@dataclass(frozen=True)
class Home:
    """A family's home and what goes with it."""

    team: LocalityTeam
    health_visitor: Worker
    school_nurse: Worker
    address: Mapping[str, object]
    practice: Organisation
    primary: Organisation
    secondary: Organisation

    @classmethod
    def drawn(
        cls, rng: random.Random, workforce: Workforce, places: Mapping[Locality, Place]
    ) -> Home:
        """A home in the patch of one of the locality teams."""
        team = rng.choice(workforce.locality_teams)
        place = places[team.locality]
        return cls(
            team=team,
            health_visitor=rng.choice(team.health_visitors.workers),
            school_nurse=rng.choice(team.school_nurses.workers),
            address=_address(rng, place),
            practice=rng.choice(place.practices),
            primary=rng.choice(place.primaries),
            secondary=place.secondary,
        )


def _address(rng: random.Random, place: Place) -> dict[str, object]:
    kind = rng.choices(_ADDRESS_KINDS, _SHARES_OF_ADDRESS_KINDS)[0]
    if kind == "no-known-address":
        return {"kind": kind}
    if kind == "left-england":
        return {"kind": kind, "intends_return": rng.choice(("yes", "no", "unknown", "unknown"))}
    return {**place.address(rng), "kind": kind}
