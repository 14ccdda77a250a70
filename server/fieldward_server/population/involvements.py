"""The involvements of a child: midwife, health visitor and school nurse, and what else came up."""

from __future__ import annotations

import random
from datetime import date, timedelta

from fieldward_server.population.families import Child
from fieldward_server.population.homes import Home
from fieldward_server.population.schooling import on_a_weekday, starts_school
from fieldward_server.population.services import MIDWIFERY, ServiceKind, further_services
from fieldward_server.population.teams import Team, Worker, Workforce
from fieldward_sync import limits

Involvement = dict[str, object]

_MOST = 5
_LEADING = ("social-care", "early-help", "special-educational-needs")


class Involvements:
    """Draws who works with each child, since when, and until when."""

    def __init__(self, workforce: Workforce, *, reference: date, rng: random.Random) -> None:
        self._workforce = workforce
        self._reference = reference
        self._rng = rng

    def of(self, child: Child, home: Home, *, looked_after: bool) -> list[Involvement]:
        """Two to five involvements, in the order in which they usually began."""
        age_days = (self._reference - child.born).days
        held = self._everybodys(child, home, age_days)
        further = further_services(
            self._rng, age_days=age_days, looked_after=looked_after, at_most=_MOST - len(held)
        )
        held += [self._further(kind, child.born) for kind in further]
        for involvement in held:
            if involvement["service"] in _LEADING and "ended" not in involvement:
                involvement["lead"] = True
                break
        return held

    def _everybodys(self, child: Child, home: Home, age_days: int) -> list[Involvement]:
        """Midwife for the youngest, health visitor until school, school nurse from then on."""
        starts = starts_school(child.born)
        at_school = starts <= self._reference
        held = []
        if age_days < 6 * 365:
            held.append(self._midwifery(child.born))
        visited = self._entry(
            "health-visiting",
            "health-visitor",
            home.team.health_visitors,
            home.health_visitor,
            since=self._taken_on(child.born, starts),
            ended=starts if at_school else None,
        )
        held.append(visited)
        if at_school:
            held.append(
                self._entry(
                    "school-nursing",
                    "school-nurse",
                    home.team.school_nurses,
                    home.school_nurse,
                    since=starts,
                )
            )
        return held

    def _taken_on(self, born: date, starts_school: date) -> date:
        """When the health visitor came first: after the birth, or after a move into the area."""
        first_visit = born + timedelta(days=self._rng.randint(10, 14))
        latest = min(starts_school, self._reference)
        if self._rng.random() < 0.12:
            first_visit += timedelta(days=self._rng.randint(0, max(0, (latest - first_visit).days)))
        return min(first_visit, latest)

    def _midwifery(self, born: date) -> Involvement:
        booked = born - timedelta(days=self._rng.randint(170, 215))
        discharged = born + timedelta(days=self._rng.randint(10, 24))
        return self._by_chosen_team(
            MIDWIFERY, since=booked, ended=discharged if discharged <= self._reference else None
        )

    def _further(self, kind: ServiceKind, born: date) -> Involvement:
        rng = self._rng
        outgrown = born + timedelta(days=kind.until_age * 365)
        earliest = born + timedelta(days=kind.from_age * 365)
        days = (min(outgrown, self._reference) - earliest).days
        since = earliest + timedelta(days=rng.randint(0, max(0, days)))
        ended: date | None = None
        if outgrown <= self._reference or rng.random() > kind.ongoing:
            ended = min(since + timedelta(days=rng.randint(21, 800)), self._reference)
        involvement = self._by_chosen_team(kind, since=since, ended=ended)
        if kind.service in limits.SENSITIVE_SERVICES:
            by_consent = rng.random() < 0.9
            involvement["sensitive_ground"] = limits.SENSITIVE_GROUNDS[0 if by_consent else 1]
        return involvement

    def _by_chosen_team(self, kind: ServiceKind, *, since: date, ended: date | None) -> Involvement:
        team = self._rng.choice(self._workforce.other_teams[kind])
        worker = self._rng.choice(team.workers)
        return self._entry(kind.service, kind.role, team, worker, since=since, ended=ended)

    def _entry(
        self,
        service: str,
        role: str,
        team: Team,
        worker: Worker,
        *,
        since: date,
        ended: date | None = None,
    ) -> Involvement:
        entry: Involvement = {
            "service": service,
            "role": role,
            "organisation": team.organisation,
            "team": team.code,
        }
        if self._rng.random() < 0.04:  # a post not filled: the team's duty number
            entry["phone"] = team.duty_phone
        else:
            entry |= {"practitioner": worker.name, "phone": worker.phone, "email": worker.email}
        entry["since"] = on_a_weekday(since).isoformat()
        if ended is not None:
            entry["ended"] = on_a_weekday(ended).isoformat()
        return entry
