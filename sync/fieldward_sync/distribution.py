"""Manifests, and the sealed files they list (design §6).

A partition is distributed as one image and at most a segment of later changes. Both are compressed,
sealed under the partition's key and named by their hash. The answer to a sync lists all of a
practitioner's manifests under one signature, numbered: rollback, freeze and mixing are refused.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from fieldward_sync.encoding import Message, Part, encode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.names import (
    AuthorityCode,
    Count,
    DeviceId,
    FileName,
    Hash,
    PartitionId,
    PractitionerId,
    Seconds,
)
from fieldward_sync.sealing import Entropy, Opener, seal

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESSION_LEVEL = 9
MAX_OPENED_BYTES = 512 << 20
MAX_SEALED_BYTES = 256 << 20
MAX_MANIFESTS = 64
MAX_FILES_OF_A_PARTITION = 8

FileKind = Literal["image", "segment"]


class FileContext(Message, frozen=True):
    """What a sealed file is: it opens as nothing else."""

    marker: ClassVar[bytes] = b"fieldward/file/1"
    authority: AuthorityCode
    incarnation: Count
    partition: PartitionId
    epoch: Count
    kind: FileKind
    feed_from: Count
    """The feed number this file builds on; 0 for an image, which builds on nothing."""
    feed_to: Count


class FileEntry(Part, frozen=True):
    """A manifest's line: what the file is, what it is called, and how large."""

    context: FileContext
    name: FileName
    sealed_bytes: Annotated[int, Meta(ge=0, le=MAX_SEALED_BYTES)]
    opened_bytes: Annotated[int, Meta(ge=0, le=MAX_OPENED_BYTES)]


class Manifest(Part, frozen=True):
    """A partition at one feed number: its files, and what they add up to."""

    partition: PartitionId
    title: Annotated[str, Meta(max_length=100)]
    feed: Count
    records: Count
    image_digest: Hash
    digest: Hash
    made: Seconds
    files: Annotated[tuple[FileEntry, ...], Meta(min_length=1, max_length=MAX_FILES_OF_A_PARTITION)]


class OnLine(Part, frozen=True):
    """A partition that is granted, and of which nothing is on the device: it is asked on line."""

    partition: PartitionId
    title: Annotated[str, Meta(max_length=100)]


class Distribution(Message, frozen=True):
    """All that one practitioner on one device may hold: what is not listed is lost, and what was
    lost is named."""

    marker: ClassVar[bytes] = b"fieldward/distribution/1"
    authority: AuthorityCode
    incarnation: Count
    device: DeviceId
    generation: Count
    practitioner: PractitionerId
    number: Count
    issued: Seconds
    expires: Seconds
    """Not accepted from the network after this; what was accepted before is ruled by the lease."""
    manifests: Annotated[tuple[Manifest, ...], Meta(max_length=MAX_MANIFESTS)]
    lost: Annotated[tuple[PartitionId, ...], Meta(max_length=MAX_MANIFESTS)]
    on_line: Annotated[tuple[OnLine, ...], Meta(max_length=MAX_MANIFESTS)]
    """What is held tethered: it has neither manifest nor key."""
    warm: Annotated[tuple[PartitionId, ...], Meta(max_length=MAX_MANIFESTS)]
    """Of the manifests, those whose keys are for memory alone."""

    def require_successor_of(
        self, trusted: Distribution | None, *, now: int, numbers_bind: bool = True
    ) -> None:
        """Raise unless this may replace what was trusted before: not expired, not older, and the
        same number only with the same content (TUF's rollback, freeze and mix-and-match rules).
        What leaves a device is told by name, never inferred from its absence (invariant 4).

        ``numbers_bind`` is false where the key that signed it is trusted no more: whoever stole it
        may have given the highest number there is."""
        if now >= self.expires:
            raise PeerBrokeProtocol("distribution-expired", "The list of partitions has expired.")
        if trusted is None:
            return
        mine, theirs = (self.incarnation, self.number), (trusted.incarnation, trusted.number)
        if numbers_bind and mine < theirs:
            raise PeerBrokeProtocol(
                "distribution-rolled-back",
                f"The server offers state {mine}; this device has already held {theirs}.",
            )
        if numbers_bind and mine == theirs and self._content() != trusted._content():
            raise PeerBrokeProtocol(
                "distribution-mixed", f"State {mine} was offered with two different contents."
            )
        if not {each.partition for each in trusted.manifests} <= self._named():
            raise PeerBrokeProtocol(
                "loss-unnamed", "A partition is missing from the list, but not named as lost."
            )

    def _named(self) -> set[str]:
        on_line = (each.partition for each in self.on_line)
        return {*self.lost, *on_line, *(each.partition for each in self.manifests)}

    def _content(self) -> tuple[object, ...]:
        return self.manifests, self.on_line, self.warm


