"""Partitions: their rules, keys, members, feed and files."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction
from fieldward_server.storage.records import StoredRecord


@dataclass(frozen=True)
class Partition:
    """A partition as stored; ``digest_key`` is wrapped. Numbers are 0 before the first."""

    authority: str
    partition_id: str
    title: str
    key_epoch: int
    digest_key: bytes
    feed: int
    records: int
    digest: bytes
    redaction_feed: int
    """The last change that hid something: images from before it must go."""
    manifest: bytes | None
    manifest_feed: int
    image_feed: int
    image_records: int
    file_epochs: bytes
    """The key epochs of the files in the manifest."""
    published_state: int
    way: str
    """How devices hold it."""


class PartitionRule(NamedTuple):
    """A rule that chooses records for a partition."""

    rule: str
    partition_id: str


class Member(NamedTuple):
    """A record in a partition, and what it contributes to the partition's digest."""

    authority: str
    partition_id: str
    record_id: str
    element: bytes


class FeedEntry(NamedTuple):
    """A change of one record, or its removal."""

    authority: str
    partition_id: str
    number: int
    record_id: str
    removed: int
    at: int


@dataclass(frozen=True)
class FeedChange:
    """The latest change of one record beyond an image, and its view unless it has left."""

    number: int
    record_id: str
    removed: int
    at: int
    view: bytes


def add(
    transaction: Transaction,
    *,
    authority: str,
    partition_id: str,
    title: str,
    digest_key: bytes,
    digest: bytes,
    file_epochs: bytes,
) -> bool:
    """Whether it was added, empty and without files; it is left as it is if it was there."""
    return bool(
        transaction.execute(
            "INSERT INTO partition (authority, partition_id, title, key_epoch, digest_key, feed,"
            " records, digest, redaction_feed, manifest_feed, image_feed, image_records,"
            " file_epochs, published_state) VALUES (:authority, :partition_id, :title, 0,"
            " :digest_key, 0, 0, :digest, 0, 0, 0, 0, :file_epochs, 0)"
            " ON CONFLICT DO NOTHING RETURNING partition_id",
            authority=authority,
            partition_id=partition_id,
            title=title,
            digest_key=digest_key,
            digest=digest,
            file_epochs=file_epochs,
        )
    )


def find(transaction: Transaction, authority: str, partition_id: str) -> Partition | None:
    """One partition."""
    rows = transaction.execute(
        "SELECT * FROM partition WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
    )
    return Partition(**rows[0]) if rows else None


def of_authority(transaction: Transaction, authority: str) -> tuple[Partition, ...]:
    """All of an authority's partitions, by id."""
    rows = transaction.execute(
        "SELECT * FROM partition WHERE authority = :authority ORDER BY partition_id",
        authority=authority,
    )
    return tuple(Partition(**row) for row in rows)


def set_way(transaction: Transaction, authority: str, partition_id: str, way: str) -> None:
    """Store how devices hold a partition."""
    transaction.execute(
        "UPDATE partition SET way = :way"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
        way=way,
    )


def ways(
    transaction: Transaction, authority: str, partition_ids: Collection[str]
) -> dict[str, str]:
    """How devices hold each of these partitions."""
    rows = transaction.execute(
        "SELECT partition_id, way FROM partition WHERE authority = :authority"
        " AND partition_id IN :partition_ids",
        authority=authority,
        partition_ids=list(partition_ids),
    )
    return {row["partition_id"]: row["way"] for row in rows}


def manifests(
    transaction: Transaction, authority: str, partition_ids: Collection[str]
) -> tuple[bytes, ...]:
    """The published manifests of these partitions, by partition."""
    rows = transaction.execute(
        "SELECT manifest FROM partition WHERE authority = :authority"
        " AND partition_id IN :partition_ids AND manifest IS NOT NULL ORDER BY partition_id",
        authority=authority,
        partition_ids=list(partition_ids),
    )
    return tuple(row["manifest"] for row in rows)


def set_rules(
    transaction: Transaction, authority: str, partition_id: str, rules: Iterable[str]
) -> None:
    """Have these rules, and no others, choose records for a partition."""
    transaction.execute(
        "DELETE FROM partition_rule WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
    )
    transaction.execute_many(
        "INSERT INTO partition_rule (authority, rule, partition_id)"
        " VALUES (:authority, :rule, :partition_id)",
        [
            {"authority": authority, "rule": rule, "partition_id": partition_id}
            for rule in dict.fromkeys(rules)
        ],
    )


