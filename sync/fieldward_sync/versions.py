"""Dots and version vectors: what an edit is called, and what a replica has.

Dotted version vectors as in Preguiça et al., "Dotted Version Vectors: Logical Clocks for
Optimistic Replication" (2010), cut down to what a star of devices around one server needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from fieldward_sync.encoding import Part
from fieldward_sync.names import Actor, Count

FIRST_COUNTER = 1


class Dot(Part, order=True, frozen=True):
    """An edit's name. Counters begin at 1 and are reserved durably before they are used."""

    actor: Actor
    counter: Count


class Ordering(Enum):
    """How two version vectors relate."""

    EQUAL = "equal"
    BEFORE = "before"
    AFTER = "after"
    CONCURRENT = "concurrent"


class Run(NamedTuple):
    """Counters without a gap, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class VersionVector:
    """Which dots a replica has: per actor, runs of counters in ascending order, a gap before each
    but the first. It grows with actors and with gaps, never with edits.

    Dots beyond a gap are kept until the gap closes, so that observing is commutative, associative
    and idempotent like the merge it describes.
    """

    runs: Mapping[str, tuple[Run, ...]] = field(default_factory=dict)

    def highest(self, actor: str) -> int:
        """The counter up to which the replica has everything of an actor; 0 where nothing."""
        first = next(iter(self.runs.get(actor, ())), None)
        return first.last if first is not None and first.first == FIRST_COUNTER else 0

    def beyond_gaps(self, actor: str) -> tuple[Run, ...]:
        """What it has of an actor beyond that."""
        runs = self.runs.get(actor, ())
        return runs[1:] if self.highest(actor) else runs

    def __contains__(self, dot: Dot) -> bool:
        """Whether it has this dot, or there is no such dot: nobody has another of counter 0."""
        if dot.counter < FIRST_COUNTER:
            return True
        return any(first <= dot.counter <= last for first, last in self.runs.get(dot.actor, ()))

    def observe(self, *dots: Dot) -> VersionVector:
        """This vector after the replica has taken in the given dots, in whatever order."""
        seen: dict[str, list[Run]] = {}
        for dot in dots:
            seen.setdefault(dot.actor, []).append(Run(dot.counter, dot.counter))
        return self._with(seen)

    def join(self, other: VersionVector) -> VersionVector:
        """What a replica has that has everything of both."""
        return self._with(other.runs)

    def covers(self, other: VersionVector) -> bool:
        """Whether this replica has everything that the other has."""
        return self.join(other) == self

    def compare(self, other: VersionVector) -> Ordering:
        """Whether this replica's state descends from the other's, precedes it, or neither."""
        match self.covers(other), other.covers(self):
            case True, True:
                return Ordering.EQUAL
            case True, False:
                return Ordering.AFTER
            case False, True:
                return Ordering.BEFORE
        return Ordering.CONCURRENT

    def missing_from(self, other: VersionVector) -> frozenset[Dot]:
        """The dots that this replica has and the other has not: what to send it."""
        mine = (
            Dot(actor, counter)
            for actor, runs in self.runs.items()
            for first, last in runs
            for counter in range(first, last + 1)
        )
        return frozenset(dot for dot in mine if dot not in other)

    def _with(self, more: Mapping[str, Iterable[Run]]) -> VersionVector:
        joined = {
            actor: _joined((*self.runs.get(actor, ()), *runs)) for actor, runs in more.items()
        }
        return VersionVector({**self.runs, **joined})


def _joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The same counters in as few runs as there can be."""
    joined: list[Run] = []
    for run in sorted(runs):
        if joined and run.first <= joined[-1].last + 1:
            joined[-1] = Run(joined[-1].first, max(joined[-1].last, run.last))
        else:
            joined.append(run)
    return tuple(joined)
