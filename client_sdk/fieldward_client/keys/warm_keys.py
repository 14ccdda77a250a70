"""The keys of partitions that are held warm: in this process's memory, nowhere else (design §7).

They come beside a lease, sealed to a key that is made here for that one answer; they go at lock, at
the lease's end, and with the process.
"""

from __future__ import annotations

from collections.abc import Container

from fieldward_sync.keys import KEY_BYTES, hpke_public_key
from fieldward_sync.leases import Lease, PartitionKeys, open_warm_keys
from fieldward_sync.sealing import Entropy


class WarmKeyRing:
    """One practitioner's, while they are at the device."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._seed = b""
        self._lease_id = b""
        self._came: tuple[PartitionKeys, ...] = ()
        self._earlier: tuple[PartitionKeys, ...] = ()

    @property
    def ring(self) -> tuple[PartitionKeys, ...]:
        """The keys there are: the last that came, and those before that files here still need."""
        return (*self._came, *self._earlier)

    def public_key(self) -> bytes:
        """The key to ask with: the same until keys have come."""
        self._seed = self._seed or self._entropy(KEY_BYTES)
        return hpke_public_key(self._seed)

    def came_with(self, lease: Lease) -> bool:
        """Whether what came beside this lease is here."""
        return self._lease_id == lease.lease_id

    def take(
        self, sealed: bytes | None, lease: Lease, *, needed: Container[tuple[str, int]]
    ) -> None:
        """Take what came beside a lease. Of the keys before, those stay that files here need and
        whose partition is still held so: ``needed`` are partitions and key epochs.

        Raises ``PeerBrokeProtocol`` if it is of another lease, and changes nothing.
        """
        came = open_warm_keys(sealed, self._seed, lease).ring if sealed is not None else ()
        before, self._came, self._lease_id, self._seed = self.ring, came, lease.lease_id, b""
        self._earlier = self._still_needed(before, needed)

    def forget_needless(self, needed: Container[tuple[str, int]]) -> None:
        """Forget the keys of before that no file here needs, by partition and key epoch."""
        self._earlier = self._still_needed(self._earlier, needed)

    def _still_needed(
        self, ring: tuple[PartitionKeys, ...], needed: Container[tuple[str, int]]
    ) -> tuple[PartitionKeys, ...]:
        came = {keys.partition: {each.epoch for each in keys.epochs} for keys in self._came}
        return tuple(
            PartitionKeys(keys.partition, keys.digest_key, (each,))
            for keys in ring
            for each in keys.epochs
            if each.epoch not in came.get(keys.partition, {each.epoch})
            and (keys.partition, each.epoch) in needed
        )

    def clear(self) -> None:
        """Forget every key."""
        self._came, self._earlier, self._lease_id, self._seed = (), (), b"", b""