def rules_of(transaction: Transaction, authority: str, partition_id: str) -> tuple[str, ...]:
    """A partition's rules."""
    rows = transaction.execute(
        "SELECT rule FROM partition_rule"
        " WHERE authority = :authority AND partition_id = :partition_id ORDER BY rule",
        authority=authority,
        partition_id=partition_id,
    )
    return tuple(row["rule"] for row in rows)


def chosen_by(
    transaction: Transaction, authority: str, rules: Collection[str]
) -> tuple[PartitionRule, ...]:
    """The partitions that have any of these rules."""
    rows = transaction.execute(
        "SELECT rule, partition_id FROM partition_rule"
        " WHERE authority = :authority AND rule IN :rules",
        authority=authority,
        rules=list(rules),
    )
    return tuple(PartitionRule(**row) for row in rows)


def all_rules(transaction: Transaction, authority: str) -> tuple[PartitionRule, ...]:
    """The rules of all partitions of an authority."""
    rows = transaction.execute(
        "SELECT rule, partition_id FROM partition_rule WHERE authority = :authority",
        authority=authority,
    )
    return tuple(PartitionRule(**row) for row in rows)


def begin_epoch(
    transaction: Transaction, authority: str, partition_id: str, *, epoch: int, wrapped: bytes
) -> None:
    """Store the key of a new key epoch: what is sealed from now on is sealed with it."""
    transaction.execute(
        "INSERT INTO partition_key (authority, partition_id, epoch, wrapped)"
        " VALUES (:authority, :partition_id, :epoch, :wrapped)",
        authority=authority,
        partition_id=partition_id,
        epoch=epoch,
        wrapped=wrapped,
    )
    transaction.execute(
        "UPDATE partition SET key_epoch = :epoch"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
        epoch=epoch,
    )


def note_keys(transaction: Transaction, authority: str, *, at: int) -> None:
    """Date the keys of key epochs that have not been seen before."""
    transaction.execute(
        "UPDATE partition_key SET seen_at = :at WHERE authority = :authority AND seen_at IS NULL",
        authority=authority,
        at=at,
    )


def with_key_from(transaction: Transaction, authority: str, *, before: int) -> tuple[str, ...]:
    """The partitions whose key in force was seen first before that time, by id."""
    rows = transaction.execute(
        "SELECT p.partition_id FROM partition p JOIN partition_key k"
        " ON k.authority = p.authority AND k.partition_id = p.partition_id"
        " AND k.epoch = p.key_epoch"
        " WHERE p.authority = :authority AND k.seen_at < :before ORDER BY p.partition_id",
        authority=authority,
        before=before,
    )
    return tuple(row["partition_id"] for row in rows)


def key(transaction: Transaction, authority: str, partition_id: str, epoch: int) -> bytes:
    """The wrapped key of a key epoch."""
    (row,) = transaction.execute(
        "SELECT wrapped FROM partition_key WHERE authority = :authority"
        " AND partition_id = :partition_id AND epoch = :epoch",
        authority=authority,
        partition_id=partition_id,
        epoch=epoch,
    )
    wrapped: bytes = row["wrapped"]
    return wrapped


