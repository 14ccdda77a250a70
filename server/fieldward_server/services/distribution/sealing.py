"""The sealing job: what changed in a partition becomes sealed files and a manifest (design §6).

Files are written first and then published in one transaction. What changes meanwhile is caught up
with by the next run, and a lost file is made again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from fieldward_server.services.authorities import locked
from fieldward_server.services.distribution.partition_keys import epoch_key
from fieldward_server.services.distribution.partitions import find_partition
from fieldward_server.services.distribution.rebuilding import Changed, Sealed, due
from fieldward_server.services.platform import Platform
from fieldward_server.storage import (
    Transaction,
    authorities,
    feed_changes,
    memberships,
    partitions,
    sealed_files,
)
from fieldward_server.storage.feed_changes import FeedChange
from fieldward_server.storage.partitions import Partition
from fieldward_sync.distribution import FileContext, FileEntry, FileKind, Manifest, seal_file
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import RetryLater
from fieldward_sync.images import Image, Segment
from fieldward_sync.views import View

FILES_AT_ONCE = 100
"""How many files are forgotten in one transaction at most."""
KEPT_SECONDS = 24 * 3600
"""How long a file that is no longer listed is kept for devices that are fetching it."""
BUSY_IN_A_ROW = 3
"""So many partitions one after the other: it is the database that is busy or away, not they."""


@dataclass(frozen=True)
class _Contents:
    """What a partition's next files are made of, read in one snapshot."""

    incarnation: int
    partition: Partition
    before: Manifest | None
    key: bytes
    """Of the current key epoch."""
    changes: tuple[FeedChange, ...]
    """Since the image, the latest of each record."""
    views: tuple[bytes, ...] | None
    """All records, where a new image is due; else a segment is."""


def seal_partitions(platform: Platform, now: int) -> int:
    """Bring every partition's files up to its feed; how many files were made.

    A partition whose files cannot be made holds up no other: its error is raised at the end. Where
    something was hidden since the image comes first, for it may be a long run (H7), and then what
    is small: one that is too large for this machine's memory ends the worker.
    """
    with platform.storage.reading() as transaction:
        of_all = [
            each
            for code in authorities.serving(transaction)
            for each in partitions.of_authority(transaction, code)
        ]
    return _seal_each(platform, of_all, now=now)


def seal_authority(platform: Platform, authority: str, *, now: int) -> int:
    """The same of one authority's partitions."""
    with platform.storage.reading() as transaction:
        found = partitions.of_authority(transaction, authority)
    return _seal_each(platform, found, now=now)


def sweep_files(platform: Platform, now: int) -> int:
    """Remove files that no manifest has listed for a day, and those that are damaged, which are
    then lost and made again; how many went."""
    with platform.storage.reading() as transaction:
        codes = authorities.serving(transaction)
    dropped = sum(_sweep(platform, code, now=now) for code in codes)
    strays = _sweep_strays(platform, now=now)
    return dropped + strays + _sweep_damaged(platform, codes)


def _sweep(platform: Platform, authority: str, *, now: int) -> int:
    """The files first, and not while the database is held: what is not removed now, because the
    files' disk does not answer, say, is still known then, and nobody waits for it."""
    removed = 0
    while True:
        with platform.storage.reading() as transaction:
            names = sealed_files.dropped(
                transaction, authority, before=now - KEPT_SECONDS, at_most=FILES_AT_ONCE
            )
        for name in names:
            platform.files.remove(name)
        with platform.storage.transaction() as transaction:
            sealed_files.forget(transaction, authority, names)
        removed += len(names)
        if len(names) < FILES_AT_ONCE:
            return removed


def _sweep_damaged(platform: Platform, codes: Iterable[str]) -> int:
    """No device takes such a file, nor anything else of a list that it is in. One that cannot be
    removed keeps no other: its error is raised at the end."""
    removed, failed = 0, list[OSError]()
    for authority in codes:
        with platform.storage.reading() as transaction:
            names = sealed_files.listed(transaction, authority)
        for name in names:
            try:
                removed += platform.files.remove_damaged(name)
            except OSError as e:
                failed.append(e)
    if failed:
        raise failed[0]
    return removed


def _sweep_strays(platform: Platform, *, now: int) -> int:
    """Remove files that were written and never listed: a run was killed in between."""
    with platform.storage.reading() as transaction:
        known = frozenset[str]().union(
            *(sealed_files.known(transaction, code) for code in authorities.codes(transaction))
        )
    return platform.files.remove_strays(known, before=now - KEPT_SECONDS)


def _seal_each(platform: Platform, found: Iterable[Partition], *, now: int) -> int:
    made, failed, busy = 0, list[Exception](), 0
    for partition in sorted(found, key=_turn):
        try:
            made += _seal_partition(platform, partition, now=now)
            busy = 0
        except Exception as e:  # noqa: BLE001 # of whatever kind, raised below
            failed.append(e)
            busy = busy + 1 if isinstance(e, RetryLater) else 0
        if busy == BUSY_IN_A_ROW:
            break
    if failed:
        raise failed[0]
    return made