def seal_file(
    body: bytes, *, context: FileContext, key: bytes, entropy: Entropy
) -> tuple[bytes, FileEntry]:
    """Compress and seal a file, and the manifest's line for it; ``CallerMistake("file-too-large")``
    for one that no device would take."""
    compressed = zstd.compress(body, level=COMPRESSION_LEVEL)
    sealed = seal(key, encode(context), compressed, entropy=entropy)
    if len(body) > MAX_OPENED_BYTES or len(sealed) > MAX_SEALED_BYTES:
        raise CallerMistake(
            "file-too-large",
            f"The partition {context.partition} is too large for one file.",
            next_step="Give it narrower rules, and what it loses to other partitions.",
        )
    return sealed, FileEntry(
        context=context,
        name=file_name(sealed),
        sealed_bytes=len(sealed),
        opened_bytes=len(body),
    )


def open_file(sealed: bytes, *, entry: FileEntry, key: bytes) -> bytes:
    """A sealed file's body; ``PeerBrokeProtocol`` unless it is exactly what the manifest lists."""
    opener = FileOpener(entry, key)
    opener.feed(sealed)
    return opener.finish()


class FileCheck:
    """Checks a listed file while it arrives, for whoever has not got its key."""

    def __init__(self, entry: FileEntry) -> None:
        self._entry = entry
        self._hash = hashlib.sha256()
        self._fed_bytes = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes. What is wrong with them is said at the end: only then it is known
        whether they are the file that is listed."""
        self._fed_bytes += len(piece)
        if self._fed_bytes <= self._entry.sealed_bytes:
            self._hash.update(piece)

    def finish(self) -> bytes:
        """What was opened of it, here nothing; ``PeerBrokeProtocol`` unless the file is exactly
        what the manifest lists."""
        wrong_size = self._fed_bytes != self._entry.sealed_bytes
        if wrong_size or self._hash.hexdigest() != self._entry.name:
            raise PeerBrokeProtocol("file-wrong", "The file is not the one the manifest lists.")
        return b""


class FileOpener(FileCheck):
    """Opens a listed file while it arrives: each piece is hashed, authenticated and decompressed
    at once, so that little is left to do when the last one is here."""

    def __init__(self, entry: FileEntry, key: bytes) -> None:
        super().__init__(entry)
        self._seal = Opener(key, encode(entry.context))
        self._decompressor = zstd.ZstdDecompressor()
        self._pieces: list[bytes] = []
        self._room = entry.opened_bytes + 1
        """One byte more than announced is enough to notice a larger body."""
        self._fault: PeerBrokeProtocol | None = None

    def feed(self, piece: bytes) -> None:
        """As ``FileCheck``'s."""
        super().feed(piece)
        if self._fed_bytes <= self._entry.sealed_bytes:
            self._take(lambda: self._seal.feed(piece))

    def finish(self) -> bytes:
        """The body; ``PeerBrokeProtocol`` unless the file is exactly what the manifest lists."""
        super().finish()
        self._take(self._seal.finish)
        if self._fault is not None:
            raise self._fault
        frame = self._decompressor
        if self._room != 1 or not frame.eof or frame.unused_data:
            raise PeerBrokeProtocol("file-wrong", "The file's size is not what the manifest says.")
        return b"".join(self._pieces)

    def _take(self, opened: Callable[[], bytes]) -> None:
        if self._fault is not None:
            return
        try:
            self._decompress(opened())
        except PeerBrokeProtocol as e:
            self._fault = e
        except zstd.ZstdError as e:
            self._fault = PeerBrokeProtocol("file-wrong", "The file does not decompress.")
            self._fault.__cause__ = e

    def _decompress(self, compressed: bytes) -> None:
        if self._decompressor.eof:
            if compressed:
                raise PeerBrokeProtocol("file-wrong", "Something follows the compressed file.")
            return
        piece = self._decompressor.decompress(compressed, max_length=self._room)
        self._pieces.append(piece)
        self._room -= len(piece)
        if not self._room:
            raise PeerBrokeProtocol("file-wrong", "The file is larger than the manifest says.")


def file_name(sealed: bytes) -> str:
    """A sealed file's name: the SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(sealed).hexdigest()
