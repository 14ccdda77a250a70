"""Sealing: C2SP chunked-encryption as Cobblestone-256 (https://c2sp.org/chunked-encryption).

AES-256-GCM in chunks of 16 KiB, keys from HKDF-Expand with SHA-512 (the hash of the published
Cobblestone vectors), a 24-byte salt and a 32-byte commitment to key and context in front. Sealed
bytes open under exactly one key and one context, and only whole: what was changed, cut, lengthened
or put in another order does not open. Nothing is given out before it has been authenticated.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from fieldward_sync.errors import CallerMistake, Error, PeerBrokeProtocol

Entropy = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for, from a generator fit for keys."""

KEY_BYTES = 32
CHUNK_BYTES = 16 * 1024
MAX_CHUNKS = 1 << 38

_SALT_BYTES = 24
_COMMITMENT_BYTES = 32
_HEADER_BYTES = _SALT_BYTES + _COMMITMENT_BYTES
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SEALED_CHUNK_BYTES = CHUNK_BYTES + _TAG_BYTES
_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"


def seal(key: bytes, context: bytes, plaintext: bytes, *, entropy: Entropy) -> bytes:
    """Seal ``plaintext`` under 32 uniformly random bytes of key and under its context.

    The context says what this is (whose, which, which version); it is bound, not stored.
    Raises ``CallerMistake`` if the key, or what ``entropy`` gives, has another length.
    """
    salt = entropy(_SALT_BYTES)
    if len(salt) != _SALT_BYTES:
        raise CallerMistake("entropy-size", f"The salt must be {_SALT_BYTES} random bytes.")
    message = _MessageKeys.derive(key, context, salt)
    view = memoryview(plaintext)
    chunks = (view[start : start + CHUNK_BYTES] for start in range(0, len(view) + 1, CHUNK_BYTES))
    sealed = (
        message.aead.encrypt(message.nonce(index), chunk, None)
        for index, chunk in enumerate(chunks)
    )
    return b"".join((salt, message.commitment, *sealed))


def open_sealed(key: bytes, context: bytes, sealed: bytes) -> bytes:
    """What ``seal`` was given for this key and context.

    Raises ``PeerBrokeProtocol("seal-broken")`` for any other key, context or bytes, and
    ``CallerMistake`` for a key that is not 32 bytes long.
    """
    opener = Opener(key, context)
    return opener.feed(sealed) + opener.finish()


def sealed_size(opened_bytes: int) -> int:
    """How long ``opened_bytes`` bytes are once sealed; ``CallerMistake`` if that cannot be."""
    full_chunks = opened_bytes // CHUNK_BYTES
    if not 0 <= full_chunks < MAX_CHUNKS:
        raise CallerMistake("size-impossible", f"Nothing of {opened_bytes} bytes can be sealed.")
    return _HEADER_BYTES + opened_bytes + (full_chunks + 1) * _TAG_BYTES


class Opener:
    """Opens sealed bytes while they arrive, in pieces of any size.

    Give every piece to ``feed`` and then call ``finish``; what both return, in order, is the
    plaintext. Each returned byte is authentic in itself, but only ``finish`` tells that nothing is
    missing: act on nothing before. After an error every further call raises it again. How much is
    fed is for the caller to bound, by the sealed size that the manifest gives.
    """

    def __init__(self, key: bytes, context: bytes) -> None:
        """Raise ``CallerMistake`` for a key that is not 32 bytes long."""
        _check_key(key)
        self._key = key
        self._context = context
        self._pending = bytearray()
        self._message: _MessageKeys | None = None
        self._next_chunk = 0
        self._end: Error | None = None

    def feed(self, data: bytes) -> bytes:
        """The plaintext of the chunks that ``data`` completes; ``PeerBrokeProtocol`` if wrong."""
        self._check_open()
        self._pending += data
        if self._message is None:
            if len(self._pending) < _HEADER_BYTES:
                return b""
            self._message = self._read_header()
        opened = []
        while len(self._pending) >= _SEALED_CHUNK_BYTES:
            opened.append(self._open_chunk(self._message, _SEALED_CHUNK_BYTES))
        return b"".join(opened)

    def finish(self) -> bytes:
        """The last plaintext, and the proof that it is whole; ``PeerBrokeProtocol`` if it is not.

        Calling anything after this is a ``CallerMistake``.
        """
        self._check_open()
        # The last chunk is always a short one: without it, something has been cut off.
        if self._message is None or len(self._pending) < _TAG_BYTES:
            raise self._broken("The sealed bytes end too early.")
        last = self._open_chunk(self._message, len(self._pending))
        self._end = CallerMistake("opener-finished", "These sealed bytes have been opened already.")
        return last

    def _read_header(self) -> _MessageKeys:
        header = self._take(_HEADER_BYTES)
        message = _MessageKeys.derive(self._key, self._context, header[:_SALT_BYTES])
        if not hmac.compare_digest(message.commitment, header[_SALT_BYTES:]):
            raise self._broken("This was sealed with another key or for another purpose.")
        return message

    def _open_chunk(self, message: _MessageKeys, size: int) -> bytes:
        nonce = message.nonce(self._next_chunk)
        try:
            chunk = message.aead.decrypt(nonce, self._take(size), None)
        except InvalidTag as e:
            raise self._broken(
                f"Chunk {self._next_chunk} was changed, moved, cut or does not belong here."
            ) from e
        self._next_chunk += 1
        return chunk

    def _take(self, size: int) -> bytes:
        taken = bytes(self._pending[:size])
        del self._pending[:size]
        return taken

    def _broken(self, message: str) -> Error:
        self._end = PeerBrokeProtocol("seal-broken", message)
        return self._end

    def _check_open(self) -> None:
        if self._end is not None:
            raise self._end.with_traceback(None)


@dataclass(frozen=True)
class _MessageKeys:
    """What one salt makes of a key and a context: the keys of one sealed message only."""

    aead: AESGCM
    base_nonce: int
    commitment: bytes

    @classmethod
    def derive(cls, key: bytes, context: bytes, salt: bytes) -> _MessageKeys:
        _check_key(key)
        length = KEY_BYTES + _NONCE_BYTES + _COMMITMENT_BYTES
        derived = HKDFExpand(SHA512(), length, _LABEL + salt + context).derive(key)
        return cls(
            aead=AESGCM(derived[:KEY_BYTES]),
            base_nonce=int.from_bytes(derived[KEY_BYTES:-_COMMITMENT_BYTES], "big"),
            commitment=derived[-_COMMITMENT_BYTES:],
        )

    def nonce(self, chunk: int) -> bytes:
        return (self.base_nonce ^ chunk).to_bytes(_NONCE_BYTES, "big")


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise CallerMistake("key-size", f"A sealing key is {KEY_BYTES} bytes, not {len(key)}.")
