"""Images and segments: a partition's records ready to query (design §6).

An image is a small SQLite database, always built from empty and held in memory, in journal mode
DELETE so that it can be opened from bytes. No file is touched here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date
from itertools import accumulate, pairwise, starmap
from typing import Annotated, ClassVar

from msgspec import Meta

from fieldward_sync import digest
from fieldward_sync.compact_views import Common, Compacting
from fieldward_sync.distribution import MAX_OPENED_BYTES
from fieldward_sync.encoding import Message, Part, decode, pack, unpack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.matching.candidates import choose
from fieldward_sync.matching.image_keys import KeyKind, image_keys, image_needs
from fieldward_sync.matching.key_ranges import KeyRange
from fieldward_sync.matching.needs import Need
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.vocabulary import Vocabulary
from fieldward_sync.names import Count, RecordId
from fieldward_sync.views import MAX_VIEW_BYTES, View

MAX_SEGMENT_CHANGES = 1_000_000
_APPLICATION_ID = 0x46574431  # "FWD1": the image format's version marker
_LEGACY_JOURNAL = b"\x01\x01"  # bytes 18 and 19 of the SQLite header: not WAL
_HEADER_BYTES = 100
_PAGE_BYTES = 65_536
"""The largest there is: of smaller ones a fifth stays empty, because few records fit into one."""

_SCHEMA = (
    "CREATE TABLE record (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE,"
    " view BLOB NOT NULL)",
    "CREATE TABLE common (shapes BLOB NOT NULL, shared BLOB NOT NULL)",
    "CREATE TABLE search_key (key TEXT NOT NULL PRIMARY KEY, records BLOB NOT NULL) WITHOUT ROWID",
)


class Image:
    """A partition's records in memory, with their search keys. Close it to drop it."""

    def __init__(self, connection: sqlite3.Connection, common: Common) -> None:
        self._connection = connection
        self._common = common
        self._vocabularies: dict[KeyKind, Vocabulary] = {}

    @classmethod
    def build(cls, views: Iterable[View]) -> Image:
        """An image of these records, from empty; ids must be distinct."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        for statement in _SCHEMA:
            connection.execute(statement)
        ordered = sorted(views, key=_neighbours)
        compacting = Compacting(ordered)
        having: dict[str, list[int]] = {}
        for number, (view, row) in enumerate(zip(ordered, compacting.rows(), strict=True), start=1):
            connection.execute("INSERT INTO record VALUES (?, ?, ?)", (number, view.record_id, row))
            for key in image_keys(view):
                having.setdefault(key, []).append(number)
        common = compacting.common()
        connection.execute("INSERT INTO common VALUES (?, ?)", (common.shapes, common.values))
        connection.executemany(
            "INSERT INTO search_key VALUES (?, ?)",
            ((key, pack_numbers(numbers)) for key, numbers in sorted(having.items())),
        )
        connection.commit()
        return cls(_read_only(connection), common)

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
            if tuple(sql for (sql,) in found) != _SCHEMA or application_id != _APPLICATION_ID:
                raise PeerBrokeProtocol("image-malformed", "The image has another schema.")
            (common,) = connection.execute("SELECT shapes, shared FROM common")
            return cls(connection, Common(*common))
        except (sqlite3.Error, ValueError) as e:
            connection.close()
            raise PeerBrokeProtocol("image-malformed", "These bytes are not an image.") from e
        except PeerBrokeProtocol:
            connection.close()
            raise

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
        return self._common.view(record_id, row[0]) if row else None

    def views(self) -> Iterator[View]:
        """All records, in the order of their ids."""
        rows = self._connection.execute("SELECT record_id, view FROM record ORDER BY record_id")
        return starmap(self._common.view, rows)

    def in_conflict(self) -> Iterator[str]:
        """The ids of the records that show a conflict."""
        for record_id, row in self._connection.execute("SELECT record_id, view FROM record"):
            if self._common.may_conflict(row) and self._common.view(record_id, row).conflicts:
                yield record_id

    def number(self, record_id: str) -> int | None:
        """The number of a record in this image, ``None`` if it is not in it."""
        row = self._connection.execute(
            "SELECT number FROM record WHERE record_id = ?", (record_id,)
        ).fetchone()
        return int(row[0]) if row else None

    def candidates(
        self, query: Query, *, today: date, masked: Iterable[int] = ()
    ) -> tuple[tuple[View, ...], bool]:
        """The records that are worth comparing with a query, and whether they are some of too many
        (``choose``); without those whose numbers are masked."""
        bits: dict[int, float] = {}
        for need in image_needs(query, self._vocabulary, today=today):
            for number, worth in self._meeting(need).items():
                bits[number] = bits.get(number, 0.0) + worth
        for number in masked:
            bits.pop(number, None)
        chosen, crowded = choose(bits)
        return tuple(map(self._numbered, chosen)), crowded

    def _numbered(self, number: int) -> View:
        record_id, row = self._connection.execute(
            "SELECT record_id, view FROM record WHERE number = ?", (number,)
        ).fetchone()
        return self._common.view(record_id, row)

    def _meeting(self, need: Need) -> dict[int, float]:
        """The records that meet a need, and what the best of their keys is worth."""
        found = [(worth, self._in_range(wanted)) for wanted, worth in need.ranges.items()]
        rows = self._connection.execute(
            "SELECT key, records FROM search_key WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(need.keys)),),
        )
        found += [(need.keys[key], unpack_numbers(records)) for key, records in rows]
        best: dict[int, float] = {}
        for worth, numbers in sorted(found, key=lambda each: each[0]):
            best.update(dict.fromkeys(numbers, worth))
        return best

    def _in_range(self, wanted: KeyRange) -> Iterator[int]:
        rows = self._connection.execute(
            "SELECT records FROM search_key WHERE key >= ? AND key < ?", (wanted.first, wanted.past)
        )
        return (number for (records,) in rows for number in unpack_numbers(records))

    def _vocabulary(self, kind: KeyKind) -> Vocabulary:
        """Every word among the keys of a kind: far fewer than records."""
        if kind not in self._vocabularies:
            wanted = KeyRange.beginning(kind.value)
            rows = self._connection.execute(
                "SELECT substr(key, 2) FROM search_key WHERE key >= ? AND key < ? ORDER BY key",
                (wanted.first, wanted.past),
            )
            self._vocabularies[kind] = Vocabulary([word for (word,) in rows])
        return self._vocabularies[kind]


def _neighbours(view: View) -> tuple[str, ...]:
    """An order in which those who live together follow each other: much that they have in common
    then compresses to nothing."""
    address = next((shown.value for shown in view.at("address")), None)
    located = address if isinstance(address, dict) else {}
    postcode, lines = located.get("postcode"), located.get("lines")
    return str(postcode), str(lines), view.text("name.family"), view.record_id


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Rising numbers of records as a key holds them: the first, and the steps from each to the
    next."""
    return pack(tuple(after - before for before, after in pairwise((0, *numbers))))


def unpack_numbers(packed: bytes) -> Iterator[int]:
    """The numbers that ``pack_numbers`` packed."""
    steps: tuple[int, ...] = unpack(tuple[int, ...], packed)
    return accumulate(steps)


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
