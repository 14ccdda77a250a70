"""When a partition's next key epoch begins by itself, or because an administrator says so.

What is sealed from then on opens with the new key only, which comes with each lease's renewal.
Nothing is fetched again for its sake.
"""

from __future__ import annotations

from fieldward_server.services.authorities import locked
from fieldward_server.services.distribution.partition_keys import begin_epoch
from fieldward_server.services.distribution.partitions import find_partition
from fieldward_server.services.platform import Platform
from fieldward_server.storage import authorities, epoch_keys, events

KEY_EPOCH_SECONDS = 30 * 24 * 3600
"""How long a partition is sealed under one key, where nobody loses it."""


def renew_partition_keys(platform: Platform, now: int) -> int:
    """Begin the next key epoch of each partition whose key is old; of how many."""
    with platform.storage.reading() as transaction:
        codes = authorities.serving(transaction)
    return sum(_renew_old(platform, authority, now=now) for authority in codes)


def renew_partition_key(
    platform: Platform, *, authority: str, partition: str, actor: str, reason: str, now: int
) -> None:
    """Begin a partition's next key epoch now. ``CallerMistake("unknown-partition")``."""
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        begin_epoch(platform, transaction, find_partition(transaction, authority, partition))
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="partition-key-renewed",
            subject=partition,
            reason=reason,
        )


def _renew_old(platform: Platform, authority: str, *, now: int) -> int:
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        epoch_keys.note(transaction, authority, at=now)
        old = epoch_keys.in_force_from(transaction, authority, before=now - KEY_EPOCH_SECONDS)
        for partition in old:
            begin_epoch(platform, transaction, find_partition(transaction, authority, partition))
    return len(old)
