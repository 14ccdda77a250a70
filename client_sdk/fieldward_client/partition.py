"""A partition opened in memory: its image, with the later changes laid over it (design §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import cached_property

from fieldward_sync.distribution import FileEntry, Manifest
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.images import Image, Segment, SegmentChange, changed_digest
from fieldward_sync.leases import LeaseSecrets
from fieldward_sync.matching.query import Query
from fieldward_sync.views import View

BodyOf = Callable[[FileEntry], bytes]
"""Gives what is in a sealed file, authenticated."""


class Partition:
    """The records of one partition at one feed number."""

    def __init__(self, manifest: Manifest, image: Image, changes: Iterable[SegmentChange]) -> None:
        self.manifest = manifest
        self.image = image
        changes = tuple(changes)
        self._masked = frozenset(change.record_id for change in changes)
        found = (image.number(change.record_id) for change in changes)
        self._masked_numbers = frozenset(number for number in found if number is not None)
        self._changed = Image.build(View.read(c.view) for c in changes if c.view)

    @classmethod
    def open(
        cls, manifest: Manifest, body_of: BodyOf, keys: LeaseSecrets, *, before: Partition | None
    ) -> Partition:
        """Open a partition from its files' bodies and check it against its manifest.

        The image that ``before`` has open is used again if it is the same file. Raises
        ``PeerBrokeProtocol`` for what is not as the manifest says.
        """
        first, *later = _in_order(manifest)
        if before is not None and before.image_file == first:
            image = before.image
        else:
            image = Image.open(body_of(first))
        latest: dict[str, SegmentChange] = {}
        for entry in later:
            changes = Segment.read(body_of(entry)).changes
            latest |= {change.record_id: change for change in changes}
        segment = Segment(tuple(latest.values()))
        found = changed_digest(
            image,
            segment,
            image_digest=manifest.image_digest,
            digest_key=keys.digest_key(manifest.partition),
        )
        if found != manifest.digest:
            raise PeerBrokeProtocol(
                "digest-differs", f"Partition {manifest.partition} is not in its manifest's state."
            )
        return cls(manifest, image, segment.changes)

    @property
    def image_file(self) -> FileEntry:
        """The file that the image came in."""
        return _in_order(self.manifest)[0]

    def view(self, record_id: str) -> View | None:
        """One record; ``None`` if it is not in this partition."""
        source = self._changed if record_id in self._masked else self.image
        return source.view(record_id)

    def candidates(self, query: Query, *, today: date) -> tuple[tuple[View, ...], bool]:
        """The records worth comparing with a query, each once, as they are now; and whether they
        are some of too many."""
        stayed, many = self.image.candidates(query, today=today, masked=self._masked_numbers)
        changed, many_changed = self._changed.candidates(query, today=today)
        return (*stayed, *changed), many or many_changed

    @cached_property
    def in_conflict(self) -> frozenset[str]:
        """The ids of the records that show a conflict."""
        stayed = frozenset(self.image.in_conflict()) - self._masked
        return stayed | frozenset(self._changed.in_conflict())

    def close(self, *, keep_image: bool = False) -> None:
        """Drop the partition from memory; its image only if nobody goes on with it."""
        self._changed.close()
        if not keep_image:
            self.image.close()


def _in_order(manifest: Manifest) -> tuple[FileEntry, ...]:
    """The image and then the segments, each building on the one before."""
    files = sorted(manifest.files, key=lambda entry: entry.context.feed_to)
    files.sort(key=lambda entry: entry.context.kind != "image")
    at = 0
    for number, entry in enumerate(files):
        context = entry.context
        fits = context.feed_from == at and context.partition == manifest.partition
        if not fits or (context.kind == "image") != (number == 0):
            raise PeerBrokeProtocol("manifest-broken", "A manifest's files do not fit together.")
        at = context.feed_to
    return tuple(files)
