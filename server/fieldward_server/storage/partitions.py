"""Partitions: their rules, how they are held, how far they have come, what is published."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fieldward_server.storage.driver import Transaction


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
