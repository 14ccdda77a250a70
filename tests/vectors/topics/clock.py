"""Trusted time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.cases import Case, Topic, refused, valid
from vectors.outcomes import Outcome
from vectors.topics.world import DAY, HOUR, NOW

BOOT = "boot-1"


def _state(**changes: Any) -> dict[str, Any]:
    return {
        "mark": NOW,
        "server_time": NOW,
        "at": {"wall": NOW, "since_boot": 1000, "boot": BOOT},
        "cold_starts": 0,
        **changes,
    }


def _reading(wall: int, since_boot: int, boot: str = BOOT) -> dict[str, Any]:
    return {"wall": wall, "since_boot": since_boot, "boot": boot}


def _cases() -> Iterator[Case]:
    slow = _state(at={"wall": NOW - DAY, "since_boot": 1000, "boot": BOOT})
    fast = _state(at={"wall": NOW + DAY, "since_boot": 1000, "boot": BOOT})
    marked = _state(mark=NOW + DAY)
    for name, why, state, reading, trusted in (
        ("an-hour-on", "all clocks agree", _state(), _reading(NOW + HOUR, 4600), NOW + HOUR),
        ("ahead", "the wall clock runs ahead", _state(), _reading(NOW + DAY, 4600), NOW + DAY),
        ("behind", "300 s behind", _state(), _reading(NOW + HOUR - 300, 4600), NOW + HOUR),
        ("slow", "slow, and known to be", slow, _reading(NOW - DAY + HOUR, 4600), NOW + HOUR),
        ("fast", "fast, and known to be", fast, _reading(NOW + DAY + HOUR, 4600), NOW + HOUR),
        ("fast-mended", "fast then, put right since", fast, _reading(NOW + HOUR, 4600), NOW + HOUR),
        ("fast-on", "fast, and gone on", fast, _reading(NOW + 2 * DAY, 4600), NOW + DAY),
        ("fast-off", "fast before a restart", fast, _reading(NOW + DAY, 5, "boot-2"), NOW + DAY),
        ("mark", "the mark is later", marked, _reading(NOW + DAY - 300, 1001), NOW + DAY),
        ("restarted", "after a restart", _state(), _reading(NOW + HOUR, 5, "boot-2"), NOW + HOUR),
        (
            "restarts-19",
            "the nineteenth start",
            _state(cold_starts=18),
            _reading(NOW + HOUR, 5, "boot-2"),
            NOW + HOUR,
        ),
    ):
        yield valid(name, why, state=state, reading=reading, trusted=trusted)
    for name, why, state, reading in (
        ("set-back", "301 s behind", _state(), _reading(NOW + HOUR - 301, 4600)),
        ("set-back-slow", "slow, and set back besides", slow, _reading(NOW - DAY + 3299, 4600)),
        ("set-back-fast", "fast, then set back", fast, _reading(NOW + HOUR - 301, 4600)),
        ("set-back-off", "while switched off", _state(), _reading(NOW - 301, 5, "boot-2")),
        (
            "restarts-20",
            "the twentieth start without contact",
            _state(cold_starts=19),
            _reading(NOW + HOUR, 5, "boot-2"),
        ),
    ):
        yield refused(name, why, Outcome.CLOCK_UNTRUSTED, state=state, reading=reading)


TOPIC = Topic("clock", "written down from the rules of trusted time", _cases)
