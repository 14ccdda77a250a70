"""Values and edits that a practitioner may or may not make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vectors.cases import Case, Topic, refused, valid
from vectors.outcomes import Outcome

CARER = {"family": "Poole", "given": "Sam", "relation": "father"}
HOME = {"kind": "current", "lines": ["1 High St"], "postcode": "M14 5AB"}
NOWHERE = {"kind": "no-known-address"}
SHOWN = {
    "name.family": "Okafor",
    "name.given": "Ada",
    **{f"carers/c1.{field}": value for field, value in CARER.items()},
    "involvements/8f2c.service": "health-visiting",
    "involvements/8f2c.since": "2026-01-05",
}

GOOD: tuple[tuple[str, Any], ...] = (
    ("name.family", "O'Brien-Nuñez"),
    ("name.given", "N"),
    ("born", "2024-02-29"),
    ("sex", "not-specified"),
    ("school.code", None),
    ("carers/c1.phone", "+44 7700 900123"),
    ("involvements/8f2c.email", "a.okafor@example.org"),
    ("involvements/8f2c.lead", True),
    ("shield", "raised"),
    ("address", HOME),
    ("address", NOWHERE),
    ("address", {"kind": "left-england", "intends_return": "unknown"}),
)
BAD: tuple[tuple[str, str, Any], ...] = (
    ("text for a flag", "assessment_exists", "yes"),
    ("no such day", "born", "2023-02-29"),
    ("a date in another form", "born", "20210304"),
    ("before the earliest date", "born", "1979-12-31"),
    ("71 letters", "name.family", "a" * 71),
    ("seven words", "name.given", "a b c d e f g"),
    ("a double blank", "name.given", "Ada  Ann"),
    ("a digit in a name", "name.given", "Ada 2"),
    ("not composed", "name.given", "Zoe\u0308"),
    ("no letter", "name.given", "-"),
    ("a note", "name.given", "Ada (see file)"),
    ("a word of another list", "sex", "unknown"),
    ("a letter in a telephone number", "carers/c1.phone", "07700 90012x"),
    (
        "lower case in a postcode",
        "address",
        {"kind": "current", "lines": ["1"], "postcode": "m14 5ab"},
    ),
    ("no lines", "address", {"kind": "current"}),
    (
        "a postcode where there is no place",
        "address",
        {"kind": "no-known-address", "postcode": "M14 5AB"},
    ),
    ("no word on returning", "address", {"kind": "left-england"}),
    ("removes what must be", "name.family", None),
    ("removes an address", "address", None),
    ("removes a latch", "shield", None),
    ("no such field", "disputes/d2.path", "notes"),
    ("a dispute of a dispute", "disputes/d2.path", "disputes/d1.by"),
    ("a dispute of a latch", "disputes/d2.path", "involvements/8f2c.consent_withdrawn"),
    ("a dispute of a ground", "disputes/d2.path", "involvements/8f2c.sensitive_ground"),
    ("a pattern", "disputes/d2.path", "carers/*.phone"),
    ("a name", "disputes/d2.by", "Ngozi Okafor"),
)


def _cases() -> Iterator[Case]:
    for path, value in GOOD:
        yield valid(f"{path} {value!r:.40}", "may be set", shown=SHOWN, changes={path: value})
    for why, path, value in BAD:
        yield refused(
            f"{path} {value!r:.40}", why, Outcome.INVALID_VALUE, shown=SHOWN, changes={path: value}
        )
    for why, path in (
        ("no such field", "notes"),
        ("the pattern itself", "carers/*.phone"),
        ("a member's id in capitals", "carers/C1.phone"),
        ("a field of another set", "carers/c1.team"),
    ):
        yield refused(path, why, Outcome.UNKNOWN_FIELD, shown={}, changes={path: "x"})
    for why, path, value in (
        ("the authority's own", "nhs_number", "9990000018"),
        ("a release is the server's", "shield", "released"),
        ("how it ended is the authority's to say", "disputes/d1.outcome", "withdrawn"),
        ("when, too", "disputes/d1.ended", "2026-02-06"),
    ):
        yield refused(f"{path} {value}", why, Outcome.SERVER_ONLY, shown={}, changes={path: value})
    for path, value in (
        ("disputes/d1.path", "born"),
        ("disputes/d1.since", "2026-02-06"),
        ("disputes/d1.by", "subject"),
    ):
        yield refused(
            f"{path} {value}",
            "stays as it was written first",
            Outcome.SERVER_ONLY,
            shown=_dispute("d1"),
            changes={path: value},
        )
    yield from _across()


def _dispute(member: str) -> dict[str, str]:
    said = {"path": "carers/c1.phone", "since": "2026-01-05", "by": "professional"}
    return {f"disputes/{member}.{name}": value for name, value in said.items()}


def _across() -> Iterator[Case]:
    here = {"involvements/a1.service": "health-visiting", "involvements/a1.since": "2026-01-05"}
    ended = {"involvements/a1.ended": "2026-01-05"}
    yield valid("ended", "on the day it began", shown=here, changes=ended)
    new = {"carers/c9.family": "Poole", "carers/c9.given": "Sam", "carers/c9.relation": "father"}
    yield valid("new-dispute", "says all of it", shown={}, changes=_dispute("d1"))
    yield valid("new-carer", "with all a carer needs", shown={}, changes=new)
    too_early = {"involvements/a1.ended": "2026-01-04"}
    for name, why, shown, changes in (
        ("ended-before", "before it began", here, too_early),
        ("carer-unrelated", "a carer without a relation", {}, {"carers/c9.family": "Poole"}),
        ("dispute-of-nothing", "says not what", {}, {"disputes/d1.by": "carer"}),
        (
            "ground-missing",
            "a sensitive service without its legal ground",
            here,
            {"involvements/a1.service": "sexual-health"},
        ),
        (
            "members-25",
            "a carer too many",
            {f"carers/c{n}.{f}": v for n in range(24) for f, v in CARER.items()},
            {f"carers/d1.{f}": v for f, v in CARER.items()},
        ),
    ):
        yield refused(name, why, Outcome.INVALID_EDIT, shown=shown, changes=changes)


TOPIC = Topic("fields", "written down from the tables of fields and values", _cases)
