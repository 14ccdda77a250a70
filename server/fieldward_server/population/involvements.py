"""The involvements of a child: midwife, health visitor and school nurse, and what else came up."""

from __future__ import annotations

from fieldward_server.population.days import ON_A_WEEKDAY, STARTS_SCHOOL, TODAY, YEAR
from fieldward_server.population.draws import Draw, between, pick
from fieldward_server.population.homes import HEALTH_VISITOR, SCHOOL_NURSE, Home
from fieldward_server.population.services import MIDWIFERY, ServiceKind, further_services
from fieldward_server.population.teams import Post, Workforce
from fieldward_sync import limits

Involvement = dict[str, object]

_MOST = 5
_LEADING = frozenset(("social-care", "early-help", "special-educational-needs"))
_SENSITIVE = frozenset(limits.SENSITIVE_SERVICES)
_BY_CONSENT, _BY_SUSPECTED_HARM = limits.SENSITIVE_GROUNDS


class Involvements:
    """Draws who works with each child, since when, and until when."""

    def __init__(self, workforce: Workforce, draw: Draw) -> None:
        self._other_teams = workforce.other_teams
        self._draw = draw

    def of(self, born: int, home: Home, *, looked_after: bool) -> list[Involvement]:
        """Two to five involvements, in the order in which they usually began."""
        age_days = TODAY - born
        held = self._everybodys(born, home, age_days)
        further = further_services(
            self._draw, age_days=age_days, looked_after=looked_after, at_most=_MOST - len(held)
        )
        held += [self._further(kind, born) for kind in further]
        for involvement in held:
            if involvement["service"] in _LEADING and "ended" not in involvement:
                involvement["lead"] = True
                break
        return held

    def _everybodys(self, born: int, home: Home, age_days: int) -> list[Involvement]:
        """Midwife for the youngest, health visitor until school, school nurse from then on."""
        starts_school = STARTS_SCHOOL[born]
        held = [self._midwifery(born)] if age_days < 6 * YEAR else []
        if starts_school > TODAY:
            first_visit = self._first_visit(born, TODAY)
            return held + _visits(home, HEALTH_VISITOR, first_visit, until=None)
        first_visit = self._first_visit(born, starts_school)
        held += _visits(home, HEALTH_VISITOR, first_visit, until=starts_school)
        held += _visits(home, SCHOOL_NURSE, starts_school, until=None)
        return held

    def _first_visit(self, born: int, latest: int) -> int:
        """When the health visitor came first: after the birth, or after a move into the area."""
        first_visit = min(born + between(self._draw, 10, 14), latest)
        if self._draw() < 0.12:
            return between(self._draw, first_visit, latest)
        return first_visit

    def _midwifery(self, born: int) -> Involvement:
        booked = born - between(self._draw, 170, 215)
        discharged = born + between(self._draw, 10, 24)
        return _entry(
            self._post(MIDWIFERY), booked, ended=discharged if discharged <= TODAY else None
        )

    def _further(self, kind: ServiceKind, born: int) -> Involvement:
        draw = self._draw
        outgrown = born + kind.until_age * YEAR
        earliest = born + kind.from_age * YEAR
        since = between(draw, earliest, max(earliest, min(outgrown, TODAY)))
        ended = None
        if outgrown <= TODAY or draw() > kind.ongoing:
            ended = min(since + between(draw, 21, 800), TODAY)
        involvement = _entry(self._post(kind), since, ended=ended)
        if kind.service in _SENSITIVE:
            involvement["sensitive_ground"] = _BY_CONSENT if draw() < 0.9 else _BY_SUSPECTED_HARM
        return involvement

    def _post(self, kind: ServiceKind) -> Post:
        return pick(self._draw, pick(self._draw, self._other_teams[kind]))


def _visits(home: Home, visitor: int, since: int, *, until: int | None) -> list[Involvement]:
    """Those of one visitor of the team; of two, where the family moved meanwhile."""
    moved = home.moved
    if moved is None or not since < moved.on < (until or TODAY):
        return [_entry(home.visitors[visitor], since, ended=until)]
    return [
        _entry(moved.visitors[visitor], since, ended=moved.on),
        _entry(home.visitors[visitor], moved.on, ended=until),
    ]


def _entry(post: Post, since: int, *, ended: int | None) -> Involvement:
    if ended is None:
        return {**post, "since": ON_A_WEEKDAY[since]}
    return {**post, "since": ON_A_WEEKDAY[since], "ended": ON_A_WEEKDAY[ended]}
