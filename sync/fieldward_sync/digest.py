"""A partition's digest: a keyed multiset hash, maintained per change (design §6).

The sum, modulo 2**256, of one HMAC-SHA-256 per record (Clarke et al., "Incremental Multiset Hash
Functions", 2003: MSet-Add-Hash). Equal digests mean equal partitions; a change costs one element
out and one in, never a pass over all records.
"""

from __future__ import annotations

import hmac

from fieldward_sync.encoding import pack

EMPTY = bytes(32)
_MODULUS = 1 << 256


def element(digest_key: bytes, record_id: str, revision: int, view: bytes) -> bytes:
    """What one record in one state contributes."""
    return hmac.digest(digest_key, pack((record_id, revision, view)), "sha256")


def added(digest: bytes, *elements: bytes) -> bytes:
    """The digest with more elements."""
    return _sum(digest, sum(map(_number, elements)))


def removed(digest: bytes, *elements: bytes) -> bytes:
    """The digest with less elements."""
    return _sum(digest, -sum(map(_number, elements)))


def _number(element: bytes) -> int:
    return int.from_bytes(element, "big")


def _sum(digest: bytes, change: int) -> bytes:
    return ((_number(digest) + change) % _MODULUS).to_bytes(32, "big")
