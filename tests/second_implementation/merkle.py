"""The Merkle tree of RFC 6962, section 2.1, as its definition reads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's hash over these entries."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


def peaks(leaves: Sequence[bytes]) -> list[bytes]:
    """The roots of the tree's complete subtrees, the largest first."""
    found, start = [], 0
    for power in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> power & 1:
            found.append(root(leaves[start : start + (1 << power)]))
            start += 1 << power
    return found
