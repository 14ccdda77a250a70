"""Redactions: what was hidden in a partition, and which devices have said that it is gone (H7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fieldward_server.storage.driver import Row, Transaction
from fieldward_server.storage.holders import Holder


class Redaction(NamedTuple):
    """The change of a partition's feed that hid something of a record."""

    authority: str
    partition_id: str
    number: int
    record_id: str
    at: int


@dataclass(frozen=True)
class Unconfirmed:
    """A grant, given or taken, of which something may be left that its holder has not denied."""

    partition_id: str
    feed: int
    redaction_feed: int
    hidden_feed: int
    """Redactions up to this one are confirmed as hidden, or the holder never had what they hid."""
    gone_feed: int
    """The same, as gone."""
    taken_at: int | None


@dataclass(frozen=True)
class Reached:
    """A device that may have held what a redaction hid: the latest of a record in a partition."""

    record_id: str
    partition_id: str
    redacted_at: int
    sealed: int
    """Whether files without it have been made."""
    device: str
    generation: int
    name: str
    access: str
    practitioner: str
    lease_closes: int
    way: str
    keys_until: int
    """As ``devices.Granted`` has it."""
    hidden_at: int | None
    gone_at: int | None
    wiped_at: int | None
    """When the receipt of a wipe came."""


def add(transaction: Transaction, redactions: Iterable[Redaction]) -> None:
    """Store redactions."""
    transaction.insert("redaction", Redaction._fields, redactions)


def still_on_devices(
    transaction: Transaction, authority: str, record_id: str, *, left_since: int
) -> tuple[str, ...]:
    """The partitions that a record has left, and whose image still has it or, because it left
    since this time, may still be on a device that was not heard of."""
    rows = transaction.execute(
        "SELECT DISTINCT p.partition_id FROM partition p JOIN feed f"
        " ON f.authority = p.authority AND f.partition_id = p.partition_id"
        "  AND (f.number > p.image_feed OR f.at >= :left_since)"
        " WHERE f.authority = :authority AND f.record_id = :record_id AND f.removed = 1",
        authority=authority,
        record_id=record_id,
        left_since=left_since,
    )
    return tuple(row["partition_id"] for row in rows)


def unconfirmed(transaction: Transaction, holder: Holder) -> tuple[Unconfirmed, ...]:
    """What a holder has still to confirm: redactions, and what they lost."""
    rows = transaction.execute(
        "SELECT g.partition_id, p.feed, p.redaction_feed, g.hidden_feed, g.gone_feed, g.taken_at"
        " FROM partition_grant g JOIN partition p"
        " ON p.authority = g.authority AND p.partition_id = g.partition_id"
        " WHERE g.authority = :authority AND g.device = :device AND g.generation = :generation"
        " AND g.practitioner = :practitioner AND g.lost_feed IS NULL AND (g.taken_at IS NOT NULL"
        "  OR g.hidden_feed < p.redaction_feed OR g.gone_feed < p.redaction_feed)",
        authority=holder.authority,
        device=holder.device,
        generation=holder.generation,
        practitioner=holder.practitioner,
    )
    return tuple(Unconfirmed(**row) for row in rows)


def confirm(
    transaction: Transaction,
    holder: Holder,
    partition_id: str,
    *,
    hidden_feed: int,
    gone_feed: int,
    lost_feed: int | None,
    at: int,
) -> None:
    """Store what a holder has confirmed of a partition; ``lost_feed``: that nothing of it is left,
    so that later redactions do not concern them."""
    key: Row = {
        "authority": holder.authority,
        "device": holder.device,
        "generation": holder.generation,
        "practitioner": holder.practitioner,
        "partition_id": partition_id,
    }
    transaction.execute(
        "UPDATE partition_grant SET hidden_feed = :hidden_feed, gone_feed = :gone_feed,"
        " lost_feed = :lost_feed WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner"
        " AND partition_id = :partition_id",
        **key,
        hidden_feed=hidden_feed,
        gone_feed=gone_feed,
        lost_feed=lost_feed,
    )
    transaction.execute(
        "INSERT INTO confirmation (authority, device, generation, practitioner, partition_id,"
        " hidden_feed, gone_feed, at) VALUES (:authority, :device, :generation, :practitioner,"
        " :partition_id, :hidden_feed, :gone_feed, :at) ON CONFLICT DO NOTHING",
        **key,
        hidden_feed=hidden_feed,
        gone_feed=gone_feed,
        at=at,
    )


