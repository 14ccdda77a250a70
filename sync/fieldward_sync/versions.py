"""Dots and version vectors: what an edit is called, and what a replica has.

Dotted version vectors as in Preguiça et al., "Dotted Version Vectors: Logical Clocks for
Optimistic Replication" (2010), cut down to what a star of devices around one server needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from fieldward_sync.encoding import Part
from fieldward_sync.names import Actor, Count


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


@dataclass(frozen=True)
class VersionVector:
    """Per actor, the highest counter up to which a replica has everything; nothing beyond it.

    Dots seen beyond a gap are kept in ``ahead`` until the gap closes, so that observing is
    commutative, associative and idempotent like the merge it describes.
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    ahead: frozenset[Dot] = frozenset()

    def __contains__(self, dot: Dot) -> bool:
        return dot.counter <= self.counters.get(dot.actor, 0) or dot in self.ahead

    def observe(self, *dots: Dot) -> VersionVector:
        """This vector after the replica has taken in the given dots, in whatever order."""
        counters = dict(self.counters)
        ahead = set(self.ahead) | set(dots)
        for dot in sorted(ahead):
            if dot.counter == counters.get(dot.actor, 0) + 1:
                counters[dot.actor] = dot.counter
        return VersionVector(counters, _beyond(ahead, counters))

    def join(self, other: VersionVector) -> VersionVector:
        """What a replica has that has everything of both."""
        counters = {
            actor: max(self.counters.get(actor, 0), other.counters.get(actor, 0))
            for actor in self.counters.keys() | other.counters.keys()
        }
        joined = VersionVector(counters, _beyond(self.ahead | other.ahead, counters))
        return joined.observe()

    def covers(self, other: VersionVector) -> bool:
        """Whether this replica has everything that the other has."""
        return all(
            counter <= self.counters.get(actor, 0) for actor, counter in other.counters.items()
        ) and all(dot in self for dot in other.ahead)

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
        ranges = (
            Dot(actor, counter)
            for actor, high in self.counters.items()
            for counter in range(other.counters.get(actor, 0) + 1, high + 1)
        )
        return frozenset(dot for dot in (*ranges, *self.ahead) if dot not in other)


def _beyond(dots: Iterable[Dot], counters: Mapping[str, int]) -> frozenset[Dot]:
    return frozenset(dot for dot in dots if dot.counter > counters.get(dot.actor, 0))
