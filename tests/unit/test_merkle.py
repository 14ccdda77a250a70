"""Merkle trees, against the reference values of RFC 6962 and the RFC's own recursive definition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.merkle import (
    Frontier,
    inclusion_path,
    leaf_hash,
    node_hash,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "merkle_rfc6962.json").read_text())
LEAVES = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["rootsBySize"]]


def grown(leaves: Sequence[bytes]) -> Frontier:
    return reduce(Frontier.append, leaves, Frontier.empty())


def root_by_the_book(entries: Sequence[bytes]) -> bytes:
    """MTH(D[n]) as RFC 6962, 2.1 defines it."""
    if len(entries) == 0:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = root_by_the_book(entries[:split]), root_by_the_book(entries[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def path_by_the_book(index: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n]) as RFC 6962, 2.1.1 defines it."""
    if len(entries) == 1:
        return []
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if index < split:
        return [*path_by_the_book(index, entries[:split]), root_by_the_book(entries[split:])]
    return [*path_by_the_book(index - split, entries[split:]), root_by_the_book(entries[:split])]


# The published values.


def test_the_reference_leaves_have_their_published_hashes() -> None:
    assert [leaf.hex() for leaf in LEAVES] == VECTORS["leafHashes"]


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_reference_trees_have_their_published_roots(size: int) -> None:
    assert grown(LEAVES[:size]).root() == ROOTS[size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=str)
def test_the_published_inclusion_proofs_are_made_and_accepted(vector: dict[str, object]) -> None:
    index, size, path = vector["index"], vector["size"], vector["path"]
    assert isinstance(index, int)
    assert isinstance(size, int)
    made = inclusion_path(LEAVES[:size], index)
    assert [step.hex() for step in made] == path
    verify_inclusion(LEAVES[index], index, size, made, ROOTS[size])


# The RFC's definition.


@given(st.lists(st.binary(max_size=8), max_size=80))
def test_a_growing_root_is_the_root_of_the_whole_tree(entries: list[bytes]) -> None:
    assert grown([leaf_hash(entry) for entry in entries]).root() == root_by_the_book(entries)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=80), st.data())