def memberships(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> tuple[Member, ...]:
    """Which partitions these records are in."""
    rows = transaction.execute(
        "SELECT authority, partition_id, record_id, element FROM member"
        " WHERE authority = :authority AND record_id IN :record_ids",
        authority=authority,
        record_ids=list(record_ids),
    )
    return tuple(Member(**row) for row in rows)


def count_covered(
    transaction: Transaction,
    authority: str,
    *,
    partition_ids: Collection[str],
    rules: Collection[str] = (),
) -> int:
    """How many records are in any of these partitions or chosen by any of these rules."""
    (row,) = transaction.execute(
        "SELECT count(*) AS records FROM (SELECT record_id FROM member"
        " WHERE authority = :authority AND partition_id IN :partition_ids"
        " UNION SELECT record_id FROM record_rule"
        " WHERE authority = :authority AND rule IN :rules) covered",
        authority=authority,
        partition_ids=list(partition_ids),
        rules=list(rules),
    )
    return int(row["records"])


def coming(
    transaction: Transaction, authority: str, partition_id: str, rules: Collection[str]
) -> tuple[StoredRecord, ...]:
    """The records that any of these rules chooses and that are not in the partition."""
    rows = transaction.execute(
        "SELECT * FROM record WHERE authority = :authority AND record_id IN"
        " (SELECT record_id FROM record_rule WHERE authority = :authority AND rule IN :rules"
        "  EXCEPT SELECT record_id FROM member"
        "  WHERE authority = :authority AND partition_id = :partition_id)",
        authority=authority,
        partition_id=partition_id,
        rules=list(rules),
    )
    return tuple(StoredRecord(**row) for row in rows)


def going(
    transaction: Transaction, authority: str, partition_id: str, rules: Collection[str]
) -> tuple[Member, ...]:
    """The records of a partition that none of these rules chooses."""
    rows = transaction.execute(
        "SELECT authority, partition_id, record_id, element FROM member"
        " WHERE authority = :authority AND partition_id = :partition_id AND record_id NOT IN"
        " (SELECT record_id FROM record_rule WHERE authority = :authority AND rule IN :rules)",
        authority=authority,
        partition_id=partition_id,
        rules=list(rules),
    )
    return tuple(Member(**row) for row in rows)


def advance(
    transaction: Transaction,
    before: Partition,
    *,
    feed: int,
    records: int,
    digest: bytes,
    redaction_feed: int,
) -> None:
    """Store how far a partition's feed has come since ``before`` was read, under the authority's
    lock, and what its records add up to."""
    transaction.execute(
        "UPDATE partition SET feed = :feed, records = :records, digest = :digest,"
        " redaction_feed = :redaction_feed"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=before.authority,
        partition_id=before.partition_id,
        feed=feed,
        records=records,
        digest=digest,
        redaction_feed=redaction_feed,
    )


def add_members(transaction: Transaction, members: Iterable[Member]) -> None:
    """Store that these records are in a partition from now on."""
    transaction.insert("member", Member._fields, members)


def change_members(transaction: Transaction, members: Iterable[Member]) -> None:
    """Store what records that are in a partition contribute to its digest now."""
    key = ("authority", "partition_id", "record_id")
    transaction.replace("member", key, Member._fields, members)


def remove_members(
    transaction: Transaction, authority: str, partition_id: str, record_ids: Collection[str]
) -> None:
    """Store that these records are not in a partition any more."""
    transaction.execute(
        "DELETE FROM member WHERE authority = :authority AND partition_id = :partition_id"
        " AND record_id IN :record_ids",
        authority=authority,
        partition_id=partition_id,
        record_ids=list(record_ids),
    )


def append_to_feed(transaction: Transaction, entries: Iterable[FeedEntry]) -> None:
    """Write changes into their feeds. A number is taken once: the database sees to it."""
    transaction.insert("feed", FeedEntry._fields, entries)


def changes_since(
    transaction: Transaction, authority: str, partition_id: str, *, after: int
) -> tuple[FeedChange, ...]:
    """For each record that changed after this feed number, its latest change."""
    rows = transaction.execute(
        "SELECT f.number, f.record_id, f.removed, f.at, r.view"
        " FROM (SELECT record_id, max(number) AS number FROM feed WHERE authority = :authority"
        "  AND partition_id = :partition_id AND number > :after GROUP BY record_id) latest"
        " JOIN feed f ON f.authority = :authority AND f.partition_id = :partition_id"
        "  AND f.number = latest.number"
        " JOIN record r ON r.authority = :authority AND r.record_id = f.record_id"
        " ORDER BY f.number",
        authority=authority,
        partition_id=partition_id,
        after=after,
    )
    return tuple(
        FeedChange(**{**row, "view": b"" if row["removed"] else row["view"]}) for row in rows
    )


def views(transaction: Transaction, authority: str, partition_id: str) -> tuple[bytes, ...]:
    """The views of all records in a partition."""
    rows = transaction.execute(
        "SELECT r.view FROM member m JOIN record r"
        " ON r.authority = m.authority AND r.record_id = m.record_id"
        " WHERE m.authority = :authority AND m.partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
    )
    return tuple(row["view"] for row in rows)


def publish(
    transaction: Transaction,
    partition: Partition,
    *,
    manifest: bytes,
    manifest_feed: int,
    image_feed: int,
    image_records: int,
    file_epochs: bytes,
    published_state: int,
) -> None:
    """Store a partition's new manifest, and what the next one is decided by."""
    transaction.execute(
        "UPDATE partition SET manifest = :manifest, manifest_feed = :manifest_feed,"
        " image_feed = :image_feed, image_records = :image_records,"
        " file_epochs = :file_epochs, published_state = :published_state"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=partition.authority,
        partition_id=partition.partition_id,
        manifest=manifest,
        manifest_feed=manifest_feed,
        image_feed=image_feed,
        image_records=image_records,
        file_epochs=file_epochs,
        published_state=published_state,
    )


def list_files(
    transaction: Transaction, partition: Partition, *, listed: Iterable[str], now: int
) -> None:
    """Record which files a partition's manifest lists from ``now`` on; others are dropped."""
    key = {"authority": partition.authority, "partition_id": partition.partition_id}
    transaction.execute(
        "UPDATE sealed_file SET dropped_at = :now WHERE authority = :authority"
        " AND partition_id = :partition_id AND dropped_at IS NULL",
        **key,
        now=now,
    )
    transaction.execute_many(
        "INSERT INTO sealed_file (authority, partition_id, name)"
        " VALUES (:authority, :partition_id, :name)"
        " ON CONFLICT (authority, name) DO UPDATE SET dropped_at = NULL",
        [{**key, "name": name} for name in listed],
    )


def forget_files(
    transaction: Transaction, authority: str, *, dropped_before: int, at_most: int
) -> tuple[str, ...]:
    """The names of some files dropped before this time, no longer known from here on."""
    rows = transaction.execute(
        "DELETE FROM sealed_file WHERE authority = :authority AND name IN"
        " (SELECT name FROM sealed_file WHERE authority = :authority"
        "  AND dropped_at < :dropped_before LIMIT :at_most) RETURNING name",
        authority=authority,
        dropped_before=dropped_before,
        at_most=at_most,
    )
    return tuple(row["name"] for row in rows)


def known_files(transaction: Transaction, authority: str) -> frozenset[str]:
    """The names of the files of an authority that are listed, or were until lately."""
    rows = transaction.execute(
        "SELECT name FROM sealed_file WHERE authority = :authority", authority=authority
    )
    return frozenset(row["name"] for row in rows)


def forget_changes(
    transaction: Transaction, authority: str, partition_id: str, *, before: int, at_most: int
) -> int:
    """Remove the first changes of a feed, as far as its image has them and they are of before this
    time; how many went. What stays has no holes, whatever the clock did."""
    rows = transaction.execute(
        "DELETE FROM feed WHERE authority = :authority AND partition_id = :partition_id"
        " AND number < (SELECT coalesce(min(CASE WHEN first.at >= :before"
        "   OR first.number > first.image_feed THEN first.number END), max(first.number) + 1)"
        "  FROM (SELECT f.number, f.at, p.image_feed FROM feed f JOIN partition p"
        "    ON p.authority = f.authority AND p.partition_id = f.partition_id"
        "   WHERE f.authority = :authority AND f.partition_id = :partition_id"
        "   ORDER BY f.number LIMIT :at_most) first) RETURNING number",
        authority=authority,
        partition_id=partition_id,
        before=before,
        at_most=at_most,
    )
    return len(rows)


def with_former_keys(transaction: Transaction, authority: str) -> tuple[tuple[str, str], ...]:
    """The authority's partitions that have keys of several epochs: authority and id."""
    rows = transaction.execute(
        "SELECT partition_id FROM partition_key WHERE authority = :authority"
        " GROUP BY partition_id HAVING count(*) > 1 ORDER BY partition_id",
        authority=authority,
    )
    return tuple((authority, row["partition_id"]) for row in rows)


def forget_keys(
    transaction: Transaction, authority: str, partition_id: str, *, before_epoch: int
) -> int:
    """Remove the keys of a partition's key epochs before this one; how many went."""
    rows = transaction.execute(
        "DELETE FROM partition_key WHERE authority = :authority"
        " AND partition_id = :partition_id AND epoch < :before_epoch RETURNING epoch",
        authority=authority,
        partition_id=partition_id,
        before_epoch=before_epoch,
    )
    return len(rows)
