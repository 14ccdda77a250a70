"""What a device may have held of partitions: for reports of lost devices."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fieldward_server.storage.devices import Device
from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.holders import Holder


@dataclass(frozen=True)
class GrantHistory:
    """A grant, given now or taken, and what was confirmed of it."""

    partition_id: str
    way: str
    given_at: int
    taken_at: int | None
    gone_at: int | None
    """When the device said that nothing of it is left there."""
    keys_until: int
    """As ``devices.Granted`` has it."""


@dataclass(frozen=True)
class Candidate:
    """A record that is in a partition, or has left it since it was last known to be complete."""

    record_id: str
    partition_id: str
    made_at: int
    """When the record's first edit came."""
    was_removed: int
    """Whether the last change of it in the feed, before the device was last heard, was that it
    left."""
    changed_at: int
    """When that change was made; 0 where the feed has none."""


def grants(transaction: Transaction, holder: Holder) -> tuple[GrantHistory, ...]:
    """What a holder may hold or might once, by partition."""
    rows = transaction.execute(
        "SELECT g.partition_id, p.way, g.given_at, g.taken_at, g.keys_until,"
        " CASE WHEN g.lost_feed IS NOT NULL THEN"
        " (SELECT max(c.at) FROM confirmation c WHERE c.authority = g.authority"
        "  AND c.device = g.device AND c.generation = g.generation"
        "  AND c.practitioner = g.practitioner AND c.partition_id = g.partition_id) END AS gone_at"
        " FROM partition_grant g JOIN partition p"
        " ON p.authority = g.authority AND p.partition_id = g.partition_id"
        " WHERE g.authority = :authority AND g.device = :device"
        " AND g.generation = :generation AND g.practitioner = :practitioner"
        " ORDER BY g.partition_id",
        authority=holder.authority,
        device=holder.device,
        generation=holder.generation,
        practitioner=holder.practitioner,
    )
    return tuple(GrantHistory(**row) for row in rows)


def candidates(
    transaction: Transaction,
    authority: str,
    partition_ids: Collection[str],
    *,
    left_since: int,
    heard_until: int,
    after: str,
    at_most: int,
) -> tuple[Candidate, ...]:
    """The next records after one that are in these partitions, or left them since ``left_since``:
    all rows of at most so many records, by record."""
    rows = transaction.execute(
        "WITH there AS (SELECT record_id, partition_id FROM member WHERE authority = :authority"
        "  AND partition_id IN :partition_ids AND record_id > :after"
        "  UNION SELECT record_id, partition_id FROM feed WHERE authority = :authority"
        "  AND partition_id IN :partition_ids AND record_id > :after AND removed = 1"
        "  AND at >= :left_since)"
        " SELECT t.record_id, t.partition_id, coalesce(l.removed, 0) AS was_removed,"
        " coalesce(l.at, 0) AS changed_at,"
        " coalesce((SELECT e.received_at FROM edit e WHERE e.authority = :authority"
        "  AND e.record_id = t.record_id ORDER BY e.number LIMIT 1), 0) AS made_at"
        " FROM there t LEFT JOIN feed l ON l.authority = :authority"
        "  AND l.partition_id = t.partition_id AND l.number ="
        "  (SELECT max(f.number) FROM feed f WHERE f.authority = :authority"
        "   AND f.partition_id = t.partition_id AND f.record_id = t.record_id"
        "   AND f.at <= :heard_until)"
        " WHERE t.record_id IN (SELECT record_id FROM there"
        "  GROUP BY record_id ORDER BY record_id LIMIT :at_most)"
        " ORDER BY t.record_id, t.partition_id",
        authority=authority,
        partition_ids=list(partition_ids),
        left_since=left_since,
        heard_until=heard_until,
        after=after,
        at_most=at_most,
    )
    return tuple(Candidate(**row) for row in rows)


def last_entry_at(transaction: Transaction, device: Device) -> int:
    """When the last journal entry of a device came; 0 for none."""
    (row,) = transaction.execute(
        "SELECT coalesce(max(received_at), 0) AS at FROM journal_entry"
        " WHERE authority = :authority AND device = :device AND generation = :generation",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
    )
    return int(row["at"])


def last_seal(transaction: Transaction, device: Device) -> tuple[bytes, int] | None:
    """The last signed seal of a device's journal, and when it came."""
    rows = transaction.execute(
        "SELECT signed, received_at FROM journal_seal WHERE authority = :authority"
        " AND device = :device AND generation = :generation ORDER BY epoch DESC LIMIT 1",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
    )
    return (rows[0]["signed"], rows[0]["received_at"]) if rows else None
