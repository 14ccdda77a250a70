"""Master keys: the one in force wraps every key at rest, those before it still open theirs.

They have 32 bytes each. There are several only while one takes another's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.keys import derive
from fieldward_sync.sealing import open_sealed


@dataclass(frozen=True)
class MasterKeys:
    """The key in force and those before it."""

    in_force: bytes
    earlier: tuple[bytes, ...] = ()

    def __iter__(self) -> Iterator[bytes]:
        yield self.in_force
        yield from self.earlier

    def followed_by(self, key: bytes) -> MasterKeys:
        """With another key in force; all that there are still open."""
        return MasterKeys(key, tuple(self))

    def derived(self, purpose: str) -> MasterKeys:
        """The keys for one purpose, one of each."""
        in_force, *earlier = (derive(key, purpose) for key in self)
        return MasterKeys(in_force, tuple(earlier))

    def open(self, context: bytes, sealed: bytes) -> bytes:
        """What one of them sealed; ``PeerBrokeProtocol("seal-broken")`` if none did."""
        for key in self.earlier:
            with suppress(PeerBrokeProtocol):
                return open_sealed(key, context, sealed)
        return open_sealed(self.in_force, context, sealed)
