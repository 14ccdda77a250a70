"""Times and values as people read and type them. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from fieldward_client import CallerMistake, Dispute, Value
from fieldward_sync.field_classes import field_rule
from fieldward_sync.matching.birth_dates import BirthDate
from fieldward_sync.matching.folding import compact
from fieldward_sync.matching.postcodes import INWARD_CHARACTERS, outward

YES_OR_NO = {"yes": True, "no": False}
FLAGS = frozenset({"assessment_exists", "involvements/*.lead"})
"""The patterns of the fields that hold yes or no."""

ADDRESS = "address"

WEEK_SECONDS = 7 * 24 * 3600
_UNITS = (("d", 24 * 3600), ("h", 3600), ("min", 60))
_DISPUTED_BY = {
    "subject": "the child",
    "carer": "a carer",
    "professional": "a professional",
    "other": "somebody else",
}
_OUTCOMES = {
    "open": "undecided",
    "corrected": "corrected",
    "upheld": "found wrong",
    "not-upheld": "found right",
    "withdrawn": "taken back",
}
_REFUSED = {
    "out-of-scope": "the child is in none of your partitions now",
    "unknown-record": "the authority has no such entry",
    "record-moved": "another authority has the child's entry now",
    "invalid-value": "the authority does not take this value",
    "server-only-field": "only the authority sets this",
    "revoked": "this device was ended",
}
"""Of the codes of docs/protocol/refusals.md those that are about what a person did."""

_KINDS = {
    "current": "",
    "last-known": "last known: ",
    "no-known-address": "no known address",
    "left-england": "left England",
}


def moment(seconds: int, *, now: int) -> str:
    """A time in this machine's zone: ``Thu 18:00`` within a week of ``now``, else with its date."""
    at = datetime.fromtimestamp(seconds, tz=UTC).astimezone()
    day = "%a" if abs(seconds - now) < WEEK_SECONDS else "%a %-d %b %Y"
    return at.strftime(f"{day} %H:%M")


def span(seconds: int) -> str:
    """A length of time by its two largest units: ``2 d 4 h``."""
    parts = []
    for name, unit in _UNITS:
        count, seconds = divmod(seconds, unit)
        parts.append((count, name))
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    first, *rest = parts[:2]
    if first == (0, "min"):
        return "less than a minute"
    return " ".join(f"{count} {name}" for count, name in (first, *rest) if count)


def many(count: int, what: str, plural: str | None = None) -> str:
    """A number of things: ``1 edit``, ``2 edits``."""
    return f"{count:,} {what if count == 1 else plural or what + 's'}"


def in_words(value: Value) -> str:
    """A value as a person reads it; ``None`` is one that was removed."""
    match value:
        case None:
            return "(removed)"
        case bool():
            return "yes" if value else "no"
        case dict():
            return _address_in_words(value)
        case _:
            return str(value)


def all_in_words(values: Iterable[Value]) -> str:
    """Several values, one after the other."""
    return " | ".join(in_words(value) for value in values)


def dispute_in_words(dispute: Dispute, *, sent: bool = True) -> str:
    """A dispute beside its value: who says so, since when, and what came of it."""
    since = f"since {_date(dispute.since)}" if dispute.is_open else _date(dispute.since)
    came = f"{_OUTCOMES[dispute.outcome]} {_date(dispute.ended)}".rstrip()
    return f"disputed by {_DISPUTED_BY[dispute.by]} {since}, {came if sent else 'not sent yet'}"


def refusal_in_words(code: str) -> str:
    """Why an edit was refused; the code itself where nobody but support can use more."""
    return _REFUSED.get(code, code)


def read_value(path: str, typed: str) -> Value:
    """What a person means who types this for a field, an address as JSON: a day as it is spoken,
    day first, and numbers with whatever blanks and hyphens.

    Whether it can stand there is for the edit to say. Raises ``CallerMistake``: "unknown-field",
    "not-yes-or-no", "not-an-address".
    """
    if path == ADDRESS:
        return _read_address(typed)
    pattern = field_rule(path).pattern
    if pattern not in FLAGS:
        read = _READ.get(pattern.rpartition(".")[2], str)
        return read(typed)
    if typed.lower() not in YES_OR_NO:
        raise CallerMistake("not-yes-or-no", f"{path} is yes or no.")
    return YES_OR_NO[typed.lower()]


def as_postcode(typed: str) -> str:
    """A postcode as records have it, however its blank and its letters were typed."""
    joined = compact(typed)
    return f"{outward(joined)} {joined[-INWARD_CHARACTERS:]}".strip()


def _read_day(typed: str) -> str:
    day = BirthDate.read(typed)
    return day.iso if day is not None and day.is_whole else typed


def _read_phone(typed: str) -> str:
    return re.sub(r"[\s-]+", " ", typed).strip()


def _read_number(typed: str) -> str:
    return re.sub(r"[\s-]+", "", typed)


_READ: dict[str, Callable[[str], str]] = {
    "born": _read_day,
    "since": _read_day,
    "ended": _read_day,
    "phone": _read_phone,
    "nhs_number": _read_number,
}
"""By the last part of a path, what is written in one way and typed in several."""


def _date(day: str) -> str:
    return f"{date.fromisoformat(day):%-d %b %Y}" if day else ""


def _address_in_words(address: dict[str, Any]) -> str:
    words = _KINDS.get(str(address.get("kind")), "")
    lines = ", ".join([*address.get("lines", ()), *filter(None, [address.get("postcode")])])
    if returns := address.get("intends_return"):
        lines = f", return within three years: {returns}"
    return words + lines


def _read_address(typed: str) -> Value:
    try:
        return msgspec.json.decode(typed, type=dict[str, str | list[str]])
    except (msgspec.DecodeError, msgspec.ValidationError) as e:
        raise CallerMistake(
            "not-an-address",
            "This is not an address.",
            next_step="Leave the value out and you are asked for each part; a program writes "
            'JSON: {"kind": "current", "lines": ["1 High Street"], "postcode": "M14 5AB"}.',
        ) from e
