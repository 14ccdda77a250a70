"""MessagePack by hand, in the one form that the protocol allows, and documents with markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def pack(value: Any) -> bytes:
    """One value in its shortest form; map keys in the order of their UTF-8 bytes."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _pack_int(value)
    if isinstance(value, str):
        text = value.encode()
        if len(text) < 32:
            return bytes([0xA0 | len(text)]) + text
        return _head(len(text), (0xD9, 0xDA, 0xDB)) + text
    if isinstance(value, bytes):
        return _head(len(value), (0xC4, 0xC5, 0xC6)) + value
    if isinstance(value, Mapping):
        pairs = sorted((pack(key), pack(each)) for key, each in value.items())
        pairs.sort(key=lambda pair: _text(pair[0]))
        head = _small_head(len(value), 0x80, (None, 0xDE, 0xDF))
        return head + b"".join(key + each for key, each in pairs)
    if isinstance(value, Sequence):
        return _small_head(len(value), 0x90, (None, 0xDC, 0xDD)) + b"".join(map(pack, value))
    raise TypeError(type(value).__name__)


def unpack(data: bytes) -> Any:
    """The value in these bytes: arrays become lists. ``ValueError`` for another encoding of it."""
    value, end = _read(data, 0)
    if end != len(data) or pack(value) != data:
        raise ValueError("not the one encoding of one value")
    return value


def document(kind: str, *fields: Any) -> bytes:
    """A document: its marker, a line feed, and one array of its fields."""
    return f"fieldward/{kind}/1\n".encode() + pack(fields)


def read_document(kind: str, data: bytes) -> list[Any]:
    """The fields of a document of this kind."""
    marker = f"fieldward/{kind}/1\n".encode()
    if not data.startswith(marker):
        raise ValueError(f"not a {kind}")
    fields = unpack(data[len(marker) :])
    if not isinstance(fields, list):
        raise ValueError("not an array")
    return fields


def _pack_int(value: int) -> bytes:
    if -32 <= value <= 127:
        return value.to_bytes(1, "big", signed=value < 0)
    sizes = (1, 2, 4, 8)
    if value > 0:
        power = next(i for i, size in enumerate(sizes) if value < 1 << 8 * size)
        return bytes([0xCC + power]) + value.to_bytes(sizes[power], "big")
    power = next(i for i, size in enumerate(sizes) if value >= -(1 << 8 * size - 1))
    return bytes([0xD0 + power]) + value.to_bytes(sizes[power], "big", signed=True)


def _head(length: int, codes: tuple[int | None, int, int]) -> bytes:
    for code, size in zip(codes, (1, 2, 4), strict=True):
        if code is not None and length < 1 << 8 * size:
            return bytes([code]) + length.to_bytes(size, "big")
    raise ValueError("too long")


def _small_head(length: int, fixed: int, codes: tuple[int | None, int, int]) -> bytes:
    return bytes([fixed | length]) if length < 16 else _head(length, codes)


def _text(packed_key: bytes) -> bytes:
    text: str = _read(packed_key, 0)[0]
    return text.encode()


def _read(data: bytes, at: int) -> tuple[Any, int]:
    code, at = data[at], at + 1
    if code <= 0x7F or code >= 0xE0:
        return int.from_bytes([code], "big", signed=True), at
    if code <= 0x8F:
        return _read_map(data, at, code & 0x0F)
    if code <= 0x9F:
        return _read_array(data, at, code & 0x0F)
    if code <= 0xBF:
        return data[at : at + (code & 0x1F)].decode(), at + (code & 0x1F)
    if code in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[code], at
    if 0xCC <= code <= 0xD3:
        size = 1 << (code & 3)
        return int.from_bytes(data[at : at + size], "big", signed=code >= 0xD0), at + size
    size = {0xC4: 1, 0xD9: 1, 0xC5: 2, 0xDA: 2, 0xDC: 2, 0xDE: 2, 0xC6: 4, 0xDB: 4}.get(code, 4)
    length, at = int.from_bytes(data[at : at + size], "big"), at + size
    if code in (0xC4, 0xC5, 0xC6):
        return data[at : at + length], at + length
    if code in (0xD9, 0xDA, 0xDB):
        return data[at : at + length].decode(), at + length
    if code in (0xDC, 0xDD):
        return _read_array(data, at, length)
    if code in (0xDE, 0xDF):
        return _read_map(data, at, length)
    raise ValueError(f"no value of the protocol begins with {code:02x}")


def _read_array(data: bytes, at: int, length: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(length):
        value, at = _read(data, at)
        values.append(value)
    return values, at


def _read_map(data: bytes, at: int, length: int) -> tuple[dict[Any, Any], int]:
    values = {}
    for _ in range(length):
        key, at = _read(data, at)
        values[key], at = _read(data, at)
    return values, at
