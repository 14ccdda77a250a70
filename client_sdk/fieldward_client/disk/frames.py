"""A file of frames: appended one after the other, each durable before ``append`` returns.

The file begins with a marker. A frame is the length of its payload (4 bytes, big-endian), a check
(the first 8 bytes of the SHA-256 of length and payload) and the payload. A tail that was torn by a
crash is cut when the file is opened; a broken frame in the middle is stepped over and reported, so
that it takes nothing with it that is still good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fieldward_client.disk.folder import Folder
from fieldward_sync.errors import CallerMistake

MARKER = b"fieldward/frames/1\n"
MAX_PAYLOAD_BYTES = 32 * 1024

_LENGTH_BYTES = 4
_CHECK_BYTES = 8
_HEAD_BYTES = _LENGTH_BYTES + _CHECK_BYTES


class Scan(NamedTuple):
    """What a file of frames holds."""

    payloads: tuple[bytes, ...]
    good_bytes: int
    """Where the last whole frame ends: what follows was torn."""
    broken: bool
    """Whether something in the middle is damaged, or the beginning is missing."""


class FrameFile:
    """An open file of frames."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file = folder.appended(name)
        scan = read_frames(self._file.read())
        self.payloads = scan.payloads
        """What the file held when it was opened."""
        self.torn_bytes = len(self._file) - scan.good_bytes
        self.broken = scan.broken
        if self.torn_bytes:
            self._file.cut(scan.good_bytes)

    @classmethod
    def create(cls, folder: Folder, name: str, payloads: Iterable[bytes]) -> FrameFile:
        """A new file, in place of any that was there, with these payloads."""
        folder.replace(name, MARKER + b"".join(frame(payload) for payload in payloads))
        return cls(folder, name)

    def __len__(self) -> int:
        return len(self._file)

    def append(self, *payloads: bytes) -> None:
        """Append payloads in one write; they are durable when this returns."""
        self._file.append(b"".join(frame(payload) for payload in payloads))

    def rewrite(self, payloads: Iterable[bytes]) -> None:
        """Replace all payloads, durably and as one."""
        content = MARKER + b"".join(frame(payload) for payload in payloads)
        try:
            self._folder.replace(self._name, content)
        finally:  # a failure may have come when the name was the new file's already
            self._file.follow()
        self.broken = False

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def frame(payload: bytes) -> bytes:
    """One frame's bytes; ``CallerMistake("frame-too-long")`` beyond ``MAX_PAYLOAD_BYTES``."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise CallerMistake("frame-too-long", f"A frame holds at most {MAX_PAYLOAD_BYTES} bytes.")
    length = len(payload).to_bytes(_LENGTH_BYTES, "big")
    return length + _check(length, payload) + payload


def read_frames(data: bytes) -> Scan:
    """All whole frames in these bytes, whatever lies between them."""
    payloads = []
    started = data.startswith(MARKER)
    good = len(MARKER) if started else 0
    gap = not started
    for start, payload in _whole_frames(data, good):
        gap = gap or start != good
        good = start + _HEAD_BYTES + len(payload)
        payloads.append(payload)
    return Scan(tuple(payloads), good, gap)


def _whole_frames(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start + _HEAD_BYTES <= len(data):
        payload = _frame_at(data, start)
        if payload is None:
            start += 1  # the next whole frame shows itself by its check
        else:
            yield start, payload
            start += _HEAD_BYTES + len(payload)


def _frame_at(data: bytes, start: int) -> bytes | None:
    length = data[start : start + _LENGTH_BYTES]
    begin = start + _HEAD_BYTES
    end = begin + int.from_bytes(length, "big")
    if end - begin > MAX_PAYLOAD_BYTES or end > len(data):
        return None
    payload = data[begin:end]
    return payload if data[start + _LENGTH_BYTES : begin] == _check(length, payload) else None


def _check(length: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(length + payload).digest()[:_CHECK_BYTES]
