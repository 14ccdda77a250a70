"""What an ordinary reader sees of a record: the one projection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from second_implementation.encoding import document, pack
from vectors.cases import Case, Topic, valid
from vectors.topics.world import DEVICE, NOW, PRACTITIONER

RECORD = "child-1"
SERVER, TABLET = "server.1", f"{DEVICE}.1"
ADDRESS = {"kind": "current", "lines": ["1 High St"], "postcode": "M14 5AB"}
NAME = {"name.family": "Okafor", "name.given": "Ada", "born": "2021-03-04", "sex": "female"}
HOME = {**NAME, "address": ADDRESS, "nhs_number": "9990000018", "gp.code": "P84001"}


def edit(
    actor: str,
    counter: int,
    changes: dict[str, Any],
    replaces: Sequence[Any] = (),
    *,
    basis: str = "home-visit",
    base: int = 0,
    admits: Sequence[Any] | None = None,
) -> list[Any]:
    """An edit's fields; each of its changes replaces the same dots."""
    return [
        [actor, counter],
        RECORD,
        [[path, value, replaces] for path, value in changes.items()],
        PRACTITIONER,
        NOW,
        None if admits is None else "jo",
        basis,
        base,
        admits,
    ]


def edit_bytes(edit: Sequence[Any]) -> bytes:
    """An edit's document."""
    return document("edit", *edit)


def _view(name: str, why: str, edits: Sequence[Any], shielded: bool, *values: Any) -> Case:
    ordered = sorted(values, key=lambda value: str(value[0]))
    return valid(
        name,
        why,
        edits=[edit_bytes(each) for each in edits],
        revision=len(edits),
        view=pack([RECORD, len(edits), shielded, ordered]),
    )


def _member(member: str, **fields: Any) -> dict[str, Any]:
    return {f"involvements/{member}.{field}": value for field, value in fields.items()}


def _shown(values: dict[str, Any], number: int = 1) -> list[Any]:
    return [[path, number, value] for path, value in values.items()]


def _cases() -> Iterator[Case]:
    first = edit(SERVER, 1, HOME)
    yield _view("plain", "everything is shown", [first], False, *_shown(HOME))
    moved = {"kind": "no-known-address"}
    replaced = edit(TABLET, 1, {"address": moved}, [[SERVER, 1]])
    rest = {path: value for path, value in HOME.items() if path != "address"}
    yield _view(
        "replaced",
        "the replaced is gone",
        [first, replaced],
        False,
        *_shown(rest),
        ["address", 2, moved],
    )
    beside = edit(TABLET, 1, {"name.given": "Adah"})
    yield _view(
        "conflict",
        "both values, in the order of their dots",
        [first, beside],
        False,
        *_shown({path: value for path, value in HOME.items() if path != "name.given"}),
        ["name.given", 2, "Adah"],
        ["name.given", 1, "Ada"],
    )
    removed = edit(TABLET, 1, {"gp.code": None}, [[SERVER, 1]])
    left = {path: value for path, value in HOME.items() if path != "gp.code"}
    yield _view(
        "removed",
        "removed is a value",
        [first, removed],
        False,
        *_shown(left),
        ["gp.code", 2, None],
    )
    yield from _shields(first)
    yield from _sensitive(first)
    yield from _disputes(first)


def _shields(first: list[Any]) -> Iterator[Case]:
    raised = edit(TABLET, 1, {"shield": "raised"})
    again = edit("d-other.1", 1, {"shield": "raised"})
    released = edit(SERVER, 2, {"shield": "released"}, [[TABLET, 1]])
    hidden = [*_shown(NAME), ["shield", 2, "raised"]]
    yield _view("shield", "where the child can be found is hidden", [first, raised], True, *hidden)
    yield _view(
        "shield-twice", "one latch, whoever raised it", [first, raised, again], True, *hidden
    )
    yield _view(
        "shield-released",
        "the release names the raise",
        [first, raised, released],
        False,
        *_shown(HOME),
    )
    yield _view(
        "shield-holds",
        "a raise that the release does not name",
        [first, raised, released, again],
        True,
        *_shown(NAME),
        ["shield", 4, "raised"],
    )


