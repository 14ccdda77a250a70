"""Manifests, and the sealed files they list (design §6).

A partition is distributed as one image and at most a segment of later changes. Both are compressed,
sealed under the partition's key and named by their hash. The answer to a sync lists all of a
practitioner's manifests under one signature, numbered: rollback, freeze and mixing are refused.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from fieldward_sync.encoding import Message, Part, encode
from fieldward_sync.errors import PeerBrokeProtocol
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
from fieldward_sync.sealing import Entropy, open_sealed, seal

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

    def require_successor_of(self, trusted: Distribution | None, *, now: int) -> None:
        """Raise unless this may replace what was trusted before: not expired, not older, and the
        same number only with the same content (TUF's rollback, freeze and mix-and-match rules)."""
        if now >= self.expires:
            raise PeerBrokeProtocol("distribution-expired", "The list of partitions has expired.")
        if trusted is None:
            return
        mine, theirs = (self.incarnation, self.number), (trusted.incarnation, trusted.number)
        if mine < theirs:
            raise PeerBrokeProtocol(
                "distribution-rolled-back",
                f"The server offers state {mine}; this device has already held {theirs}.",
            )
        if mine == theirs and self.manifests != trusted.manifests:
            raise PeerBrokeProtocol(
                "distribution-mixed", f"State {mine} was offered with two different contents."
            )


def seal_file(
    body: bytes, *, context: FileContext, key: bytes, entropy: Entropy
) -> tuple[bytes, FileEntry]:
    """Compress and seal a file, and the manifest's line for it."""
    sealed = seal(
        key, encode(context), zstd.compress(body, level=COMPRESSION_LEVEL), entropy=entropy
    )
    return sealed, FileEntry(
        context=context,
        name=file_name(sealed),
        sealed_bytes=len(sealed),
        opened_bytes=len(body),
    )


def open_file(sealed: bytes, *, entry: FileEntry, key: bytes) -> bytes:
    """A sealed file's body; ``PeerBrokeProtocol`` unless it is exactly what the manifest lists."""
    if len(sealed) != entry.sealed_bytes or file_name(sealed) != entry.name:
        raise PeerBrokeProtocol("file-wrong", "The file is not the one the manifest lists.")
    compressed = open_sealed(key, encode(entry.context), sealed)
    try:
        # One byte more than announced is enough to notice a larger body, whatever it unpacks to.
        decompressor = zstd.ZstdDecompressor()
        body = decompressor.decompress(compressed, max_length=entry.opened_bytes + 1)
    except zstd.ZstdError as e:
        raise PeerBrokeProtocol("file-wrong", "The file does not decompress.") from e
    if len(body) != entry.opened_bytes or not decompressor.eof or decompressor.unused_data:
        raise PeerBrokeProtocol("file-wrong", "The file's size is not what the manifest says.")
    return body


def file_name(sealed: bytes) -> str:
    """A sealed file's name: the SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(sealed).hexdigest()
