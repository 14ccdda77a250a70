"""A partition opened in memory: its image, with the later changes laid over it (design §6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property

from fieldward_sync.distribution import FileEntry, Manifest
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.images import Image, Segment, changed_digest
from fieldward_sync.matching.query import Query
from fieldward_sync.views import View

BodyOf = Callable[[FileEntry], bytes]
"""Gives what is in a sealed file, authenticated."""


class Partition:
    """The records of one partition at one feed number."""

    def __init__(self, manifest: Manifest, image: Image, segments: Sequence[Segment]) -> None:
        self.manifest = manifest
        self.image = image
        self._segments = segments
        masked, layers = frozenset[str](), list[tuple[Image, frozenset[int]]]()
        for layer in (*reversed(segments), image):
            layers.append((layer, layer.numbers(masked)))
            masked |= layer.named if isinstance(layer, Segment) else frozenset()
        self._layers = layers
        """The latest first, each with the numbers of what those before it say more lately."""
        self._masked = masked

    @classmethod
    def open(cls, manifest: Manifest, body_of: BodyOf, *, before: Partition | None) -> Partition:
        """Open a partition from its files' bodies.

        The image that ``before`` has open is used again if it is the same file. Raises
        ``PeerBrokeProtocol`` for what is not as the manifest says.
        """
        first, *later = _in_order(manifest)
        if before is not None and before.image_file == first:
            image = before.image
        else:
            image = Image.open(body_of(first))
        return cls(manifest, image, [Segment.open(body_of(entry)) for entry in later])

    def check(self, digest_key: bytes) -> None:
        """Raise ``PeerBrokeProtocol("digest-differs")`` unless these are the records of the
        manifest's state. Files that have been checked once are the same ever after: their names
        are their hashes."""
        found = changed_digest(
            self.image,
            self._segments,
            image_digest=self.manifest.image_digest,
            digest_key=digest_key,
        )
        if found != self.manifest.digest:
            raise PeerBrokeProtocol(
                "digest-differs",
                f"Partition {self.manifest.partition} is not in its manifest's state.",
            )

    @property
    def image_file(self) -> FileEntry:
        """The file that the image came in."""
        return _in_order(self.manifest)[0]

    def view(self, record_id: str) -> View | None:
        """One record; ``None`` if it is not in this partition."""
        for segment in reversed(self._segments):
            if record_id in segment.named:
                return segment.view(record_id)
        return self.image.view(record_id)

    def candidates(self, query: Query, *, today: date) -> tuple[tuple[View, ...], bool]:
        """The records worth comparing with a query, each once, as they are now and with what can
        be compared; and whether they are some of too many."""
        views, crowded = list[View](), False
        for layer, masked in self._layers:
            found, many = layer.candidates(query, today=today, masked=masked)
            views += found
            crowded = crowded or many
        return tuple(views), crowded

    @cached_property
    def in_conflict(self) -> frozenset[str]:
        """The ids of the records that show a conflict."""
        stayed = frozenset(self.image.in_conflict()) - self._masked
        changed = {each for segment in self._segments for each in segment.in_conflict()}
        now = (self.view(each) for each in changed)
        return stayed | {view.record_id for view in now if view is not None and view.conflicts}

    def close(self, *, keep_image: bool = False) -> None:
        """Drop the partition from memory; its image only if nobody goes on with it."""
        for segment in self._segments:
            segment.close()
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