def reached(transaction: Transaction, authority: str, record_id: str | None) -> tuple[Reached, ...]:
    """Every device that may have held what was hidden of a record; of all records, with ``None``,
    those that have not said that it is gone. Not those on which nothing opened any more when it was
    hidden, and nothing ever will: wiped, or revoked or succeeded by a generation, its lease over.
    """
    rows = transaction.execute(
        "SELECT r.record_id, r.partition_id, r.at AS redacted_at,"
        " CASE WHEN p.image_feed >= r.number THEN 1 ELSE 0 END AS sealed,"
        " d.device, d.generation, d.name, d.access, g.practitioner, h.lease_closes,"
        " p.way, g.keys_until,"
        " c.hidden_at, c.gone_at, o.receipt_at AS wiped_at"
        " FROM redaction r"
        " JOIN partition p ON p.authority = r.authority AND p.partition_id = r.partition_id"
        " JOIN partition_grant g"
        "  ON g.authority = r.authority AND g.partition_id = r.partition_id"
        "  AND g.offered_feed < r.number"
        "  AND (g.lost_feed IS NULL OR g.lost_feed >= r.number)"
        " JOIN device d ON d.authority = g.authority AND d.device = g.device"
        "  AND d.generation = g.generation"
        " JOIN holder h ON h.authority = g.authority AND h.device = g.device"
        "  AND h.generation = g.generation AND h.practitioner = g.practitioner"
        " LEFT JOIN (SELECT authority, device, generation, min(receipt_at) AS receipt_at"
        "  FROM device_order WHERE kind = 'wipe' GROUP BY authority, device, generation) o"
        "  ON o.authority = g.authority AND o.device = g.device"
        "  AND o.generation = g.generation"
        " LEFT JOIN (SELECT s.partition_id, s.number, k.device, k.generation, k.practitioner,"
        "   min(CASE WHEN k.hidden_feed >= s.number THEN k.at END) AS hidden_at,"
        "   min(CASE WHEN k.gone_feed >= s.number THEN k.at END) AS gone_at"
        "   FROM redaction s JOIN confirmation k"
        "    ON k.authority = s.authority AND k.partition_id = s.partition_id"
        "   WHERE s.authority = :authority AND (:record_id = '' OR s.record_id = :record_id)"
        "   GROUP BY s.partition_id, s.number, k.device, k.generation, k.practitioner) c"
        "  ON c.partition_id = r.partition_id AND c.number = r.number AND c.device = g.device"
        "  AND c.generation = g.generation AND c.practitioner = g.practitioner"
        " WHERE r.authority = :authority AND (:record_id = '' OR r.record_id = :record_id)"
        "  AND NOT EXISTS (SELECT 1 FROM redaction later WHERE later.authority = r.authority"
        "   AND later.partition_id = r.partition_id AND later.record_id = r.record_id"
        "   AND later.number > r.number)"
        "  AND (:record_id <> '' OR g.gone_feed < r.number)"
        "  AND (o.receipt_at IS NULL OR o.receipt_at >= r.at)"
        "  AND (h.lease_closes >= r.at OR (d.access <> 'revoked' AND NOT EXISTS ("
        "   SELECT 1 FROM device next WHERE next.authority = d.authority"
        "   AND next.device = d.device AND next.generation > d.generation)))"
        " ORDER BY r.record_id, r.partition_id, d.device, d.generation, g.practitioner",
        authority=authority,
        record_id=record_id or "",
    )
    return tuple(Reached(**row) for row in rows)
