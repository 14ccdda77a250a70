"""Who may do now what keeps the server busy for long: first syncs and large downloads.

So many at once in each worker, fewer than it has threads: everything else finds a free one. The
rest are told when to come again, and get a turn to bring along. A turn says when its holder first
asked, so nobody need be remembered: for each second the line knows how many first asked in it, and
until when they are expected back. Whoever has fewer before them than places are free is let in.
A newcomer has all of them before him; who has not come back in time is before nobody.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from threading import Lock

from fieldward_server import metrics
from fieldward_sync.problems import Crowded

LONGEST_WAIT_SECONDS = 60
"""Nobody is told to stay away for longer: who comes back is told anew."""
GRACE_SECONDS = 3
"""How much later than told somebody may come back and still be counted on."""
TURN_SECONDS = 900
"""How long a turn is good for."""

_FIRST_GUESS_SECONDS = 0.05
_WEIGHT_OF_THE_LAST = 0.2
_TURN = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})")


@dataclass
class _Waiting:
    """Those who first asked within one second."""

    count: int
    until: float
    """When the last of them is expected back."""


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
        self._waiting: dict[int, _Waiting] = {}
        self._usual_seconds = _FIRST_GUESS_SECONDS
        self._random = Random()
        self._lock = Lock()

    def enter(self, turn: str = "") -> Place:
        """A place, to be left again; ``Crowded`` where others come first."""
        with self._lock:
            now = self._now()
            self._forget(now)
            first_asked = self._read(turn, now)
            before = self._before(first_asked)
            if before < self._places - len(self._inside):
                return self._let_in(first_asked, now)
            after = self._seconds_for(first_asked, before, now)
            if first_asked is None:
                first_asked = int(now)
                self._waiting.setdefault(first_asked, _Waiting(0, now)).count += 1
            # Who was counted by another worker is counted here too, from now on.
            waiting = self._waiting.setdefault(first_asked, _Waiting(1, now))
            waiting.until = max(waiting.until, now + after + GRACE_SECONDS)
        raise Crowded(after, turn=self._turn(first_asked))

    def left(self, place: Place) -> None:
        """See ``Place.leave``."""
        with self._lock:
            self._inside.remove(place)
            took = max(0.0, self._now() - place.since)
            self._usual_seconds += (took - self._usual_seconds) * _WEIGHT_OF_THE_LAST
        metrics.place_left()

    def _let_in(self, first_asked: int | None, now: float) -> Place:
        waiting = self._waiting.get(first_asked) if first_asked is not None else None
        if waiting is not None:
            waiting.count -= 1
        place = Place(self, now)
        self._inside.add(place)
        metrics.place_taken()
        return place

    def _before(self, first_asked: int | None) -> int:
        """How many come before one who first asked then; before a newcomer, all."""
        return sum(
            each.count
            for asked, each in self._waiting.items()
            if first_asked is None or asked < first_asked
        )

    def _seconds_for(self, first_asked: int | None, before: int, now: float) -> int:
        """Half of the time until a place should be free for who has so many before them: to ask
        twice costs little, to come when a place has long been free costs the rush its time. Those
        who first asked in the same second are spread over what all of them will take."""
        if first_asked in self._waiting:
            before += self._random.randrange(self._waiting[first_asked].count)
        ages = [now - place.since for place in self._inside]
        each = max(self._usual_seconds, sum(ages) / max(1, len(ages)))
        wait = math.ceil((before + 1) * each / self._places / 2)
        return min(max(1, wait), LONGEST_WAIT_SECONDS)

    def _forget(self, now: float) -> None:
        """Those who have not come back; and, where the clock was put back, who is yet to ask."""
        gone = [
            asked
            for asked, each in self._waiting.items()
            if each.until < now or asked > now or each.count < 1
        ]
        for asked in gone:
            del self._waiting[asked]

    def _turn(self, asked: int) -> str:
        return f"{asked}.{hmac.digest(self._key, b'%d' % asked, 'sha256')[:16].hex()}"

    def _read(self, turn: str, now: float) -> int | None:
        """When the holder first asked; ``None`` for no turn, an old one, or one of nobody's."""
        found = _TURN.fullmatch(turn)
        if found is None:
            return None
        asked = int(found[1])
        is_ours = hmac.compare_digest(turn, self._turn(asked))
        return asked if is_ours and now - TURN_SECONDS <= asked <= now else None
