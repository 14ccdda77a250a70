"""The sealed store: what a distribution lists, opened in memory when it is first needed.

On the disk there are only sealed files and the signed distribution that lists them. A new
distribution takes effect with one rename, after all of it has been opened and checked: the store is
one state of the server's or the next, never between (design §6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from fieldward_client.copies.files import SealedFiles
from fieldward_client.copies.hits import Unsearched
from fieldward_client.copies.partition import Partition
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import Identity
from fieldward_sync.distribution import Distribution, FileEntry, FileOpener, Manifest
from fieldward_sync.encoding import Message
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.leases import PartitionKeys, digest_key, partition_key
from fieldward_sync.matching.query import Query
from fieldward_sync.signing import Signed
from fieldward_sync.views import View

Ring = tuple[PartitionKeys, ...]


class StoredDistribution(Message, frozen=True):
    """A distribution with the keys that vouched for it, so that it outlives their replacement."""

    marker: ClassVar[bytes] = b"fieldward/stored-distribution/1"
    trust: Signed
    distribution: Signed


def distribution_file(practitioner: str) -> str:
    """Where a practitioner's distribution lies."""
    return f"practitioners/{practitioner}/distribution"


def check_distribution(
    stored: StoredDistribution, identity: Identity, practitioner: str
) -> Distribution:
    """The distribution, if it is meant for this practitioner on this device; else
    ``PeerBrokeProtocol``."""
    trust = identity.open_trust(stored.trust)
    found = stored.distribution.open(Distribution, trust.answer_key)
    named = (found.authority, found.incarnation, found.device, found.generation)
    ours = (identity.authority, trust.incarnation, identity.device, identity.generation)
    if named != ours or found.practitioner != practitioner:
        raise PeerBrokeProtocol(
            "distribution-misaddressed", "This list of partitions is somebody else's."
        )
    return found


def stored_distribution(
    folder: Folder, identity: Identity, practitioner: str
) -> Distribution | None:
    """The distribution in force, readable while locked; ``None`` before the first."""
    stored = folder.load(distribution_file(practitioner), StoredDistribution)
    if stored is None:
        return None
    try:
        return check_distribution(stored, identity, practitioner)
    except PeerBrokeProtocol as e:
        raise LocalDataDamaged(
            "distribution-damaged", "The stored list of partitions is damaged."
        ) from e


@dataclass(frozen=True)
class Found:
    """A record, and the partition that has it at its highest revision."""

    view: View
    manifest: Manifest