def _turn(partition: Partition) -> tuple[bool, int]:
    hides_nothing = partition.redaction_feed <= partition.image_feed
    return hides_nothing, partition.records


def _seal_partition(platform: Platform, partition: Partition, *, now: int) -> int:
    with platform.storage.reading() as transaction:
        contents = _read_due(
            platform, transaction, partition.authority, partition.partition_id, now=now
        )
    if contents is None:
        return 0
    sealed, entry = _make_file(platform, contents)
    platform.files.write(sealed)
    if not _publish(platform, contents, entry, now=now):
        platform.files.remove(entry.name)
        return 0
    return 1


def _read_due(
    platform: Platform, transaction: Transaction, authority: str, partition_id: str, *, now: int
) -> _Contents | None:
    """What is to be sealed; ``None`` if the files are up to the feed and may stay."""
    row, partition = (
        authorities.find(transaction, authority),
        partitions.find(transaction, authority, partition_id),
    )
    if row is None or partition is None:
        return None
    before: Manifest | None = unpack(Manifest, partition.manifest) if partition.manifest else None
    changes = feed_changes.since(transaction, authority, partition_id, after=partition.image_feed)
    kind = due(_sealed(platform, partition, before), _changed(partition, changes), now=now)
    if kind is None:
        return None
    return _Contents(
        incarnation=row.incarnation,
        partition=partition,
        before=before,
        key=epoch_key(platform, transaction, authority, partition_id, partition.key_epoch),
        changes=changes,
        views=memberships.views(transaction, authority, partition_id) if kind == "image" else None,
    )


def _sealed(platform: Platform, partition: Partition, before: Manifest | None) -> Sealed:
    return Sealed(
        image_records=partition.image_records,
        image_feed=partition.image_feed,
        listed_feed=partition.manifest_feed,
        is_whole=before is not None
        and all(platform.files.has(file.name, file.sealed_bytes) for file in before.files),
    )


def _changed(partition: Partition, changes: tuple[FeedChange, ...]) -> Changed:
    return Changed(
        feed=partition.feed,
        redaction_feed=partition.redaction_feed,
        records=len(changes),
        first_removal=min((change.at for change in changes if change.removed), default=None),
    )


def _make_file(platform: Platform, contents: _Contents) -> tuple[bytes, FileEntry]:
    partition = contents.partition
    if contents.views is not None:
        kind: FileKind = "image"
        body, feed_from = _image_body(contents.views), 0
    else:
        kind = "segment"
        body, feed_from = _segment_body(contents.changes), partition.image_feed
    return seal_file(
        body,
        context=FileContext(
            authority=partition.authority,
            incarnation=contents.incarnation,
            partition=partition.partition_id,
            epoch=partition.key_epoch,
            kind=kind,
            feed_from=feed_from,
            feed_to=partition.feed,
        ),
        key=contents.key,
        entropy=platform.entropy,
    )


def _image_body(views: tuple[bytes, ...]) -> bytes:
    with closing(Image.build(map(View.read, views))) as image:
        return image.to_bytes()


def _segment_body(changes: tuple[FeedChange, ...]) -> bytes:
    changed = (View.read(change.view) for change in changes if not change.removed)
    gone = [change.record_id for change in changes if change.removed]
    with closing(Segment.build(changed, gone=gone)) as segment:
        return segment.to_bytes()


def _publish(platform: Platform, contents: _Contents, entry: FileEntry, *, now: int) -> bool:
    """Whether the new manifest stands; not if another was published or an epoch begun meanwhile."""
    partition = contents.partition
    manifest = _manifest(contents, entry, now=now)
    new_image = len(manifest.files) == 1
    with platform.storage.transaction() as transaction:
        locked(transaction, partition.authority)
        current = find_partition(transaction, partition.authority, partition.partition_id)
        if (current.published_state, current.key_epoch) != (
            partition.published_state,
            partition.key_epoch,
        ):
            return False
        partitions.publish(
            transaction,
            partition,
            manifest=pack(manifest),
            manifest_feed=manifest.feed,
            image_feed=manifest.feed if new_image else partition.image_feed,
            image_records=manifest.records if new_image else partition.image_records,
            file_epochs=pack(tuple(sorted({file.context.epoch for file in manifest.files}))),
            published_state=authorities.next_state(transaction, partition.authority),
        )
        sealed_files.list_only(
            transaction, partition, listed=[file.name for file in manifest.files], now=now
        )
    return True


def _manifest(contents: _Contents, entry: FileEntry, *, now: int) -> Manifest:
    partition, before = contents.partition, contents.before
    files: tuple[FileEntry, ...]
    if before is None or contents.views is not None:
        image_digest, files = partition.digest, (entry,)
    else:
        image_digest, files = before.image_digest, (before.files[0], entry)
    return Manifest(
        partition=partition.partition_id,
        title=partition.title,
        feed=partition.feed,
        records=partition.records,
        image_digest=image_digest,
        digest=partition.digest,
        made=now,
        files=files,
    )
