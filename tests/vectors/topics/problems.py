"""Refusals: what a client reads of a problem, and whether to try again later."""

from __future__ import annotations

import json
from collections.abc import Iterator

from vectors.cases import Case, Topic, refused, valid
from vectors.outcomes import Outcome

SKEWED = {
    "type": "/problems/clock-skew",
    "title": "Signed too long ago, or by a clock that is ahead",
    "status": 401,
    "code": "clock-skew",
    "detail": "The request was signed at a time too far from the server's.",
    "next_step": "Take the time from this answer and sign the request again.",
    "request_id": "4f1c",
    "last_counter": 41,
}
TOO_DEEP = 2_000
MISTAKE = b'{"field":"name\\n","reason":"Is missing."}'


def _cases() -> Iterator[Case]:
    skewed = json.dumps(SKEWED).encode()
    busy, later_version = b'{"code":"database-busy"}', b'{"code":"moon-wrong"}'
    for name, why, status, body, code, last_counter in (
        ("refused", "not to be repeated as it is", 401, skewed, "clock-skew", 41),
        ("unknown-code", "a code of a later version", 403, later_version, "moon-wrong", 0),
        ("too-many", "to be tried later", 429, busy, "database-busy", 0),
        ("failed", "to be tried later", 500, busy, "database-busy", 0),
        ("busy", "to be tried later", 503, busy, "database-busy", 0),
    ):
        yield valid(
            name,
            why,
            status=status,
            body=body,
            code=code,
            last_counter=last_counter,
            try_later=status == 429 or status >= 500,
        )
    for name, why, body in (
        ("empty", "nothing", b""),
        ("page", "a page of something on the way", b"<html>Bad gateway</html>"),
        ("no-code", "no code", b'{"status":403}'),
        ("code-misshaped", "a code that is none", b'{"code":"No Such Code"}'),
        ("array", "no object", b'["clock-skew"]'),
        ("not-utf-8", "text that is not UTF-8", b'{"code":"clock-\xff"}'),
        ("deep", "nested beyond reason", b"[" * TOO_DEEP),
        ("control", "what a terminal would obey", b'{"code":"x","detail":"\\u001b[2J"}'),
        ("control-in-mistake", "the same, of a field", b'{"code":"x","mistakes":[%s]}' % MISTAKE),
        ("counter-negative", "a counter that is none", b'{"code":"x","last_counter":-1}'),
    ):
        yield refused(name, why, Outcome.PROBLEM_MALFORMED, status=403, body=body)


TOPIC = Topic("problems", "written down", _cases)
