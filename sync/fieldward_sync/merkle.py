"""Merkle trees as in RFC 6962, section 2.1: hashes, growing roots, and proofs of inclusion.

Only the shapes of the RFC are used, so that anybody's verifier can check a journal or a ledger.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from functools import reduce

from fieldward_sync.encoding import Part
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.names import Count, Hash

HASH_BYTES = 32

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry, as the tree holds it."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two neighbouring subtrees; ``CallerMistake`` unless both are hashes."""
    _check_hashes((left, right))
    return hashlib.sha256(_NODE + left + right).digest()


class Frontier(Part, frozen=True):
    """A tree as far as it has grown: all it takes to append to it and to know its root.

    ``peaks`` are the roots of its complete subtrees, largest and oldest first: one for every bit
    that is set in ``size``.
    """

    size: Count
    peaks: tuple[Hash, ...]

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise _WrongShape(
                "frontier-shape", f"{len(self.peaks)} peaks do not make a tree of {self.size}."
            )
        _check_hashes(self.peaks)

    @classmethod
    def empty(cls) -> Frontier:
        """The tree without a leaf."""
        return cls(0, ())

    def append(self, leaf: bytes) -> Frontier:
        """The tree with one more leaf, given by its ``leaf_hash``; else ``CallerMistake``."""
        peaks, peak, size = self.peaks, leaf, self.size
        while size & 1:
            peaks, peak, size = peaks[:-1], node_hash(peaks[-1], peak), size >> 1
        return Frontier(self.size + 1, (*peaks, peak))

    def root(self) -> bytes:
        """The tree's hash (MTH in the RFC); of the empty tree, the SHA-256 of nothing."""
        if not self.peaks:
            return hashlib.sha256().digest()
        return reduce(lambda right, left: node_hash(left, right), reversed(self.peaks))


class _WrongShape(CallerMistake, ValueError):
    """Also a ``ValueError``, which the decoder turns into "malformed" when stored bytes are at
    fault rather than a caller."""


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The hashes that lead from leaf ``index`` to the root of the tree of all these leaves.

    Raises ``CallerMistake`` if there is no such leaf. Hashes every leaf: RFC 6962, 2.1.1.
    """
    if not 0 <= index < len(leaf_hashes):
        raise CallerMistake("leaf-unknown", f"{len(leaf_hashes)} leaves, none of number {index}.")
    path = []
    level = list(leaf_hashes)
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        paired = [node_hash(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        # A node without a neighbour rises as it is: that makes the RFC's left-heavy tree.
        level = paired + level[len(paired) * 2 :]
        index //= 2
    return tuple(path)


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Raise ``PeerBrokeProtocol("proof-broken")`` unless the tree of ``size`` leaves with this
    ``root`` holds ``leaf_hash`` as leaf ``index``, shown by exactly this ``path``."""
    if not 0 <= index < size or any(len(value) != HASH_BYTES for value in (leaf_hash, *path)):
        raise _proof_broken()
    node, siblings = leaf_hash, iter(path)
    while size > 1:
        if index ^ 1 < size:
            sibling = next(siblings, None)
            if sibling is None:
                raise _proof_broken()
            node = node_hash(sibling, node) if index & 1 else node_hash(node, sibling)
        index, size = index // 2, (size + 1) // 2
    if next(siblings, None) is not None or not hmac.compare_digest(node, root):
        raise _proof_broken()


def _proof_broken() -> PeerBrokeProtocol:
    return PeerBrokeProtocol("proof-broken", "The proof does not lead from the entry to the root.")


def _check_hashes(values: Iterable[bytes]) -> None:
    for value in values:
        if len(value) != HASH_BYTES:
            raise _WrongShape("hash-size", f"A hash has {HASH_BYTES} bytes, not {len(value)}.")
