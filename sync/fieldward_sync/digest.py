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


def added(digest: bytes, element: bytes) -> bytes:
    """The digest with one more element."""
    return _sum(digest, int.from_bytes(element, "big"))


def removed(digest: bytes, element: bytes) -> bytes:
    """The digest with one element less."""
    return _sum(digest, -int.from_bytes(element, "big"))


def _sum(digest: bytes, change: int) -> bytes:
    return ((int.from_bytes(digest, "big") + change) % _MODULUS).to_bytes(32, "big")
