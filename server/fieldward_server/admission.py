"""Who may do now what keeps the server busy for long: first syncs and large downloads.

So many at once in each worker, fewer than it has threads: everything else finds a free one. The
rest are told when to come again, and get a turn to bring along. A turn says in which second its
holder first asked and in which they are expected back, so nobody need be remembered: the line
knows how many turns of each kind are out. Whoever has fewer before them than places are free is let
in. A newcomer has all of them before him; who has not come back in time is before nobody.
"""

from __future__ import annotations

import hmac
import math
import re
from collections import Counter
from collections.abc import Callable
from random import Random
from threading import Lock
from typing import NamedTuple

from fieldward_server import metrics
from fieldward_sync.problems import Crowded

LONGEST_WAIT_SECONDS = 60
"""Nobody is told to stay away for longer: who comes back is told anew."""
GRACE_SECONDS = 2
"""How much later than told somebody may come back and still be counted on."""
TURN_SECONDS = 900
"""How long a turn is good for."""

_FIRST_GUESS_SECONDS = 0.05
_WEIGHT_OF_THE_LAST = 0.2
_TURN = re.compile(r"([0-9]{1,12})\.([0-9]{1,12})\.[0-9a-f]{32}")


class _Turn(NamedTuple):
    """What a turn says, in whole seconds since 1970."""

    asked: int
    due: int


class Place:
    """Somebody who was let in, until ``leave``."""

    def __init__(self, line: WaitingLine, since: float) -> None:
        self.since = since
        self._line: WaitingLine | None = line

    def leave(self) -> None:
        """Make room for the next; once is enough."""
        line, self._line = self._line, None
        if line is not None:
            line.left(self)


class WaitingLine:
    """The line of one worker. A turn that another worker gave out is as good as its own."""

    def __init__(self, places: int, key: bytes, now: Callable[[], float]) -> None:
        """``key`` proves turns; all workers have the same. ``now`` is in seconds since 1970."""
        self._places = places
        self._key = key
        self._now = now
        self._inside: set[Place] = set()
        self._out: Counter[_Turn] = Counter()
        self._usual_seconds = _FIRST_GUESS_SECONDS
        self._random = Random()
        self._lock = Lock()

    def enter(self, turn: str = "") -> Place:
        """A place, to be left again; ``Crowded`` where others come first."""
        with self._lock:
            now = self._now()
            held = self._read(turn, now)
            self._out = Counter({each: n for each, n in self._out.items() if _counts(each, n, now)})
            if held is not None and held in self._out:
                self._out[held] -= 1  # another worker's are counted there, until they are due
            before = self._before(held)
            if before < self._places - len(self._inside):
                place = Place(self, now)
                self._inside.add(place)
                metrics.place_taken()
                return place
            after = self._seconds_for(held, before, now)
            next_turn = _Turn(held.asked if held else int(now), int(now) + after)
            self._out[next_turn] += 1
        raise Crowded(after, turn=self._written(next_turn))

    def left(self, place: Place) -> None:
        """See ``Place.leave``."""
        with self._lock:
            self._inside.remove(place)
            took = max(0.0, self._now() - place.since)
            self._usual_seconds += (took - self._usual_seconds) * _WEIGHT_OF_THE_LAST
        metrics.place_left()

    def _before(self, held: _Turn | None) -> int:
        """How many come before the holder of this turn; before a newcomer, all."""
        return sum(n for each, n in self._out.items() if held is None or each.asked < held.asked)

    def _seconds_for(self, held: _Turn | None, before: int, now: float) -> int:
        """Half of the time until a place should be free for who has so many before them: to ask
        twice costs little, to come when a place has long been free costs the rush its time. Those
        who first asked in the same second are spread over what all of them will take."""
        if held is not None:
            peers = sum(n for each, n in self._out.items() if each.asked == held.asked)
            before += self._random.randrange(peers + 1)
        ages = [now - place.since for place in self._inside]
        each_takes = max(self._usual_seconds, sum(ages) / max(1, len(ages)))
        wait = math.ceil((before + 1) * each_takes / self._places / 2)
        return min(max(1, wait), LONGEST_WAIT_SECONDS)

    def _written(self, turn: _Turn) -> str:
        said = f"{turn.asked}.{turn.due}"
        return f"{said}.{hmac.digest(self._key, said.encode(), 'sha256')[:16].hex()}"

    def _read(self, turn: str, now: float) -> _Turn | None:
        """What a turn says; ``None`` for no turn, an old one, or one of nobody's."""
        found = _TURN.fullmatch(turn)
        if found is None or not turn.isascii():
            return None
        read = _Turn(int(found[1]), int(found[2]))
        is_ours = hmac.compare_digest(turn, self._written(read))
        return read if is_ours and now - TURN_SECONDS <= read.asked <= now else None


def _counts(turn: _Turn, out: int, now: float) -> bool:
    """Whether its holders are still expected; not where the clock was put back, either."""
    return out > 0 and turn.asked <= now <= turn.due + GRACE_SECONDS
