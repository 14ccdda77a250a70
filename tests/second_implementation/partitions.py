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
    "CREATE TABLE common (shapes BLOB NOT NULL, shared BLOB NOT NULL)",
    "CREATE TABLE search_key (key TEXT NOT NULL PRIMARY KEY, records BLOB NOT NULL) WITHOUT ROWID",
)
SEGMENT_ID = 0x46575331
SEGMENT_SCHEMA = (
    *SCHEMA,
    "CREATE TABLE gone (record_id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID",
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


def open_image(
    body: bytes, *, schema: Sequence[str] = SCHEMA, application_id: int = APPLICATION_ID
) -> sqlite3.Connection:
    """An image in memory, read only, its schema compared."""
    if body[18:20] != b"\x01\x01":
        raise ValueError("not in journal mode DELETE")
    image = sqlite3.connect(":memory:")
    image.deserialize(body)
    for pragma in ("temp_store = MEMORY", "trusted_schema = OFF", "query_only = ON"):
        image.execute(f"PRAGMA {pragma}").close()
    found = image.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
    if tuple(sql for (sql,) in found) != tuple(schema):
        raise ValueError("another schema")
    if image.execute("PRAGMA application_id").fetchone() != (application_id,):
        raise ValueError("another format")
    return image


def disputes(view: Sequence[Any]) -> dict[str, list[tuple[str, str, str, str]]]:
    """What is, or was, disputed in a view, by path: since when, by whom, what came of it, when."""
    members: dict[str, dict[str, str]] = {}
    for path, _, value in reversed(view[3]):  # where two stand, the first counts
        collection, _, member_field = path.partition("/")
        if collection == "disputes" and value is not None:
            member, _, field = member_field.partition(".")
            members.setdefault(member, {})[field] = value
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    for _, said in sorted(members.items(), key=lambda member: (member[1]["since"], member[0])):
        told = (said["since"], said["by"], said.get("outcome", "open"), said.get("ended", ""))
        found.setdefault(said["path"], []).append(told)
    return found


def open_segment(body: bytes) -> dict[str, list[Any] | None]:
    """The views of a segment by their records' ids; nothing for those that have left."""
    segment = open_image(body, schema=SEGMENT_SCHEMA, application_id=SEGMENT_ID)
    changes: dict[str, list[Any] | None] = {v[0]: v for v in image_views(segment).values()}
    for (record_id,) in segment.execute("SELECT record_id FROM gone"):
        if record_id in changes:
            raise ValueError("a record is there and has left")
        changes[record_id] = None
    segment.close()
    return changes


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
    gone: Iterable[str | bytes] = (),
) -> bytes:
    """An image of these views, in the order given. The bytes that tell which SQLite wrote it are
    set to one version, so that they are the same on every machine."""
    image = sqlite3.connect(":memory:")
    image.execute(f"PRAGMA application_id = {application_id}")
    image.execute(f"PRAGMA page_size = {page_size}")
    for statement in schema:
        image.execute(statement)
    views = list(views)
    packed = [pack(value) for view in views for _, _, value in view[3]]
    shared = sorted(value for value in set(packed) if packed.count(value) > 1 or _is_int(value))
    shapes: list[list[str]] = []
    having: dict[str, list[int]] = {}
    for number, view in enumerate(views, start=1):
        row = pack(_compact(view, shapes, shared))
        image.execute("INSERT INTO record VALUES (?, ?, ?)", (number, view[0], row))
        for key in search_keys(view):
            having.setdefault(key, []).append(number)
    for key, numbers in sorted(having.items()):
        steps = [number - before for before, number in itertools.pairwise([0, *numbers])]
        image.execute("INSERT INTO search_key VALUES (?, ?)", (key, pack(steps)))
    values = [unpack(value) for value in shared]
    image.execute("INSERT INTO common VALUES (?, ?)", (pack(shapes), pack(values)))
    for record_id in sorted(gone):
        image.execute("INSERT INTO gone VALUES (?)", (record_id,))
    image.commit()
    body = bytearray(image.serialize())
    image.close()
    body[_WRITER_VERSION] = (3_034_000).to_bytes(4, "big")
    return bytes(body)


def make_segment(views: Iterable[Sequence[Any]], *, gone: Iterable[str | bytes] = ()) -> bytes:
    """A segment of these views, and of the ids of records that have left."""
    return make_image(views, schema=SEGMENT_SCHEMA, application_id=SEGMENT_ID, gone=gone)


def _compact(view: Sequence[Any], shapes: list[list[str]], shared: list[bytes]) -> list[Any]:
    """A view as a row: shapes and shared values by their numbers."""
    _, revision, shielded, values = view
    used, members = [], []
    parted = [(*_parted(path), path) for path, _, _ in values]
    for (beginning, member), same in itertools.groupby(parted, key=lambda each: each[:2]):
        shape = [beginning, *(path[len(beginning + member) :] for *_, path in same)]
        if shape not in shapes:
            shapes.append(shape)
        used.append(shapes.index(shape))
        members += [member] if beginning else []
    numbers = [number for _, number, _ in values]
    while numbers[-1:] == numbers[-2:-1]:
        numbers.pop()
    written = [shared.index(pack(v)) if pack(v) in shared else v for _, _, v in values]
    return [revision, shielded, numbers, used, members, written]


def _parted(path: str) -> tuple[str, str]:
    collection, stroke, rest = path.partition("/")
    return (collection + stroke, rest.partition(".")[0]) if stroke else ("", "")


def _is_int(packed: bytes) -> bool:
    return type(unpack(packed)) is int


def image_views(image: sqlite3.Connection) -> dict[int, list[Any]]:
    """The views of an image by their numbers."""
    ((packed_shapes, packed_values),) = image.execute("SELECT shapes, shared FROM common")
    shapes, shared = unpack(packed_shapes), unpack(packed_values)
    return {
        number: _view(record_id, unpack(row), shapes, shared)
        for number, record_id, row in image.execute("SELECT number, record_id, view FROM record")
    }


def _view(record_id: str, row: list[Any], shapes: list[list[str]], shared: list[Any]) -> list[Any]:
    revision, shielded, numbers, used, members, written = row
    rest, paths = list(members), []
    for shape in used:
        beginning, *ends = shapes[shape]
        before = beginning + rest.pop(0) if beginning else ""
        paths += [before + end for end in ends]
    numbers += numbers[-1:] * (len(paths) - len(numbers))
    values = [shared[each] if type(each) is int else each for each in written]
    shown = [list(each) for each in zip(paths, numbers, values, strict=True)]
    return [record_id, revision, shielded, shown]


def found_by(image: sqlite3.Connection, beginning: str) -> list[list[Any]]:
    """The views of an image that have a search key which begins so."""
    rows = image.execute(
        "SELECT records FROM search_key WHERE key >= ? AND key < ?",
        (beginning, beginning + "\U0010ffff"),
    )
    numbers = {n for (records,) in rows for n in itertools.accumulate(unpack(records))}
    views = image_views(image)
    return [views[number] for number in sorted(numbers)]


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