def _sensitive(first: list[Any]) -> Iterator[Case]:
    help_given = {
        "service": "mental-health",
        "role": "mental-health-practitioner",
        "since": "2026-01-05",
        "sensitive_ground": "consent",
        "phone": "0114 496 0000",
    }
    counselling = edit(SERVER, 2, _member("a1", **help_given))
    yield _view(
        "sensitive-service",
        "that there is one, and since when; which is masked under number 0",
        [first, counselling],
        False,
        *_shown(HOME),
        ["involvements/a1.service", 0, "sensitive"],
        ["involvements/a1.since", 2, "2026-01-05"],
    )
    doubted = edit(TABLET, 1, _member("a2", service="youth-support", sensitive_ground=None))
    stated = edit("d-other.1", 1, _member("a2", sensitive_ground="consent", since="2026-02-02"))
    yield _view(
        "sensitive-in-dispute",
        "one side of a conflict took the legal ground away: it is masked all the same",
        [first, doubted, stated],
        False,
        *_shown(HOME),
        ["involvements/a2.service", 0, "sensitive"],
        ["involvements/a2.since", 3, "2026-02-02"],
    )
    withdrawn = edit(TABLET, 1, _member("a1", consent_withdrawn="raised"))
    yield _view(
        "consent-withdrawn",
        "nothing of the involvement is left",
        [first, counselling, withdrawn],
        False,
        *_shown(HOME),
    )


def _dispute(member: str, path: str, **fields: str) -> dict[str, Any]:
    said = {"path": path, "since": "2026-01-05", "by": "carer", **fields}
    return {f"disputes/{member}.{name}": value for name, value in said.items()}


def _disputes(first: list[Any]) -> Iterator[Case]:
    of_address, of_birth = _dispute("d1", "address"), _dispute("d2", "born")
    marked = edit(TABLET, 1, {**of_address, **of_birth})
    ended = {"disputes/d1.outcome": "not-upheld", "disputes/d1.ended": "2026-02-06"}
    decided = edit(SERVER, 2, ended)
    yield _view(
        "disputed",
        "what is disputed is shown, and how that ended; the value stays",
        [first, marked, decided],
        False,
        *_shown(HOME),
        *_shown({**of_address, **of_birth}, 2),
        *_shown(ended, 3),
    )
    raised = edit("d-other.1", 1, {"shield": "raised"})
    yield _view(
        "disputed-and-shielded",
        "a dispute of a hidden value is hidden with it; that of a shown one is not",
        [first, marked, decided, raised],
        True,
        *_shown(NAME),
        *_shown(of_birth, 2),
        ["shield", 4, "raised"],
    )
    turned = edit("d-other.1", 2, {"disputes/d2.path": "address"})
    yield _view(
        "disputed-in-conflict",
        "about two values, one of them hidden: it is hidden",
        [first, marked, decided, raised, turned],
        True,
        *_shown(NAME),
        ["shield", 4, "raised"],
    )
    help_given = {"service": "mental-health", "since": "2026-01-05", "sensitive_ground": "consent"}
    of_since = _dispute("d4", "involvements/a1.since")
    of_masked = {**_dispute("d3", "involvements/a1.service"), **of_since}
    counselling = edit(SERVER, 2, _member("a1", **help_given))
    yield _view(
        "disputed-and-masked",
        "a dispute of what is masked is hidden",
        [first, counselling, edit(TABLET, 1, of_masked)],
        False,
        *_shown(HOME),
        ["involvements/a1.service", 0, "sensitive"],
        ["involvements/a1.since", 2, "2026-01-05"],
        *_shown(of_since, 3),
    )
    yield _view(
        "disputed-and-withdrawn",
        "nothing of the involvement is left, nor that it was disputed",
        [
            first,
            counselling,
            edit(TABLET, 1, of_masked),
            edit(TABLET, 2, _member("a1", consent_withdrawn="raised")),
        ],
        False,
        *_shown(HOME),
    )


TOPIC = Topic("views", "written down from the table of fields", _cases)
