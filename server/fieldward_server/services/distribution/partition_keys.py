"""Keys of partitions: made, wrapped at rest, and put together as a practitioner's key ring."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, epoch_keys
from fieldward_server.storage.grants import Granted
from fieldward_server.storage.partitions import Partition
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.leases import EpochKey, PartitionKeys

DIGEST_KEY = "digest-key"
PARTITION_KEY = "partition-key"


def new_digest_key(platform: Platform, authority: str, partition: str) -> bytes:
    """A random digest key, wrapped."""
    return platform.wrap(platform.entropy(KEY_BYTES), DIGEST_KEY, authority, partition)


def digest_key(platform: Platform, partition: Partition) -> bytes:
    """The key of a partition's digest."""
    return platform.unwrap(
        partition.digest_key, DIGEST_KEY, partition.authority, partition.partition_id
    )


def begin_epoch(platform: Platform, transaction: Transaction, partition: Partition) -> None:
    """Begin a partition's next key epoch: files made before keep the keys they have."""
    authority, partition_id, epoch = (
        partition.authority,
        partition.partition_id,
        partition.key_epoch + 1,
    )
    wrapped = platform.wrap(
        platform.entropy(KEY_BYTES), PARTITION_KEY, authority, partition_id, epoch
    )
    epoch_keys.begin(transaction, authority, partition_id, epoch=epoch, wrapped=wrapped)


def epoch_key(
    platform: Platform, transaction: Transaction, authority: str, partition: str, epoch: int
) -> bytes:
    """A partition's key of one key epoch."""
    wrapped = epoch_keys.find(transaction, authority, partition, epoch)
    return platform.unwrap(wrapped, PARTITION_KEY, authority, partition, epoch)


def ring_hash(granted: Iterable[Granted]) -> bytes:
    """What tells one key ring from another without opening a key: whose keys of which epochs, and
    how they are held."""
    return hashlib.sha256(pack([(g.partition_id, g.way, _epochs(g)) for g in granted])).digest()


def key_ring(
    platform: Platform, transaction: Transaction, authority: str, granted: Iterable[Granted]
) -> tuple[PartitionKeys, ...]:
    """What opens the files of these partitions: those there are, and those to come."""
    return tuple(
        PartitionKeys(
            partition=g.partition_id,
            digest_key=platform.unwrap(g.digest_key, DIGEST_KEY, authority, g.partition_id),
            epochs=tuple(
                EpochKey(epoch, epoch_key(platform, transaction, authority, g.partition_id, epoch))
                for epoch in _epochs(g)
            ),
        )
        for g in granted
    )


def _epochs(granted: Granted) -> tuple[int, ...]:
    in_files: tuple[int, ...] = unpack(tuple[int, ...], granted.file_epochs)
    return tuple(sorted({*in_files, granted.key_epoch}))
