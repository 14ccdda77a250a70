"""Master keys: the one in force wraps every key at rest, those before it still open theirs.

They are 32-byte keys in one file, the one in force first. There are several only while one takes
another's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fieldward_server import durable
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.keys import KEY_BYTES, derive
from fieldward_sync.sealing import Entropy, open_sealed


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


def make_master_key(file: Path, *, entropy: Entropy) -> None:
    """Write a first key; the file must not be there."""
    durable.write_new(file, entropy(KEY_BYTES))


def keep_master_keys(file: Path, keys: MasterKeys) -> None:
    """Write these keys in place of those that the file has: all of them, or none."""
    durable.replace(file, b"".join(keys))


def read_master_keys(file: Path) -> MasterKeys:
    """The keys in a file; ``LocalDataDamaged("no-master-key")``."""
    try:
        content = file.read_bytes()
    except OSError as e:
        raise _no_master_key(f"The master key {file} cannot be read: {e.strerror}.") from e
    if not content or len(content) % KEY_BYTES:
        raise _no_master_key(
            f"{file} is not a master key: it has {len(content)} bytes, and a key has {KEY_BYTES}."
        )
    keys = [content[at : at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES)]
    return MasterKeys(keys[0], tuple(keys[1:]))


def _no_master_key(message: str) -> LocalDataDamaged:
    return LocalDataDamaged(
        "no-master-key",
        message,
        next_step="Bring it back from its backup: without it nothing in the database opens.",
    )
