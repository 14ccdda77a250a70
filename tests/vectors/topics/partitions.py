"""A partition's files, from sealed bytes to views."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from second_implementation.encoding import document, pack
from second_implementation.partitions import (
    SCHEMA,
    compress,
    digest,
    make_image,
    make_segment,
)
from second_implementation.sealing import seal
from vectors.cases import Case, Topic, changed, refused, secret, valid
from vectors.outcomes import Outcome
from vectors.topics.world import (
    AUTHORITY,
    DIGEST_KEY,
    EPOCH,
    INCARNATION,
    NOW,
    PARTITION,
    PARTITION_KEY,
    view,
)

ADA, BEN, ZOE = "child-1", "child-2", "child-3"
ADDRESS = {"kind": "current", "lines": ["1 High St"], "postcode": "M14 5AB"}
VIEWS = [
    view(ADA, 3, {"address": (3, ADDRESS)}),
    view(BEN, 1, {"name.given": (1, "Ben"), "name.family": (1, "O'Brien-Smith")}),
]
MOVED = view(ADA, 4, {"address": (4, {"kind": "no-known-address"})})
NEW = view(ZOE, 1, {"name.given": (1, "Zoë")})
WAL_MODE = slice(18, 20)


class File:
    """A sealed file with its line of the manifest."""

    def __init__(
        self,
        body: bytes,
        kind: str,
        feed_from: int,
        feed_to: int,
        *,
        compressed: bytes | None = None,
        opened_bytes: int | None = None,
    ) -> None:
        context: list[Any] = [AUTHORITY, INCARNATION, PARTITION, EPOCH, kind, feed_from, feed_to]
        self.sealed = seal(
            PARTITION_KEY,
            document("file", *context),
            secret(f"salt of {kind} {feed_to}", 24),
            compress(body) if compressed is None else compressed,
        )
        self.entry: list[Any] = [
            context,
            hashlib.sha256(self.sealed).hexdigest(),
            len(self.sealed),
            len(body) if opened_bytes is None else opened_bytes,
        ]


def image(body: bytes) -> File:
    """An image up to feed number 4."""
    return File(body, "image", 0, 4)


def partition(
    *files: File,
    views: Sequence[Any],
    listed: Sequence[Any] | None = None,
    said: Sequence[Any] | None = None,
    images: Sequence[Any] = VIEWS,
) -> dict[str, Any]:
    """A manifest, its files, and the views they add up to."""
    entries = [file.entry for file in files] if listed is None else listed
    digests = digest(DIGEST_KEY, images), digest(DIGEST_KEY, views if said is None else said)
    feed = max(entry[0][6] for entry in entries)
    return {
        "manifest": pack([PARTITION, "Team 1", feed, len(views), *digests, NOW, entries]),
        "files": {entry[1]: file.sealed for entry, file in zip(entries, files, strict=True)},
        "key": PARTITION_KEY,
        "digest_key": DIGEST_KEY,
        "views": {each[0]: pack(each) for each in views},
    }


def _broken(name: str, why: str, code: Outcome, content: dict[str, Any]) -> Case:
    content.pop("views")
    return refused(name, why, code, **content)


def _cases() -> Iterator[Case]:
    body = make_image(VIEWS)
    base = image(body)
    moved = File(make_segment([MOVED]), "segment", 4, 5)
    left = File(make_segment([MOVED], gone=[BEN]), "segment", 4, 6)
    joined = File(make_segment([NEW], gone=[BEN]), "segment", 5, 7)
    yield valid("image", "an image alone", **partition(base, views=VIEWS))
    empty = image(make_image([]))
    yield valid("empty", "an image without a record", **partition(empty, views=[], images=[]))
    other_order = image(make_image(VIEWS[::-1], page_size=65_536))
    yield valid(
        "image-in-another-order",
        "records in an order of the server's choosing, pages of another size",
        **partition(other_order, views=VIEWS),
    )
    yield valid("segment", "a record changed", **partition(base, moved, views=[MOVED, VIEWS[1]]))
    yield valid("removal", "and another left", **partition(base, left, views=[MOVED]))
    yield valid(
        "two-segments", "one on the other", **partition(base, moved, joined, views=[MOVED, NEW])
    )

    wrong = Outcome.FILE_WRONG
    other = image(body)
    other.sealed = changed(base.sealed)
    yield _broken("another-file", "its hash is not its name", wrong, partition(other, views=VIEWS))
    listed = [*base.entry[:2], base.entry[2] + 1, base.entry[3]]
    short = partition(base, views=VIEWS, listed=[listed])
    yield _broken("sealed-size", "shorter than listed", wrong, short)
    for name, why, file in (
        (
            "opened-more",
            "longer than listed",
            File(body, "image", 0, 4, opened_bytes=len(body) - 1),
        ),
        (
            "opened-less",
            "shorter than listed",
            File(body, "image", 0, 4, opened_bytes=len(body) + 1),
        ),
        ("not-zstd", "not compressed", File(body, "image", 0, 4, compressed=body)),
        (
            "zstd-trailing",
            "something after the frame",
            File(body, "image", 0, 4, compressed=compress(body) + b"\x00"),
        ),
        (
            "zstd-cut",
            "the frame does not end",
            File(body, "image", 0, 4, compressed=compress(body)[:-1]),
        ),
    ):
        yield _broken(name, why, wrong, partition(file, views=VIEWS))
    yield from _broken_seals(base)
    yield from _broken_images(body)
    yield from _broken_wholes(base, moved)


def _broken_seals(base: File) -> Iterator[Case]:
    broken = Outcome.SEAL_BROKEN
    yield _broken(
        "another-key",
        "the key of another epoch",
        broken,
        {**partition(base, views=VIEWS), "key": secret("another epoch's key")},
    )
    context = [*base.entry[0][:6], 5]
    renamed = [context, *base.entry[1:]]
    yield _broken(
        "another-context",
        "listed as another feed range",
        broken,
        partition(base, views=VIEWS, listed=[renamed]),
    )
    for name, why, place in (
        ("commitment", "a bit of the commitment", 30),
        ("chunk", "a bit of the first chunk", 60),
        ("tag", "a bit of the last tag", -1),
    ):
        file = image(make_image(VIEWS))
        file.sealed = changed(file.sealed, place)
        file.entry[1] = hashlib.sha256(file.sealed).hexdigest()
        yield _broken(f"{name}-changed", why, broken, partition(file, views=VIEWS))


def _broken_images(body: bytes) -> Iterator[Case]:
    wal = bytearray(body)
    wal[WAL_MODE] = b"\x02\x02"
    for name, why, bad in (
        ("wal", "in WAL mode", bytes(wal)),
        ("no-database", "no database", b"x" * 4096),
        ("short", "shorter than a header", body[:50]),
        (
            "table-more",
            "a further table",
            make_image(VIEWS, schema=(*SCHEMA, "CREATE TABLE t (a)")),
        ),
        (
            "view-more",
            "a view in the schema",
            make_image(VIEWS, schema=(*SCHEMA, "CREATE VIEW v AS SELECT 1")),
        ),
        (
            "column-more",
            "a further column",
            make_image(
                [], schema=(SCHEMA[0].replace(" view BLOB", " extra, view BLOB"), SCHEMA[1])
            ),
        ),
        (
            "blanks",
            "other blanks",
            make_image([], schema=(SCHEMA[0].replace("(n", "( n"), SCHEMA[1])),
        ),
        ("id", "an id that is no text", make_image([[ADA.encode(), *VIEWS[0][1:]], VIEWS[1]])),
        ("application-id", "another format", make_image(VIEWS, application_id=0x46574432)),
    ):
        yield _broken(
            f"image-{name}", why, Outcome.IMAGE_MALFORMED, partition(image(bad), views=VIEWS)
        )


def _broken_wholes(base: File, moved: File) -> Iterator[Case]:
    after = [MOVED, VIEWS[1]]
    gap = File(make_segment([MOVED]), "segment", 5, 6)
    manifest_broken = Outcome.MANIFEST_BROKEN
    yield _broken("gap", "a segment is missing", manifest_broken, partition(base, gap, views=after))
    yield _broken("no-image", "a segment alone", manifest_broken, partition(moved, views=after))
    second = File(make_image([MOVED]), "image", 0, 5)
    yield _broken("two-images", "two", manifest_broken, partition(base, second, views=after))
    yield _broken(
        "digest",
        "a record's revision is not the one that was digested",
        Outcome.DIGEST_DIFFERS,
        partition(base, moved, views=after, said=[[ADA, 5, *MOVED[2:]], VIEWS[1]]),
    )
    yield _broken(
        "digest-of-image",
        "a change is missing",
        Outcome.DIGEST_DIFFERS,
        partition(base, views=VIEWS, said=after),
    )
    torn = File(make_segment([MOVED], gone=[ADA]), "segment", 4, 5)
    yield _broken(
        "segment-torn",
        "a record is there and has left",
        Outcome.IMAGE_MALFORMED,
        partition(base, torn, views=after),
    )
    unnamed = File(make_segment([MOVED], gone=[BEN.encode()]), "segment", 4, 6)
    yield _broken(
        "segment-id",
        "the id of a record that has left is no text",
        Outcome.IMAGE_MALFORMED,
        partition(base, unnamed, views=[MOVED]),
    )
    as_image = File(make_segment([MOVED]), "image", 0, 4)
    yield _broken(
        "segment-as-image",
        "a segment where an image is listed",
        Outcome.IMAGE_MALFORMED,
        partition(as_image, views=after),
    )
    an_image = File(make_image([MOVED]), "segment", 4, 5)
    yield _broken(
        "image-as-segment",
        "an image where a segment is listed",
        Outcome.IMAGE_MALFORMED,
        partition(base, an_image, views=after),
    )


TOPIC = Topic(
    "partitions",
    "images with sqlite3 alone, its writer's version set to one value; zstd frames, seals and"
    " digests by hand",
    _cases,
)
