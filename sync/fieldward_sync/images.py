"""Images and segments: a partition's records ready to query (design §6).

An image is a small SQLite database, always built from empty and held in memory, in journal mode
DELETE so that it can be opened from bytes. No file is touched here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cached_property
from typing import Annotated, ClassVar

from msgspec import Meta

from fieldward_sync import digest
from fieldward_sync.distribution import MAX_OPENED_BYTES
from fieldward_sync.encoding import Message, Part, decode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.names import Count, RecordId
from fieldward_sync.search import KeyKind, KeyRange, Need, keys
from fieldward_sync.views import MAX_VIEW_BYTES, View

MAX_SEGMENT_CHANGES = 1_000_000
_APPLICATION_ID = 0x46574431  # "FWD1": the image format's version marker
_LEGACY_JOURNAL = b"\x01\x01"  # bytes 18 and 19 of the SQLite header: not WAL
_HEADER_BYTES = 100

_SCHEMA = (
    "CREATE TABLE record (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE,"
    " view BLOB NOT NULL)",
    "CREATE TABLE search_key (kind TEXT NOT NULL, key TEXT NOT NULL, record INTEGER NOT NULL,"
    " PRIMARY KEY (kind, key, record)) WITHOUT ROWID",
)
_PAST_ANY_CHARACTER = "\U0010ffff"


class Image:
    """A partition's records in memory, with their search keys. Close it to drop it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def build(cls, views: Iterable[View]) -> Image:
        """An image of these records, from empty; ids must be distinct."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        for statement in _SCHEMA:
            connection.execute(statement)
        for number, view in enumerate(sorted(views, key=lambda view: view.record_id), start=1):
            connection.execute(
                "INSERT INTO record VALUES (?, ?, ?)", (number, view.record_id, view.to_bytes())
            )
            connection.executemany(
                "INSERT OR IGNORE INTO search_key VALUES (?, ?, ?)",
                ((kind.value, key, number) for kind, key in keys(view)),
            )
        connection.commit()
        return cls(_read_only(connection))

    @classmethod
    def open(cls, body: bytes) -> Image:
        """The image in these bytes, which have been authenticated; ``PeerBrokeProtocol`` unless
        its schema is exactly the expected one."""
        if len(body) < _HEADER_BYTES or body[18:20] != _LEGACY_JOURNAL:
            raise PeerBrokeProtocol("image-malformed", "These bytes are not an image.")
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            connection.deserialize(body)
            _read_only(connection)
            found = connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
            ).fetchall()
            application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        except sqlite3.Error as e:
            connection.close()
            raise PeerBrokeProtocol("image-malformed", "These bytes are not an image.") from e
        if tuple(sql for (sql,) in found) != _SCHEMA or application_id != _APPLICATION_ID:
            connection.close()
            raise PeerBrokeProtocol("image-malformed", "The image has another schema.")
        return cls(connection)

    def to_bytes(self) -> bytes:
        """The image as it is sealed."""
        return self._connection.serialize()

    def close(self) -> None:
        """Drop the image from memory."""
        self._connection.close()

    def __len__(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM record").fetchone()
        return int(count)

    def view(self, record_id: str) -> View | None:
        """One record, or ``None`` if it is not in this image."""
        row = self._connection.execute(
            "SELECT view FROM record WHERE record_id = ?", (record_id,)
        ).fetchone()
        return View.read(row[0]) if row else None

    def views(self) -> Iterator[View]:
        """All records, in the order of their ids."""
        rows = self._connection.execute("SELECT view FROM record ORDER BY record_id")
        return (View.read(view) for (view,) in rows)

    def candidates(self, ranges: Iterable[KeyRange], needs: Iterable[Need] = ()) -> Iterator[View]:
        """The records with a key in one of the ranges and one for each of the needs, each once."""
        numbers = set[int]().union(*map(self._in_range, ranges))
        for need in needs:
            numbers &= self._meeting(need)
        for number in sorted(numbers):
            (view,) = self._connection.execute(
                "SELECT view FROM record WHERE number = ?", (number,)
            ).fetchone()
            yield View.read(view)

    def _meeting(self, need: Need) -> set[int]:
        if isinstance(need, KeyRange):
            return self._in_range(need)
        return {number for name in need.among(self._names) for number in self._named(name)}

    def _in_range(self, key_range: KeyRange) -> set[int]:
        rows = self._connection.execute(
            "SELECT record FROM search_key WHERE kind = ? AND key >= ? AND key < ?",
            (key_range.kind.value, key_range.prefix, key_range.prefix + _PAST_ANY_CHARACTER),
        )
        return {number for (number,) in rows}

    def _named(self, name: str) -> Iterator[int]:
        rows = self._connection.execute(
            "SELECT record FROM search_key WHERE kind = ? AND key = ?", (KeyKind.NAME.value, name)
        )
        return (number for (number,) in rows)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Every name key there is: far fewer than records."""
        rows = self._connection.execute(
            "SELECT DISTINCT key FROM search_key WHERE kind = ?", (KeyKind.NAME.value,)
        )
        return tuple(name for (name,) in rows)


class SegmentChange(Part, frozen=True):
    """A record's latest state since the image, or its removal from the partition."""

    number: Count
    record_id: RecordId
    view: Annotated[bytes, Meta(max_length=MAX_VIEW_BYTES)]
    """A view's bytes; empty where the record has left."""


class Segment(Message, frozen=True):
    """The changes since an image, one for each record that changed."""

    marker: ClassVar[bytes] = b"fieldward/segment/1"
    changes: Annotated[tuple[SegmentChange, ...], Meta(max_length=MAX_SEGMENT_CHANGES)]

    @classmethod
    def read(cls, body: bytes) -> Segment:
        """The segment in these bytes, which have been authenticated."""
        return decode(cls, body, max_bytes=MAX_OPENED_BYTES)


def changed_digest(
    image: Image, segment: Segment, *, image_digest: bytes, digest_key: bytes
) -> bytes:
    """The digest of an image once a segment lies over it: what the manifest must say."""
    total = image_digest
    for change in segment.changes:
        before = image.view(change.record_id)
        if before is not None:
            total = digest.removed(
                total,
                digest.element(digest_key, before.record_id, before.revision, before.to_bytes()),
            )
        if change.view:
            after = View.read(change.view)
            total = digest.added(
                total,
                digest.element(digest_key, after.record_id, after.revision, change.view),
            )
    return total


def _read_only(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Nothing is written, no function hides in the schema, and no sort spills to a disk."""
    for pragma in ("temp_store = MEMORY", "trusted_schema = OFF", "query_only = ON"):
        with closing(connection.execute(f"PRAGMA {pragma}")):
            pass
    return connection
