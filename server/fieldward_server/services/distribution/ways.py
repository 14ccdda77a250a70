"""How a partition is held: an administrator's policy, which devices follow at their next sync.

A stricter way takes away what devices have: their lists, key rings and counts leave it out from
then on, and what is sealed later does not open with the keys that they had (design §7).
"""

from __future__ import annotations

from fieldward_server.register_entries import WayChange
from fieldward_server.services.authorities import locked
from fieldward_server.services.distribution.holdings import Preview, way_previewed
from fieldward_server.services.distribution.partition_keys import begin_epoch
from fieldward_server.services.distribution.partitions import find_partition
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import Transaction, authorities, events, grants, holders, partitions
from fieldward_sync.ways import KEPT, Way


def set_way(
    platform: Platform,
    *,
    authority: str,
    partition: str,
    way: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Have a partition held in this way by whoever may hold it. The way it has changes nothing.

    ``CallerMistake``: "unknown-partition", "over-cap" where a device would hold more records than
    its cap.
    """
    with opening(platform, authority) as transaction:
        locked(transaction, authority)
        before = find_partition(transaction, authority, partition).way
        if before == way:
            return
        way_previewed(transaction, authority, partition, Way(way)).require_caps()
        hold(platform, transaction, authority, partition, Way(way))
        register(
            platform,
            transaction,
            WayChange(authority, partition, way),
            before=WayChange(authority, partition, before),
        )
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action=f"partition-{way}",
            subject=partition,
            reason=reason,
        )


def preview_way(platform: Platform, *, authority: str, partition: str, way: str) -> Preview:
    """What it would touch that a partition is held in this way;
    ``CallerMistake("unknown-partition")``."""
    with platform.storage.reading() as transaction:
        find_partition(transaction, authority, partition)
        return way_previewed(transaction, authority, partition, Way(way))


def hold(
    platform: Platform, transaction: Transaction, authority: str, partition: str, way: Way
) -> None:
    """Have a partition held in this way, whoever holds it and however many its records are."""
    found = find_partition(transaction, authority, partition)
    before = Way(found.way)
    partitions.set_way(transaction, authority, partition, way.value)
    state = authorities.next_state(transaction, authority)
    holders.set_changed_states(transaction, authority, partition, state)
    if KEPT[before].keys_on_disk and not KEPT[way].keys_on_disk:
        grants.note_stored_keys(transaction, authority, partition)
    if way.is_stricter(before):
        begin_epoch(platform, transaction, found)