def test_a_path_is_the_rfcs_and_leads_to_the_root(
    entries: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    leaves = [leaf_hash(entry) for entry in entries]
    path = inclusion_path(leaves, index)
    assert list(path) == path_by_the_book(index, entries)
    verify_inclusion(leaves[index], index, len(leaves), path, root_by_the_book(entries))


# The frontier as a value.


def test_an_appended_leaf_leaves_the_frontier_before_it_alone() -> None:
    before = grown(LEAVES[:3])
    before.append(LEAVES[3])
    assert before == grown(LEAVES[:3])


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_a_stored_frontier_grows_on_as_if_never_stored(size: int) -> None:
    stored = unpack(Frontier, pack(grown(LEAVES[:size])))
    assert reduce(Frontier.append, LEAVES[size:], stored).root() == ROOTS[-1]


@dataclass(frozen=True)
class WrongShape:
    what: str
    size: int
    peaks: tuple[bytes, ...]
    code: str


WRONG_SHAPES = [
    WrongShape("a peak too few", 3, (LEAVES[0],), "frontier-shape"),
    WrongShape("a peak too many", 4, (LEAVES[0], LEAVES[1]), "frontier-shape"),
    WrongShape("an empty tree with a peak", 0, (LEAVES[0],), "frontier-shape"),
    WrongShape("a negative size", -1, (LEAVES[0],), "frontier-shape"),
    WrongShape("a peak that is no hash", 1, (LEAVES[0][:-1],), "hash-size"),
]


@pytest.mark.parametrize("wrong", WRONG_SHAPES, ids=lambda wrong: wrong.what)
def test_a_frontier_of_another_shape_cannot_be_made(wrong: WrongShape) -> None:
    with pytest.raises(CallerMistake) as caught:
        Frontier(wrong.size, wrong.peaks)
    assert caught.value.code == wrong.code


@pytest.mark.parametrize("wrong", WRONG_SHAPES, ids=lambda wrong: wrong.what)
def test_a_frontier_of_another_shape_cannot_be_read(wrong: WrongShape) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        unpack(Frontier, pack((wrong.size, wrong.peaks)))
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("size", [0, 1])
def test_an_entry_is_not_taken_for_its_hash(size: int) -> None:
    with pytest.raises(CallerMistake) as caught:
        grown(LEAVES[:size]).append(b"the entry itself")
    assert caught.value.code == "hash-size"


@pytest.mark.parametrize("wrong", [b"", LEAVES[0][:-1], LEAVES[0] + b"\x00"])
def test_only_hashes_are_hashed_into_a_node(wrong: bytes) -> None:
    for pair in ((wrong, LEAVES[0]), (LEAVES[0], wrong)):
        with pytest.raises(CallerMistake) as caught:
            node_hash(*pair)
        assert caught.value.code == "hash-size"


@pytest.mark.parametrize(("count", "index"), [(0, 0), (3, 3), (3, -1)])
def test_there_is_no_path_to_a_leaf_that_is_not_there(count: int, index: int) -> None:
    with pytest.raises(CallerMistake) as caught:
        inclusion_path(LEAVES[:count], index)
    assert caught.value.code == "leaf-unknown"


# Proofs that do not hold.


@dataclass(frozen=True)
class Proof:
    leaf: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    root: bytes

    def verify(self) -> None:
        verify_inclusion(self.leaf, self.index, self.size, self.path, self.root)


@dataclass(frozen=True)
class Forgery:
    what: str
    change: Callable[[Proof], Proof]


def flipped(value: bytes) -> bytes:
    return bytes([value[0] ^ 8]) + value[1:]


# The ways in which the reference implementation corrupts its proofs, and a few more.
FORGERIES = [
    Forgery("the index before", lambda p: replace(p, index=p.index - 1)),
    Forgery("the index after", lambda p: replace(p, index=p.index + 1)),
    Forgery("an index with another bit", lambda p: replace(p, index=p.index ^ 2)),
    Forgery("an index beyond the tree", lambda p: replace(p, index=p.index + p.size)),
    Forgery("twice the size", lambda p: replace(p, size=p.size * 2)),
    Forgery("half the size", lambda p: replace(p, size=p.size // 2)),
    Forgery("no size", lambda p: replace(p, size=0)),
    Forgery("another leaf", lambda p: replace(p, leaf=flipped(p.leaf))),
    Forgery("a leaf that is no hash", lambda p: replace(p, leaf=b"WrongLeaf")),
    Forgery("another root", lambda p: replace(p, root=flipped(p.root))),
    Forgery("a root that is no hash", lambda p: replace(p, root=b"")),
    Forgery("the empty tree's root", lambda p: replace(p, root=ROOTS[0])),
    Forgery("garbage after", lambda p: replace(p, path=(*p.path, b""))),
    Forgery("the root after", lambda p: replace(p, path=(*p.path, p.root))),
    Forgery("garbage before", lambda p: replace(p, path=(b"", *p.path))),
    Forgery("the root before", lambda p: replace(p, path=(p.root, *p.path))),
    Forgery("a step missing", lambda p: replace(p, path=p.path[:-1])),
    Forgery("the first step changed", lambda p: replace(p, path=(flipped(p.path[0]), *p.path[1:]))),
    Forgery(
        "the last step changed", lambda p: replace(p, path=(*p.path[:-1], flipped(p.path[-1])))
    ),
    Forgery("a step cut short", lambda p: replace(p, path=(p.path[0][:-1], *p.path[1:]))),
]
PLACES = [(0, 8), (5, 8), (2, 3), (1, 5), (4, 5), (6, 7)]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.what)
@pytest.mark.parametrize(("index", "size"), PLACES)
def test_a_forged_proof_is_refused(index: int, size: int, forgery: Forgery) -> None:
    path = inclusion_path(LEAVES[:size], index)
    proof = Proof(LEAVES[index], index, size, path, ROOTS[size])
    proof.verify()
    with pytest.raises(PeerBrokeProtocol) as caught:
        forgery.change(proof).verify()
    assert caught.value.code == "proof-broken"


def test_a_proof_holds_for_its_own_place_only() -> None:
    for size, index in product(range(1, len(ROOTS)), range(len(LEAVES))):
        for true_index in range(size):
            path = inclusion_path(LEAVES[:size], true_index)
            proof = Proof(LEAVES[true_index], index, size, path, ROOTS[size])
            if index == true_index:
                proof.verify()
            else:
                with pytest.raises(PeerBrokeProtocol, match="proof-broken"):
                    proof.verify()


def test_a_tree_of_absurd_size_is_refused_quickly() -> None:
    with pytest.raises(PeerBrokeProtocol, match="proof-broken"):
        verify_inclusion(LEAVES[0], 0, 1 << 62, (), ROOTS[1])
