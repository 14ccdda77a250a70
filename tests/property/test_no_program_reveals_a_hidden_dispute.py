"""A dispute is seen where the value it is about is seen, and nowhere else (H1, H2, C2, C4, R2).

Edits, shields, withdrawn consents, sensitive services and disputes, made with and without knowledge
of each other, in any order. What may be seen is written down here once more, apart from the code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldward_sync.compact_views import Compacting
from fieldward_sync.matching.index_keys import index_keys
from fieldward_sync.projection import project
from fieldward_sync.records import Change, Edit, Record, Value
from fieldward_sync.versions import Dot
from fieldward_sync.views import View

ACTORS = ("d-ada.1", "d-ben.1", "server.1")
DISPUTES = ("hush0", "hush1", "hush2")
SERVICE, GROUND, CONSENT = (
    f"involvements/a1.{name}" for name in ("service", "sensitive_ground", "consent_withdrawn")
)
DISPUTABLE = (
    "name.family",
    "born",
    "nhs_number",
    "address",
    "school.code",
    "carers/c1.family",
    "carers/c1.phone",
    "former_names/f1.family",
    "involvements/a1.phone",
    "involvements/a1.since",
    SERVICE,
    "involvements/b2.phone",
)
VALUES: dict[str, tuple[Value, ...]] = {
    **dict.fromkeys(DISPUTABLE, ("one", "two")),
    "address": ({"kind": "no-known-address"}, {"kind": "left-england", "intends_return": "no"}),
    SERVICE: ("health-visiting", "mental-health"),
    GROUND: ("consent", None),
    CONSENT: ("raised", "released"),
    "shield": ("raised", "released"),
}
ON_A_SHIELD = ("name.family", "born", "carers/c1.family")
SEEN_OF_A_SENSITIVE_SERVICE = ("involvements/a1.since",)


class Step(NamedTuple):
    actor: str
    changes: tuple[tuple[str, Value], ...]
    knows: bool
    """Whether its author was shown what stands at its paths, and so replaces it."""


def step(changes: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.builds(Step, st.sampled_from(ACTORS), changes, st.booleans())


edits = st.sampled_from(sorted(VALUES)).flatmap(
    lambda path: st.sampled_from(VALUES[path]).map(lambda value: ((path, value),))
)
raised = st.builds(
    lambda member, path: (
        (f"disputes/{member}.path", path),
        (f"disputes/{member}.since", "2026-01-05"),
        (f"disputes/{member}.by", "carer"),
    ),
    st.sampled_from(DISPUTES),
    st.sampled_from(DISPUTABLE),
)
decided = st.builds(
    lambda member, outcome: (
        (f"disputes/{member}.outcome", outcome),
        (f"disputes/{member}.ended", "2026-02-06"),
    ),
    st.sampled_from(DISPUTES),
    st.sampled_from(["upheld", "not-upheld"]),
)
programs = st.lists(step(edits) | step(raised) | step(decided), max_size=14)


def carried_out(program: list[Step], *, without: frozenset[str] = frozenset()) -> Record:
    """The record that a program makes; ``without`` the disputes so called, every edit else under
    the very dot that it would have."""
    record = Record("r-1")
    for number, (actor, changes, knows) in enumerate(program, start=1):
        made = tuple(
            Change(
                path,
                value,
                tuple(live.dot for live in record.live.get(path, ())) if knows else (),
            )
            for path, value in changes
            if _member(path) not in without and not _decides_nothing(path, record)
        )
        if made:
            record = record.with_edit(Edit(Dot(actor, number), "r-1", made, None, 0))
    return record


def _member(path: str) -> str:
    return path.partition(".")[0].removeprefix("disputes/")


def _decides_nothing(path: str, record: Record) -> bool:
    """The server decides a dispute that there is, and no other."""
    return path.endswith((".outcome", ".ended")) and f"disputes/{_member(path)}.path" not in (
        record.live
    )


def view(record: Record, program: list[Step]) -> View:
    numbers = {Dot(each.actor, n): n for n, each in enumerate(program, start=1)}
    return project(record, numbers, len(program))


def may_be_seen(path: str, live: dict[str, list[Value]]) -> bool:
    """H1, C2 and C4, in words of their own."""
    of_a1 = path.startswith("involvements/a1.")
    if of_a1 and "raised" in live.get(CONSENT, []):
        return False
    if "raised" in live.get("shield", []):
        return path in ON_A_SHIELD
    sensitive = "mental-health" in live.get(SERVICE, []) or "consent" in live.get(GROUND, [])
    return not (of_a1 and sensitive) or path in SEEN_OF_A_SENSITIVE_SERVICE


def stands(record: Record) -> dict[str, list[Value]]:
    return {path: [each.value for each in values] for path, values in record.live.items()}


def hidden(record: Record) -> frozenset[str]:
    """The disputes of which nobody may see all that they are about."""
    live = stands(record)
    return frozenset(
        each
        for each in DISPUTES
        if not all(may_be_seen(str(p), live) for p in live.get(f"disputes/{each}.path", []))
    )


@settings(max_examples=400)
@given(programs)
def test_no_program_reveals_a_hidden_dispute(program: list[Step]) -> None:
    record = carried_out(program)
    secret = hidden(record)
    seen, knowing_nothing = (
        view(record, program),
        view(carried_out(program, without=secret), program),
    )
    assert seen.to_bytes() == knowing_nothing.to_bytes()
    compacting = Compacting()
    common, rows = compacting.written([compacting.take(seen)])
    sealed = b"".join(rows) + common.shapes + common.values
    for dispute in secret:
        assert dispute.encode() not in seen.to_bytes() + sealed


@settings(max_examples=200)
@given(programs)
def test_a_dispute_of_what_is_seen_is_seen_with_all_it_says(program: list[Step]) -> None:
    record = carried_out(program)
    shown: dict[str, list[Value]] = {}
    for each in view(record, program).values:
        shown.setdefault(each.path, []).append(each.value)
    for path, values in stands(record).items():
        member = _member(path)
        if member in DISPUTES and member not in hidden(record):
            assert shown[path] == values


@settings(max_examples=200)
@given(programs)
def test_a_dispute_changes_nothing_of_how_a_child_is_found(program: list[Step]) -> None:
    """Issue 4: a disputed value matches as any other does."""
    undisputed = carried_out(program, without=frozenset(DISPUTES))
    assert index_keys(view(carried_out(program), program)) == index_keys(view(undisputed, program))


@settings(max_examples=200)
@given(programs, st.randoms(use_true_random=False))
def test_disputes_show_alike_in_whatever_order_edits_come(program: list[Step], order: Any) -> None:
    """Invariant 7."""
    record = carried_out(program)
    shuffled = list(record.edits.values()) * 2
    order.shuffle(shuffled)
    assert view(Record.of("r-1", shuffled), program) == view(record, program)
