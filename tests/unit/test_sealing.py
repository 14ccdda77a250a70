"""Sealing, against the published Cobblestone-256 vectors and what may happen to sealed bytes."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol
from fieldward_sync.sealing import CHUNK_BYTES, Opener, open_sealed, seal, sealed_size

KEY = bytes(range(32))
CONTEXT = b"E08000039/partition/7"
SALT = b"S" * 24
HEADER_BYTES = 56
SEALED_CHUNK_BYTES = CHUNK_BYTES + 16
PIECES = (1, 7, 1000, CHUNK_BYTES - 1, SEALED_CHUNK_BYTES, SEALED_CHUNK_BYTES + 1, 1 << 20)


def salt(size: int) -> bytes:
    return SALT[:size]


def open_in_pieces(opener: Opener, sealed: bytes, piece_bytes: int) -> tuple[bytes, Error | None]:
    """What came out, and the error that ended it."""
    opened = b""
    try:
        for start in range(0, len(sealed), piece_bytes):
            opened += opener.feed(sealed[start : start + piece_bytes])
        return opened + opener.finish(), None
    except Error as e:
        return opened, e


# The published vectors.


@dataclass(frozen=True)
class Vector:
    name: str
    key: bytes
    context: bytes
    sealed: bytes
    valid: bool
    flags: frozenset[str]
    opened_bytes: int
    opened_sha512: str

    @property
    def code(self) -> str:
        return "key-size" if "InvalidKeySize" in self.flags else "seal-broken"


def read_vectors() -> list[Vector]:
    path = Path(__file__).parents[1] / "vectors" / "cobblestone_256.json"
    return [
        Vector(
            name=f"{case['tcId']}: {case['comment']}",
            key=bytes.fromhex(case["key"]),
            context=bytes.fromhex(case["ctx"]),
            sealed=zlib.decompress(bytes.fromhex(case["ct"])),
            valid=case["result"] == "valid",
            flags=frozenset(case["flags"]),
            opened_bytes=case.get("msgLength", 0),
            opened_sha512=case.get("msgSha512", hashlib.sha512().hexdigest()),
        )
        for case in json.loads(path.read_text())["tests"]
    ]


VECTORS = read_vectors()
VALID = [vector for vector in VECTORS if vector.valid]
INVALID = [vector for vector in VECTORS if not vector.valid]
OPENABLE = [vector for vector in INVALID if "InvalidKeySize" not in vector.flags]


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Vector) else None


def test_the_vectors_are_all_there() -> None:
    assert (len(VALID), len(INVALID)) == (8, 25)


@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_a_published_message_opens(vector: Vector) -> None:
    opened = open_sealed(vector.key, vector.context, vector.sealed)
    assert len(opened) == vector.opened_bytes
    assert hashlib.sha512(opened).hexdigest() == vector.opened_sha512


@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_a_published_message_is_sealed_to_the_same_bytes(vector: Vector) -> None:
    opened = open_sealed(vector.key, vector.context, vector.sealed)
    published_salt = vector.sealed[: len(SALT)]
    again = seal(vector.key, vector.context, opened, entropy=lambda size: published_salt[:size])
    assert again == vector.sealed


@pytest.mark.parametrize("piece_bytes", PIECES)
@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_a_published_message_opens_in_pieces(vector: Vector, piece_bytes: int) -> None:
    opener = Opener(vector.key, vector.context)
    opened, error = open_in_pieces(opener, vector.sealed, piece_bytes)
    assert error is None
    assert hashlib.sha512(opened).hexdigest() == vector.opened_sha512


@pytest.mark.parametrize("vector", INVALID, ids=name_of)
def test_a_published_forgery_is_refused(vector: Vector) -> None:
    with pytest.raises(Error) as caught:
        open_sealed(vector.key, vector.context, vector.sealed)
    assert caught.value.code == vector.code


@pytest.mark.parametrize("piece_bytes", PIECES)
@pytest.mark.parametrize("vector", OPENABLE, ids=name_of)
def test_a_published_forgery_is_refused_in_pieces_and_stays_refused(
    vector: Vector, piece_bytes: int
) -> None:
    opener = Opener(vector.key, vector.context)
    opened, error = open_in_pieces(opener, vector.sealed, piece_bytes)
    assert isinstance(error, PeerBrokeProtocol)
    # Nothing beyond the authentic beginning, in whole chunks, was given out.
    assert opened == b"" or hashlib.sha512(opened).hexdigest() == vector.opened_sha512
    calls: list[Callable[[], bytes]] = [
        lambda: opener.feed(b""),
        lambda: opener.feed(vector.sealed),
        opener.finish,
    ]
    for call in calls:
        with pytest.raises(PeerBrokeProtocol) as caught:
            call()
        assert caught.value.code == "seal-broken"


# The construction, written down a second time from the specification.


def seal_by_the_book(key: bytes, context: bytes, plaintext: bytes) -> bytes:
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\x00" + SALT + context
    derived = HKDFExpand(SHA512(), 32 + 12 + 32, info).derive(key)
    aead, base_nonce, commitment = AESGCM(derived[:32]), derived[32:44], derived[44:]
    sealed = SALT + commitment
    for number in range(len(plaintext) // CHUNK_BYTES + 1):
        counter = number.to_bytes(12, "big")
        nonce = bytes(a ^ b for a, b in zip(base_nonce, counter, strict=True))
        chunk = plaintext[number * CHUNK_BYTES :][:CHUNK_BYTES]
        sealed += aead.encrypt(nonce, chunk, None)
    return sealed


@pytest.mark.parametrize("chunks", [0, 1, 255, 256, 257])
def test_the_chunk_counter_passes_its_first_byte(chunks: int) -> None:
    plaintext = bytes(chunks * CHUNK_BYTES + 5)
    sealed = seal(KEY, CONTEXT, plaintext, entropy=salt)
    assert sealed == seal_by_the_book(KEY, CONTEXT, plaintext)
    assert open_sealed(KEY, CONTEXT, sealed) == plaintext


# What may happen to sealed bytes.

PLAINTEXT = b"".join(number.to_bytes(4, "big") for number in range(10_000))
SEALED = seal(KEY, CONTEXT, PLAINTEXT, entropy=salt)
HEADER, CHUNKS = SEALED[:HEADER_BYTES], SEALED[HEADER_BYTES:]
FIRST = CHUNKS[:SEALED_CHUNK_BYTES]
SECOND = CHUNKS[SEALED_CHUNK_BYTES : 2 * SEALED_CHUNK_BYTES]
LAST = CHUNKS[2 * SEALED_CHUNK_BYTES :]


def flipped(position: int) -> Callable[[bytes], bytes]:
    def flip(sealed: bytes) -> bytes:
        changed = bytearray(sealed)
        changed[position] ^= 1
        return bytes(changed)

    return flip


@dataclass(frozen=True)
class Tampering:
    what: str
    change: Callable[[bytes], bytes]


TAMPERINGS = [
    Tampering("a bit of the salt is flipped", flipped(0)),
    Tampering("a bit of the commitment is flipped", flipped(24)),
    Tampering("a bit of the first chunk is flipped", flipped(HEADER_BYTES)),
    Tampering("a bit of the last tag is flipped", flipped(-1)),
    Tampering("the last byte is missing", lambda sealed: sealed[:-1]),
    Tampering("the first byte is missing", lambda sealed: sealed[1:]),
    Tampering("the last chunk is missing", lambda _: HEADER + FIRST + SECOND),
    Tampering("all chunks are missing", lambda _: HEADER),
    Tampering("everything is missing", lambda _: b""),
    Tampering("a byte is added", lambda sealed: sealed + b"\x00"),
    Tampering("a chunk's worth is added", lambda sealed: sealed + bytes(SEALED_CHUNK_BYTES)),
    Tampering("the last chunk is repeated", lambda sealed: sealed + LAST),
    Tampering("two chunks changed places", lambda _: HEADER + SECOND + FIRST + LAST),
    Tampering("a chunk is left out", lambda _: HEADER + FIRST + LAST),
    Tampering("a chunk is repeated", lambda _: HEADER + FIRST + FIRST + LAST),
    Tampering("the header is repeated", lambda sealed: HEADER + sealed),
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.what)
def test_tampered_bytes_do_not_open(tampering: Tampering) -> None:
    changed = tampering.change(SEALED)
    with pytest.raises(PeerBrokeProtocol) as caught:
        open_sealed(KEY, CONTEXT, changed)
    assert caught.value.code == "seal-broken"


@pytest.mark.parametrize("left", [HEADER, HEADER + LAST[:15], HEADER + FIRST + SECOND])
def test_bytes_that_stop_between_chunks_are_called_cut_off(left: bytes) -> None:
    with pytest.raises(PeerBrokeProtocol, match="end too early"):
        open_sealed(KEY, CONTEXT, left)


def test_a_wrong_key_does_not_open() -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        open_sealed(bytes(32), CONTEXT, SEALED)
    assert caught.value.code == "seal-broken"


@pytest.mark.parametrize("context", [b"", CONTEXT[:-1], CONTEXT + b"\x00", CONTEXT.lower()])
def test_a_wrong_context_does_not_open(context: bytes) -> None:
    with pytest.raises(PeerBrokeProtocol) as caught:
        open_sealed(KEY, context, SEALED)
    assert caught.value.code == "seal-broken"


@pytest.mark.parametrize("key", [b"", KEY[:-1], KEY + b"\x00"])
def test_a_key_of_another_length_is_the_callers_mistake(key: bytes) -> None:
    with pytest.raises(CallerMistake) as sealing:
        seal(key, CONTEXT, b"", entropy=salt)
    with pytest.raises(CallerMistake) as opening:
        open_sealed(key, CONTEXT, SEALED)
    assert sealing.value.code == opening.value.code == "key-size"


def test_a_short_salt_is_refused_because_it_would_make_bytes_nobody_can_open() -> None:
    with pytest.raises(CallerMistake) as caught:
        seal(KEY, CONTEXT, b"", entropy=lambda size: bytes(size - 1))
    assert caught.value.code == "entropy-size"


# Opening while the bytes arrive.


def test_a_chunk_is_given_out_as_soon_as_it_is_authentic_and_not_before() -> None:
    opener = Opener(KEY, CONTEXT)
    assert opener.feed(HEADER + FIRST[:-1]) == b""
    assert opener.feed(FIRST[-1:]) == PLAINTEXT[:CHUNK_BYTES]
    assert opener.feed(SECOND + LAST) == PLAINTEXT[CHUNK_BYTES : 2 * CHUNK_BYTES]
    assert opener.finish() == PLAINTEXT[2 * CHUNK_BYTES :]


def test_a_wrong_key_is_noticed_with_the_header() -> None:
    opener = Opener(bytes(32), CONTEXT)
    assert opener.feed(HEADER[:-1]) == b""
    with pytest.raises(PeerBrokeProtocol):
        opener.feed(HEADER[-1:])


def test_nothing_more_is_opened_after_the_end() -> None:
    opener = Opener(KEY, CONTEXT)
    opener.feed(SEALED)
    opener.finish()
    calls: list[Callable[[], bytes]] = [lambda: opener.feed(LAST), opener.finish]
    for call in calls:
        with pytest.raises(CallerMistake) as caught:
            call()
        assert caught.value.code == "opener-finished"


# Sizes.


@pytest.mark.parametrize("opened", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 100_000])
def test_the_sealed_size_is_known_beforehand(opened: int) -> None:
    assert sealed_size(opened) == len(seal(KEY, CONTEXT, bytes(opened), entropy=salt))


@pytest.mark.parametrize("opened", [-1, 1 << 52])
def test_a_size_that_nothing_has_is_refused(opened: int) -> None:
    with pytest.raises(CallerMistake) as caught:
        sealed_size(opened)
    assert caught.value.code == "size-impossible"


def test_the_largest_message_has_two_to_the_38_chunks() -> None:
    assert sealed_size((1 << 52) - 1) == HEADER_BYTES + (1 << 52) - 1 + (1 << 38) * 16
