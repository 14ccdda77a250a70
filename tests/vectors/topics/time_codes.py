"""Time codes, and the challenges that they answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from second_implementation.time_codes import make, spell, statement
from vectors.cases import Case, Topic, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import ANSWER_KEY, ANSWER_SEED, AUTHORITY, DEVICE, GENERATION, NOW

CHALLENGE = secret("time challenge", 10)


def _code(**other: Any) -> str:
    told = {
        "authority": AUTHORITY,
        "device": DEVICE,
        "generation": GENERATION,
        "challenge": CHALLENGE,
        "time": NOW,
        **other,
    }
    return make(ANSWER_SEED, statement(**told), NOW)


def _cases() -> Iterator[Case]:
    shown, code = spell(CHALLENGE), _code()
    asked = {
        "shown": shown,
        "challenge": CHALLENGE,
        "authority": AUTHORITY,
        "device": DEVICE,
        "generation": GENERATION,
        "answer_key": ANSWER_KEY,
    }
    yield valid("printed", "as it is printed", **asked, code=code, time=NOW)
    typed = code.replace("-", "  ").lower()
    yield valid("typed", "lower case, with blanks for hyphens", **asked, code=typed, time=NOW)
    another = "A" if code[0] != "A" else "B"
    for name, why, wrong in (
        ("one-wrong", "one character of a group is another", another + code[1:]),
        ("check-wrong", "the check of a group is another", code[:4] + _next(code[4]) + code[5:]),
        ("groups-swapped", "two groups have changed places", code[6:12] + code[:6] + code[12:]),
        ("short", "the last group is missing", code[:-6]),
        ("long", "a character too many", code + "0"),
        ("letter-u", "a letter that does not occur", "U" + code[1:]),
        ("empty", "nothing", ""),
    ):
        yield refused(name, why, Outcome.CODE_MISTYPED, **asked, code=wrong)
    for name, why, wrong in (
        ("another-authority", "of another authority", _code(authority="E08000035")),
        ("another-device", "of another device", _code(device="d-elsewhere")),
        ("another-generation", "of another generation", _code(generation=GENERATION + 1)),
        ("another-challenge", "of an earlier challenge", _code(challenge=bytes(10))),
        ("another-time", "another time than the one signed", _code(time=NOW - 1)),
        ("another-key", "signed by somebody else", make(secret("seed"), _stated(), NOW)),
        ("version-2", "another version", make(ANSWER_SEED, _stated(), NOW, version=2)),
    ):
        yield refused(name, why, Outcome.TIME_CODE_WRONG, **asked, code=wrong)


def _stated() -> bytes:
    return statement(AUTHORITY, DEVICE, GENERATION, CHALLENGE, NOW)


def _next(digit: str) -> str:
    return "0" if digit != "0" else "1"


TOPIC = Topic("time_codes", "base 32 digit by digit, documents by hand", _cases)