class Store:
    """A practitioner's records while they can be read."""

    def __init__(
        self,
        files: SealedFiles,
        keys: Ring,
        distribution: Distribution | None,
        *,
        warm: Ring = (),
    ) -> None:
        """``keys`` are those on the disk, ``warm`` those for memory alone."""
        self._files = files
        self.keys, self.warm = keys, warm
        self.distribution = distribution
        self._opened: dict[str, Partition] = {}

    def view(self, record_id: str) -> Found | None:
        """A record at its highest revision; ``None`` if no partition has it."""
        found = (
            Found(view, partition.manifest)
            for partition in self.partitions()
            if (view := partition.view(record_id)) is not None
        )
        return max(found, key=lambda each: each.view.revision, default=None)

    def candidates(self, query: Query, *, today: date) -> tuple[tuple[Found, ...], bool]:
        """The records worth comparing with a query, each once, at their highest revision and with
        what can be compared; and whether they are some of too many.

        An older revision that could fit finds the record too; whoever matches sees the newer.
        """
        partitions, founds, crowded = self.partitions(), dict[str, Found](), False
        for partition in partitions:
            views, many = partition.candidates(query, today=today)
            founds |= {view.record_id: Found(view, partition.manifest) for view in views}
            crowded = crowded or many
        if len(partitions) == 1:
            return tuple(founds.values()), crowded
        newest = (self.view(record_id) for record_id in founds)
        return tuple(found for found in newest if found is not None), crowded

    def in_conflict(self) -> frozenset[str]:
        """The ids of records that show a conflict in some partition."""
        return frozenset().union(*(each.in_conflict for each in self.partitions()))

    def partitions(self) -> tuple[Partition, ...]:
        """All partitions that are granted, opened. ``LocalDataDamaged`` if one cannot be: a search
        that silently passed over it would say "no such child".

        A lease that no longer grants a partition hides it at once (invariant 4); it goes with the
        distribution that names it as lost.
        """
        return tuple(self._partition(each) for each in self.granted())

    def granted(self) -> tuple[Manifest, ...]:
        """The manifests of the partitions that are granted, and whose keys are here."""
        held = self.distribution
        return tuple(each for each in held.manifests if self.opens(each, held)) if held else ()

    def opens(self, manifest: Manifest, held: Distribution) -> bool:
        """Whether the keys of all files of a partition are where that distribution has them: one
        that is held warm is not opened with keys that are left on the disk. A lease that is not
        renewed brings no key of a later key epoch."""
        ring = self.warm if manifest.partition in held.warm else self.keys
        own = (keys.epochs for keys in ring if keys.partition == manifest.partition)
        here = {each.epoch for epochs in own for each in epochs}
        return all(each.context.epoch in here for each in manifest.files)

    def unsearched(self) -> tuple[Unsearched, ...]:
        """The partitions that are granted, and of which nothing can be searched here now."""
        held = self.distribution
        if held is None:
            return ()
        shut = (each for each in held.manifests if not self.opens(each, held))
        return (
            *(Unsearched(each.title, "until-sync") for each in shut),
            *(Unsearched(each.title, "on-line-only") for each in held.on_line),
        )

    def opener(self, entry: FileEntry) -> FileOpener:
        """What opens a file while it arrives; ``AccessClosed("not-granted")`` without its key."""
        ring, context = (*self.warm, *self.keys), entry.context
        return FileOpener(entry, partition_key(ring, context.partition, context.epoch))

    def prepare(self, manifest: Manifest, come: Mapping[str, bytes]) -> Partition:
        """A partition of the next distribution, opened and checked beside the one in force.

        ``come`` has the bodies of the files that have just come, by name; others are read.
        """
        prepared = self._open(manifest, come)
        try:
            prepared.check(digest_key((*self.warm, *self.keys), manifest.partition))
        except PeerBrokeProtocol:
            before = self._opened.get(manifest.partition)
            prepared.close(keep_image=before is not None and before.image is prepared.image)
            raise
        return prepared

    def replace(self, distribution: Distribution, prepared: Mapping[str, Partition]) -> None:
        """Go over to a distribution that is stored, with the partitions prepared for it; what is
        as before stays as it is, open or not."""
        before, after = self._opened, dict(prepared)
        for manifest in distribution.manifests:
            opened = before.get(manifest.partition)
            stays = opened is not None and opened.manifest == manifest
            if opened is not None and stays and self.opens(manifest, distribution):
                after.setdefault(manifest.partition, opened)
        self._opened, self.distribution = after, distribution
        images = {id(partition.image) for partition in after.values()}
        for partition_id, partition in before.items():
            if after.get(partition_id) is not partition:
                partition.close(keep_image=id(partition.image) in images)

    def close(self) -> None:
        """Drop everything from memory."""
        for partition in self._opened.values():
            partition.close()
        self._opened = {}

    def _partition(self, manifest: Manifest) -> Partition:
        if manifest.partition not in self._opened:
            try:
                # Its digest was compared before this manifest came into force, unless no key was
                # here then.
                prepare = self.prepare if self._is_warm(manifest) else self._open
                self._opened[manifest.partition] = prepare(manifest, {})
            except PeerBrokeProtocol as e:
                self._discard(manifest.files)
                raise LocalDataDamaged(
                    "partition-damaged",
                    f"The copy of {manifest.title} is damaged and was put aside.",
                    next_step="Connect and sync: it is fetched again.",
                ) from e
        return self._opened[manifest.partition]

    def _is_warm(self, manifest: Manifest) -> bool:
        return self.distribution is not None and manifest.partition in self.distribution.warm

    def _open(self, manifest: Manifest, come: Mapping[str, bytes]) -> Partition:
        def body_of(entry: FileEntry) -> bytes:
            return come[entry.name] if entry.name in come else self._read(entry)

        return Partition.open(manifest, body_of, before=self._opened.get(manifest.partition))

    def _read(self, entry: FileEntry) -> bytes:
        opener = self.opener(entry)
        opener.feed(self._files.read(entry))
        return opener.finish()

    def _discard(self, entries: Iterable[FileEntry]) -> None:
        for entry in entries:
            self._files.discard(entry)
