"""Invariant 7: merging is commutative, associative and idempotent, in any order and with gaps."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fieldward_sync.encoding import encode
from fieldward_sync.records import Change, Edit, Record, under_another_dot
from fieldward_sync.versions import Dot, Ordering, VersionVector

ACTORS = ("d-ada.1", "d-ben.1", "server.1")
PATHS = ("born", "name.family", "involvements/a.phone", "disputes/d.path", "disputes/d.outcome")

dots = st.builds(Dot, st.sampled_from(ACTORS), st.integers(1, 4))


@st.composite
def histories(draw: st.DrawFn) -> list[Edit]:
    """Edits with distinct dots, each replacing any dots at all, known or not."""
    names = draw(st.lists(dots, unique=True, max_size=8))
    return [
        Edit(
            dot,
            "r-1",
            tuple(
                Change(path, draw(st.sampled_from(["a", "b", None])), tuple(draw(_replaced(dot))))
                for path in draw(st.lists(st.sampled_from(PATHS), unique=True, min_size=1))
            ),
            "p-1",
            0,
            admits=draw(st.none() | _other_than(dot)),
        )
        for dot in names
    ]


def _other_than(author: Dot) -> st.SearchStrategy[Dot]:
    return dots.filter(lambda dot: dot != author)


def _replaced(author: Dot) -> st.SearchStrategy[list[Dot]]:
    return st.lists(_other_than(author), unique=True, max_size=3).map(sorted)


@st.composite
def replicas(draw: st.DrawFn) -> list[Record]:
    """Three replicas that each saw some of one history, with gaps, in an order of their own."""
    history = draw(histories())
    seen = [draw(st.lists(st.sampled_from(history))) if history else [] for _ in range(3)]
    return [Record.of("r-1", edits) for edits in seen]


@given(replicas())
def test_merge_is_commutative(three: list[Record]) -> None:
    a, b, _ = three
    assert a.join(b) == b.join(a)
    assert a.join(b).live == b.join(a).live


@given(replicas())
def test_merge_is_associative(three: list[Record]) -> None:
    a, b, c = three
    assert a.join(b).join(c) == a.join(b.join(c))


@given(replicas())
def test_merge_is_idempotent(three: list[Record]) -> None:
    a, b, _ = three
    assert a.join(a) == a
    assert a.join(b).join(b) == a.join(b)


@given(histories(), st.randoms(use_true_random=False))
def test_replicas_that_have_seen_the_same_edits_hold_equal_records(
    history: list[Edit], order: Random
) -> None:
    shuffled = list(history) * 2
    order.shuffle(shuffled)
    assert Record.of("r-1", shuffled).live == Record.of("r-1", history).live


@given(histories())
def test_every_edit_that_nothing_replaces_is_live(history: list[Edit]) -> None:
    record = Record.of("r-1", history)
    live = {(path, value.dot) for path, values in record.live.items() for value in values}
    for edit in history:
        for change in edit.changes:
            replaced = any(
                not {edit.dot, record.origin(edit.dot)}.isdisjoint(other.replaces)
                for later in history
                for other in later.changes
                if other.path == change.path
            )
            assert ((change.path, edit.dot) in live) != replaced


@given(histories(), st.builds(Dot, st.sampled_from(ACTORS), st.integers(1, 2**53 - 1)))
def test_an_edits_bytes_under_another_dot_are_those_of_that_edit(
    history: list[Edit], becomes: Dot
) -> None:
    for edit in history:
        renamed = msgspec.structs.replace(edit, dot=becomes)
        assert under_another_dot(encode(edit), edit.dot, becomes) == encode(renamed)


@given(histories())
def test_what_is_live_does_not_depend_on_when_it_was_looked_at(history: list[Edit]) -> None:
    watched = Record("r-1")
    for edit in history:
        watched = watched.with_edit(edit)
        _ = watched.deciding
    afresh = Record.of("r-1", history)
    assert list(watched.live.items()) == list(afresh.live.items())
    assert watched.deciding == afresh.deciding


vectors = st.lists(dots).map(lambda seen: VersionVector().observe(*seen))


@given(vectors, vectors, vectors)
def test_joining_version_vectors_is_a_join(
    a: VersionVector, b: VersionVector, c: VersionVector
) -> None:
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))
    assert a.join(a) == a
    assert a.join(b).covers(a)


@given(st.lists(dots), st.lists(dots))
def test_a_version_vector_knows_exactly_what_was_observed(
    mine: list[Dot], theirs: list[Dot]
) -> None:
    a, b = VersionVector().observe(*mine), VersionVector().observe(*theirs)
    assert all(dot in a for dot in mine)
    assert a.missing_from(b) == {dot for dot in mine if dot not in set(theirs)}
    match a.compare(b):
        case Ordering.EQUAL:
            assert set(mine) == set(theirs)
        case Ordering.AFTER:
            assert set(mine) > set(theirs)
        case Ordering.BEFORE:
            assert set(mine) < set(theirs)
        case Ordering.CONCURRENT:
            assert set(mine) - set(theirs)
            assert set(theirs) - set(mine)
