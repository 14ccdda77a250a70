"""Sealed files and what is in them: zstd frames, images, segments, digests."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import sqlite3
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from anyascii import anyascii

from second_implementation.encoding import document, pack, unpack
from second_implementation.sealing import open_sealed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

APPLICATION_ID = 0x46574431
SCHEMA = (
    "CREATE TABLE record (number INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE,"
    " view BLOB NOT NULL)",
    "CREATE TABLE search_key (key TEXT NOT NULL PRIMARY KEY, records BLOB NOT NULL) WITHOUT ROWID",
)
PARTING = "-\u2010\u2011\u2013/,"
COMMON_SCHOOL_WORDS = frozenset(
    (
        "academy",
        "and",
        "church",
        "college",
        "community",
        "high",
        "infant",
        "infants",
        "junior",
        "of",
        "primary",
        "school",
        "secondary",
        "st",
        "the",
    )
)
_WRITER_VERSION = slice(96, 100)
_MAX_BLOCK_BYTES = 128 * 1024
_RUN_BYTES = 16


def open_file(entry: Sequence[Any], sealed: bytes, key: bytes) -> bytes:
    """A sealed file's body, given its line of the manifest."""
    context, name, sealed_bytes, opened_bytes = entry
    if len(sealed) != sealed_bytes or hashlib.sha256(sealed).hexdigest() != name:
        raise ValueError("not the file that is listed")
    body = zstd.decompress(open_sealed(key, document("file", *context), sealed))
    if len(body) != opened_bytes:
        raise ValueError("not as long as it is listed")
    return body


def open_image(body: bytes) -> sqlite3.Connection:
    """An image in memory, read only, its schema compared."""
    if body[18:20] != b"\x01\x01":
        raise ValueError("not in journal mode DELETE")
    image = sqlite3.connect(":memory:")
    image.deserialize(body)
    for pragma in ("temp_store = MEMORY", "trusted_schema = OFF", "query_only = ON"):
        image.execute(f"PRAGMA {pragma}").close()
    found = image.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    if tuple(sql for (sql,) in found) != SCHEMA:
        raise ValueError("another schema")
    if image.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        raise ValueError("another format")
    return image


def search_keys(view: Sequence[Any]) -> set[str]:
    """The search keys of a view: a letter for the kind, and what the key is made from."""
    return {
        letter + made
        for path, _, value in view[3]
        if value is not None
        for letter, made in _keys(path, value)
        if made
    }


def _keys(path: str, value: Any) -> Iterator[tuple[str, str]]:
    collection, _, member_field = path.partition("/")
    field = member_field.partition(".")[2]
    if path in ("name.family", "name.given"):
        yield from (("n", word) for word in words(value))
    elif collection in ("former_names", "carers") and field in ("family", "given"):
        yield from (("n" if collection == "former_names" else "c", word) for word in words(value))
    elif path == "born":
        yield "b", value
    elif path == "nhs_number":
        yield "h", value
    elif path in ("school.name", "school.code"):
        yield from (("s", word) for word in words(value) if word not in COMMON_SCHOOL_WORDS)
    elif path == "address":
        yield "p", "".join(value.get("postcode", "").split()).upper()
        lines = [word for line in value.get("lines", []) for word in words(line)]
        yield from (("a", word) for word in lines if not word[0].isdigit())


def words(text: str) -> list[str]:
    """The folded words of a text; hyphens, dashes, strokes and commas part them too."""
    for character in PARTING:
        text = text.replace(character, " ")
    return [folded for word in text.split() if (folded := fold(word))]


def fold(text: str) -> str:
    """A word in Latin script, without case, marks and punctuation."""
    latin = anyascii(unicodedata.normalize("NFC", text.casefold())).casefold()
    return "".join(character for character in latin if character.isalnum())


def make_image(
    views: Iterable[Sequence[Any]],
    *,
    schema: Sequence[str] = SCHEMA,
    application_id: int = APPLICATION_ID,
    page_size: int = 4096,
) -> bytes:
    """An image of these views, in the order given. The bytes that tell which SQLite wrote it are
    set to one version, so that they are the same on every machine."""
    image = sqlite3.connect(":memory:")
    image.execute(f"PRAGMA application_id = {application_id}")
    image.execute(f"PRAGMA page_size = {page_size}")
    for statement in schema:
        image.execute(statement)
    having: dict[str, list[int]] = {}
    for number, view in enumerate(views, start=1):
        image.execute("INSERT INTO record VALUES (?, ?, ?)", (number, view[0], pack(view)))
        for key in search_keys(view):
            having.setdefault(key, []).append(number)
    for key, numbers in sorted(having.items()):
        steps = [number - before for before, number in itertools.pairwise([0, *numbers])]
        image.execute("INSERT INTO search_key VALUES (?, ?)", (key, pack(steps)))
    image.commit()
    body = bytearray(image.serialize())
    image.close()
    body[_WRITER_VERSION] = (3_034_000).to_bytes(4, "big")
    return bytes(body)


def found_by(image: sqlite3.Connection, beginning: str) -> list[list[Any]]:
    """The views of an image that have a search key which begins so."""
    rows = image.execute(
        "SELECT records FROM search_key WHERE key >= ? AND key < ?",
        (beginning, beginning + "\U0010ffff"),
    )
    numbers = {n for (records,) in rows for n in itertools.accumulate(unpack(records))}
    return [
        unpack(view)
        for number in sorted(numbers)
        for (view,) in image.execute("SELECT view FROM record WHERE number = ?", (number,))
    ]


def element(digest_key: bytes, view: Sequence[Any]) -> int:
    """What one record contributes to its partition's digest."""
    content = pack((view[0], view[1], pack(view)))
    return int.from_bytes(hmac.digest(digest_key, content, "sha256"), "big")


def digest(digest_key: bytes, views: Iterable[Sequence[Any]]) -> bytes:
    """A partition's digest: the sum of its elements modulo 2**256."""
    total = sum(element(digest_key, view) for view in views)
    return (total % (1 << 256)).to_bytes(32, "big")


def compress(body: bytes) -> bytes:
    """A zstd frame (RFC 8878) without compression but for runs of one byte: the same bytes from
    every version of every library."""
    frame = bytes.fromhex("28b52ffd") + bytes([0xA0]) + len(body).to_bytes(4, "little")
    blocks = list(_blocks(body)) or [(0, b"", 0)]
    for place, (kind, content, length) in enumerate(blocks, start=1):
        last = place == len(blocks)
        frame += (length << 3 | kind << 1 | last).to_bytes(3, "little") + content
    return frame


def _blocks(body: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Runs of one byte, and what lies between them."""
    plain = b""
    for value, group in itertools.groupby(body):
        run = len(list(group))
        if run < _RUN_BYTES:
            plain += bytes([value]) * run
            continue
        yield from _plain_blocks(plain)
        plain = b""
        for start in range(0, run, _MAX_BLOCK_BYTES):
            yield 1, bytes([value]), min(_MAX_BLOCK_BYTES, run - start)
    yield from _plain_blocks(plain)


def _plain_blocks(plain: bytes) -> Iterator[tuple[int, bytes, int]]:
    for start in range(0, len(plain), _MAX_BLOCK_BYTES):
        piece = plain[start : start + _MAX_BLOCK_BYTES]
        yield 0, piece, len(piece)
