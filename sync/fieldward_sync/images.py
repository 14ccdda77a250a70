"""Images and segments: a partition's records ready to query (design §6).

Both are small SQLite databases with their search keys, always built from empty and held in memory,
in journal mode DELETE so that they can be opened from bytes. A segment lies over an image as it
comes: a device works out nothing for it. No file is touched here.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from functools import cached_property
from itertools import accumulate, chain, count, repeat, starmap
from operator import add, itemgetter, sub
from typing import Any, ClassVar, Self

from fieldward_sync import digest
from fieldward_sync.compact_views import Common, Compacting
from fieldward_sync.encoding import pack, unpack_authentic
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.matching.candidates import choose
from fieldward_sync.matching.facts import compared_with
from fieldward_sync.matching.image_keys import ImageKeys, KeyKind, image_needs
from fieldward_sync.matching.key_ranges import KeyRange
from fieldward_sync.matching.needs import Need
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.vocabulary import Vocabulary
from fieldward_sync.views import View

_LEGACY_JOURNAL = b"\x01\x01"  # bytes 18 and 19 of the SQLite header: not WAL
_HEADER_BYTES = 100
_PAGE_BYTES = 4_096
"""Larger ones make an image no smaller, and a look-up in it slower: each page that it meets is
copied whole."""

_SCHEMA = (
    "CREATE TABLE record (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE,"
    " view BLOB NOT NULL)",
    "CREATE TABLE common (shapes BLOB NOT NULL, shared BLOB NOT NULL)",
    "CREATE TABLE search_key (key TEXT NOT NULL PRIMARY KEY, records BLOB NOT NULL) WITHOUT ROWID",
)
_LEFT = "CREATE TABLE gone (record_id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID"


class Image:
    """A partition's records in memory, with their search keys. Close it to drop it."""

    _application_id: ClassVar[int] = 0x46574431  # "FWD1": the format and its version
    _schema: ClassVar[tuple[str, ...]] = _SCHEMA
    _misfits: ClassVar[str] = "SELECT 1 FROM record WHERE record_id >= x''"
    """Gives no row. To SQLite a blob comes after every text, and may stand in a column of texts."""

    def __init__(self, connection: sqlite3.Connection, common: Common) -> None:
        self._connection = connection
        self._common = common
        self._vocabularies: dict[KeyKind, Vocabulary] = {}

    @classmethod
    def build(cls, views: Iterable[View]) -> Self:
        """One of these records, from empty; ids must be distinct."""
        connection, common = cls._written(views)
        return cls(_read_only(connection), common)

    @classmethod
    def open(cls, body: bytes) -> Self:
        """What is in these bytes, which have been authenticated; ``PeerBrokeProtocol`` unless
        its schema is exactly the expected one."""
        if len(body) < _HEADER_BYTES or body[18:20] != _LEGACY_JOURNAL:
            raise _no_image()
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            connection.deserialize(body)
            _read_only(connection)
            found = connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
            ).fetchall()
            application_id = connection.execute("PRAGMA application_id").fetchone()[0]
            if tuple(sql for (sql,) in found) != cls._schema or (
                application_id != cls._application_id
            ):
                raise PeerBrokeProtocol("image-malformed", "The image has another schema.")
            if connection.execute(cls._misfits).fetchone() is not None:
                raise PeerBrokeProtocol("image-malformed", "The image's ids do not fit together.")
            (common,) = connection.execute("SELECT shapes, shared FROM common")
            return cls(connection, Common(*common))
        except (sqlite3.Error, ValueError) as e:
            connection.close()
            raise _no_image() from e
        except PeerBrokeProtocol:
            connection.close()
            raise

    @classmethod
    def _written(cls, views: Iterable[View]) -> tuple[sqlite3.Connection, Common]:
        """A database of these records that can still be written."""
        compacting, keys = Compacting(), ImageKeys()
        taken = [(_neighbours(view), compacting.take(view), tuple(keys.of(view))) for view in views]
        taken.sort(key=itemgetter(0))
        common, rows = compacting.written([row for _, row, _ in taken])
        having = defaultdict[str, list[int]](list)
        for number, (_, _, its_keys) in enumerate(taken, start=1):
            for key in its_keys:
                having[key].append(number)
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # before anything is written
        connection.execute(f"PRAGMA application_id = {cls._application_id}")
        for statement in cls._schema:
            connection.execute(statement)
        ids = [order[-1] for order, _, _ in taken]
        connection.executemany("INSERT INTO record VALUES (?, ?, ?)", zip(count(1), ids, rows))
        connection.execute("INSERT INTO common VALUES (?, ?)", (common.shapes, common.values))
        connection.executemany(
            "INSERT INTO search_key VALUES (?, ?)",
            ((key, pack_numbers(numbers)) for key, numbers in sorted(having.items())),
        )
        connection.commit()
        return connection, common

    def to_bytes(self) -> bytes:
        """The image as it is sealed."""
        return self._connection.serialize()

    def close(self) -> None:
        """Drop the image from memory."""
        self._connection.close()

    def __len__(self) -> int:
        ((count,),) = self._all("SELECT count(*) FROM record")
        return int(count)

    def view(self, record_id: str) -> View | None:
        """One record, or ``None`` if it is not in this image."""
        row = self._row(record_id)
        return self._common.view(record_id, row) if row is not None else None

    def elements(self, record_ids: Collection[str], digest_key: bytes) -> Iterator[bytes]:
        """What those among these records contribute to a digest that are in this image."""
        rows = self._rows(
            "SELECT record_id, view FROM record"
            " WHERE record_id IN (SELECT value FROM json_each(?))",
            json.dumps(list(record_ids)),
        )
        for record_id, row in rows:
            packed = self._common.packed_view(record_id, row)
            yield digest.element(digest_key, record_id, *packed)

    def views(self) -> Iterator[View]:
        """All records, in the order of their ids."""
        rows = self._rows("SELECT record_id, view FROM record ORDER BY record_id")
        return starmap(self._common.view, rows)

    def in_conflict(self) -> Iterator[str]:
        """The ids of the records that show a conflict."""
        for record_id, row in self._rows("SELECT record_id, view FROM record"):
            if self._common.may_conflict(row) and self._common.view(record_id, row).conflicts:
                yield record_id

    def record_ids(self) -> frozenset[str]:
        """The ids of the records in it."""
        rows = self._all("SELECT record_id FROM record")
        return frozenset(record_id for (record_id,) in rows)

    def numbers(self, record_ids: Collection[str]) -> frozenset[int]:
        """The numbers of those among these records that are in it."""
        rows = self._all(
            "SELECT number FROM record WHERE record_id IN (SELECT value FROM json_each(?))",
            json.dumps(list(record_ids)),
        )
        return frozenset(number for (number,) in rows)

    def candidates(
        self, query: Query, *, today: date, masked: Iterable[int] = ()
    ) -> tuple[tuple[View, ...], bool]:
        """The records that are worth comparing with a query, and whether they are some of too many
        (``choose``); without those whose numbers are masked, and of each what is compared."""
        bits: dict[int, float] = {}
        for need in image_needs(query, self._vocabulary, today=today):
            meeting = self._meeting(need)
            if not bits:
                bits = meeting
                continue
            # Tens of thousands for a common name: added up without a line of Python for each.
            so_far = map(bits.get, meeting, repeat(0.0))
            bits.update(zip(meeting, map(add, so_far, meeting.values()), strict=True))
        for number in masked:
            bits.pop(number, None)
        chosen, crowded = choose(bits)
        return self._comparable(chosen, query), crowded

    def _row(self, record_id: str) -> bytes | None:
        rows = self._all("SELECT view FROM record WHERE record_id = ?", record_id)
        return rows[0][0] if rows else None

    def _comparable(self, numbers: Sequence[int], query: Query) -> tuple[View, ...]:
        rows = self._all(
            "SELECT number, record_id, view FROM record"
            " WHERE number IN (SELECT value FROM json_each(?))",
            json.dumps(numbers),
        )
        found = {number: (record_id, row) for number, record_id, row in rows}
        if found.keys() != {*numbers}:
            raise PeerBrokeProtocol("image-malformed", "A search key names records that are not.")
        read = self._common.reader(compared_with(query.terms))
        return tuple([read(*found[each]) for each in numbers])

    def _meeting(self, need: Need) -> dict[int, float]:
        """The records that meet a need, and what the best of their keys is worth."""
        found = [(worth, self._in_range(wanted)) for wanted, worth in need.ranges.items()]
        rows = self._all(
            "SELECT key, records FROM search_key WHERE key IN (SELECT value FROM json_each(?))",
            json.dumps(list(need.keys)),
        )
        found += [(need.keys[key], unpack_numbers(records)) for key, records in rows]
        best: dict[int, float] = {}
        for worth, numbers in sorted(found, key=lambda each: each[0]):
            best.update(dict.fromkeys(numbers, worth))
        return best

    def _in_range(self, wanted: KeyRange) -> Iterator[int]:
        rows = self._all(
            "SELECT records FROM search_key WHERE key >= ? AND key < ?", wanted.first, wanted.past
        )
        return chain.from_iterable(unpack_numbers(records) for (records,) in rows)

    def _vocabulary(self, kind: KeyKind) -> Vocabulary:
        """Every word among the keys of a kind: far fewer than records."""
        if kind not in self._vocabularies:
            wanted = KeyRange.beginning(kind.value)
            rows = self._all(
                "SELECT substr(key, 2) FROM search_key WHERE key >= ? AND key < ? ORDER BY key",
                wanted.first,
                wanted.past,
            )
            self._vocabularies[kind] = Vocabulary([word for (word,) in rows])
        return self._vocabularies[kind]

    def _all(self, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
        """The whole of what a query gives."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as e:
            raise _no_image() from e

    def _rows(self, sql: str, *parameters: str) -> Iterator[tuple[Any, ...]]:
        """What a query gives, row by row: SQLite looks at a page when it is read, not before."""
        try:
            # Left half read, "yield from" would close a cursor whose connection may be gone.
            for row in self._connection.execute(sql, parameters):  # noqa: UP028
                yield row
        except sqlite3.Error as e:
            raise _no_image() from e


class Segment(Image):
    """The changes since an image or an earlier segment: the records that changed, each as it is
    now, and which have left. One table more than an image has."""

    _application_id = 0x46575331  # "FWS1"
    _schema = (*_SCHEMA, _LEFT)
    _misfits = (
        "SELECT 1 FROM record WHERE record_id >= x''"
        " UNION ALL SELECT 1 FROM gone WHERE record_id >= x''"
        " UNION ALL SELECT 1 FROM gone JOIN record USING (record_id)"
    )
    """Nor can a record be there and have left."""

    @classmethod
    def build(cls, views: Iterable[View], *, gone: Iterable[str] = ()) -> Self:
        """One of these records, and the ids of those that have left; ids must be distinct."""
        connection, common = cls._written(views)
        connection.executemany("INSERT INTO gone VALUES (?)", [(each,) for each in sorted(gone)])
        connection.commit()
        return cls(_read_only(connection), common)

    @cached_property
    def gone(self) -> frozenset[str]:
        """The ids of the records that have left."""
        rows = self._all("SELECT record_id FROM gone")
        return frozenset(record_id for (record_id,) in rows)

    @cached_property
    def named(self) -> frozenset[str]:
        """The ids of all records that it says something of."""
        return self.record_ids() | self.gone


def _neighbours(view: View) -> tuple[str, ...]:
    """An order in which those who live together follow each other: much that they have in common
    then compresses to nothing."""
    address, family = None, ""
    for each in view.values:
        path = each.path
        if path == "address" and address is None:
            address = each.value
        elif path == "name.family" and not family and each.value is not None:
            family = str(each.value)
    located = address if isinstance(address, dict) else {}
    postcode, lines = located.get("postcode"), located.get("lines")
    return str(postcode), str(lines), family, view.record_id


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Rising numbers of records as a key holds them: the first, and the steps from each to the
    next."""
    return pack(tuple(map(sub, numbers, chain((0,), numbers))))


def unpack_numbers(packed: bytes) -> Iterator[int]:
    """The numbers that ``pack_numbers`` packed."""
    steps: list[int] = unpack_authentic(list[int], packed)
    return accumulate(steps)


def changed_digest(
    image: Image, segments: Sequence[Segment], *, image_digest: bytes, digest_key: bytes
) -> bytes:
    """The digest of an image once segments lie over it, the later over the earlier: what the
    manifest must say. It reads each record that changed twice, so it is worked out once, when they
    have come."""
    total, seen = image_digest, set[str]()
    for segment in reversed(segments):
        total = digest.added(total, *segment.elements(segment.named - seen, digest_key))
        seen |= segment.named
    return digest.removed(total, *image.elements(seen, digest_key))


def _read_only(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Nothing is written, no function hides in the schema, and no sort spills to a disk."""
    for pragma in ("temp_store = MEMORY", "trusted_schema = OFF", "query_only = ON"):
        with closing(connection.execute(f"PRAGMA {pragma}")):
            pass
    return connection


def _no_image() -> PeerBrokeProtocol:
    return PeerBrokeProtocol("image-malformed", "These bytes are not an image.")
