"""Grants: which partitions may be held by whom on which device, and which were taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fieldward_server.storage.devices import Device
from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.holders import Holder, key

_LATEST = (
    "d.authority = :authority AND d.generation = (SELECT max(l.generation) FROM device l"
    " WHERE l.authority = d.authority AND l.device = d.device)"
)
"""A device ``d`` of an authority is of its latest generation."""

_HELD = (
    "SELECT g.partition_id FROM partition_grant g WHERE g.authority = d.authority"
    " AND g.device = d.device AND g.generation = d.generation AND g.taken_at IS NULL"
)
"""The partitions that may be held on a device ``d`` now."""


@dataclass(frozen=True)
class Granted:
    """A partition that a holder may hold now, and what its manifest and key ring depend on."""

    partition_id: str
    title: str
    way: str
    records: int
    key_epoch: int
    digest_key: bytes
    file_epochs: bytes
    published_state: int
    keys_until: int
    """Keys of it that came before its way was stricter may be on the device's disk until then,
    unless it has said that they are gone; 0 for none."""


def give(transaction: Transaction, holder: Holder, partition_id: str, *, at: int) -> bool:
    """Whether the grant is new, or was taken before.

    Redactions of before the oldest image that it brings need no confirmation.
    """
    return bool(
        transaction.execute(
            "INSERT INTO partition_grant (authority, device, generation, practitioner,"
            " partition_id, given_at, offered_feed, hidden_feed, gone_feed)"
            " SELECT :authority, :device, :generation, :practitioner, o.partition_id, :at,"
            "  o.feed, o.feed, o.feed FROM (SELECT partition_id,"
            "  CASE WHEN manifest IS NULL THEN feed ELSE image_feed END AS feed FROM partition"
            "  WHERE authority = :authority AND partition_id = :partition_id) o WHERE TRUE"
            " ON CONFLICT (authority, device, generation, practitioner, partition_id)"
            " DO UPDATE SET given_at = excluded.given_at, taken_at = NULL, lost_feed = NULL"
            " WHERE partition_grant.taken_at IS NOT NULL RETURNING partition_id",
            **key(holder),
            partition_id=partition_id,
            at=at,
        )
    )


def take(transaction: Transaction, holder: Holder, partition_id: str, *, at: int) -> bool:
    """Whether there was a grant to take."""
    return bool(
        transaction.execute(
            "UPDATE partition_grant SET taken_at = :at WHERE authority = :authority"
            " AND device = :device AND generation = :generation"
            " AND practitioner = :practitioner AND partition_id = :partition_id"
            " AND taken_at IS NULL RETURNING partition_id",
            **key(holder),
            partition_id=partition_id,
            at=at,
        )
    )


def of_holder(transaction: Transaction, holder: Holder) -> tuple[Granted, ...]:
    """The partitions that a holder may hold now, by id."""
    rows = transaction.execute(
        "SELECT p.partition_id, p.title, p.way, p.records, p.key_epoch, p.digest_key,"
        " p.file_epochs, p.published_state, g.keys_until"
        " FROM partition_grant g JOIN partition p"
        " ON p.authority = g.authority AND p.partition_id = g.partition_id"
        " WHERE g.authority = :authority AND g.device = :device AND g.generation = :generation"
        " AND g.practitioner = :practitioner AND g.taken_at IS NULL ORDER BY p.partition_id",
        **key(holder),
    )
    return tuple(Granted(**row) for row in rows)


def taken(transaction: Transaction, holder: Holder, *, at_most: int) -> tuple[str, ...]:
    """The partitions that a holder has lost: those of which nobody has said that nothing is left
    on the device first, then the last."""
    rows = transaction.execute(
        "SELECT partition_id FROM partition_grant WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND practitioner = :practitioner"
        " AND taken_at IS NOT NULL"
        " ORDER BY CASE WHEN lost_feed IS NULL THEN 0 ELSE 1 END,"
        " taken_at DESC, partition_id LIMIT :at_most",
        **key(holder),
        at_most=at_most,
    )
    return tuple(row["partition_id"] for row in rows)


def note_stored_keys(transaction: Transaction, authority: str, partition_id: str) -> None:
    """The keys of a partition are to leave the disks they are on: until their leases close they
    may be there still."""
    transaction.execute(
        "UPDATE partition_grant SET keys_until = coalesce((SELECT h.lease_closes FROM holder h"
        "  WHERE h.authority = partition_grant.authority AND h.device = partition_grant.device"
        "  AND h.generation = partition_grant.generation"
        "  AND h.practitioner = partition_grant.practitioner), 0)"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
    )


def forget_stored_keys(
    transaction: Transaction, holder: Holder, partition_ids: Collection[str]
) -> None:
    """The device has said that no key of these partitions is on its disk any more."""
    transaction.execute(
        "UPDATE partition_grant SET keys_until = 0 WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND practitioner = :practitioner"
        " AND partition_id IN :partition_ids",
        **key(holder),
        partition_ids=list(partition_ids),
    )


def count_holders(transaction: Transaction, authority: str, partition_id: str) -> int:
    """How many practitioners on devices may hold a partition now."""
    (row,) = transaction.execute(
        "SELECT count(*) AS holders FROM partition_grant WHERE authority = :authority"
        " AND partition_id = :partition_id AND taken_at IS NULL",
        authority=authority,
        partition_id=partition_id,
    )
    return int(row["holders"])


def holding(transaction: Transaction, authority: str, partition_id: str) -> tuple[Device, ...]:
    """The devices, each in its latest generation, where somebody may hold a partition now."""
    rows = transaction.execute(
        f"SELECT d.* FROM device d WHERE {_LATEST} AND :partition_id IN ({_HELD})"  # noqa: S608
        " ORDER BY d.device",
        authority=authority,
        partition_id=partition_id,
    )
    return tuple(Device(**row) for row in rows)


def maybe_over_cap(transaction: Transaction, authority: str) -> tuple[Device, ...]:
    """The devices, each in its latest generation, whose partitions have more records than its cap
    together. Fewer, perhaps, where a record is in several: whoever wants to know counts them."""
    rows = transaction.execute(
        f"SELECT d.* FROM device d WHERE {_LATEST} AND d.record_cap <"  # noqa: S608
        " (SELECT sum(p.records) FROM partition p WHERE p.authority = d.authority"
        f"  AND p.partition_id IN ({_HELD})) ORDER BY d.device",
        authority=authority,
    )
    return tuple(Device(**row) for row in rows)
