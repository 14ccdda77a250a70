"""C2SP chunked-encryption as Cobblestone-256, from its specification."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from second_implementation.keys import expand

CHUNK_BYTES = 16384
_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"


def seal(key: bytes, context: bytes, salt: bytes, plaintext: bytes) -> bytes:
    """Seal under a key and a context with 24 bytes of salt."""
    chunk_key, nonce, commitment = _derive(key, context, salt)
    chunks = [
        plaintext[start : start + CHUNK_BYTES]
        for start in range(0, len(plaintext) + 1, CHUNK_BYTES)
    ]
    aead = AESGCM(chunk_key)
    sealed = [aead.encrypt(_nonce(nonce, i), chunk, b"") for i, chunk in enumerate(chunks)]
    return salt + commitment + b"".join(sealed)


def open_sealed(key: bytes, context: bytes, sealed: bytes) -> bytes:
    """What was sealed; ``ValueError`` or ``InvalidTag`` for anything else."""
    salt, commitment, rest = sealed[:24], sealed[24:56], sealed[56:]
    chunk_key, nonce, expected = _derive(key, context, salt)
    if commitment != expected:
        raise ValueError("another key or context")
    if len(rest) % (CHUNK_BYTES + 16) < 16:
        raise ValueError("the last chunk is missing")
    aead = AESGCM(chunk_key)
    starts = range(0, len(rest), CHUNK_BYTES + 16)
    return b"".join(
        aead.decrypt(_nonce(nonce, i), rest[start : start + CHUNK_BYTES + 16], b"")
        for i, start in enumerate(starts)
    )


def _derive(key: bytes, context: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    made = expand(key, _LABEL + salt + context, 32 + 12 + 32, "sha512")
    return made[:32], made[32:44], made[44:]


def _nonce(base: bytes, index: int) -> bytes:
    return (int.from_bytes(base, "big") ^ index).to_bytes(12, "big")
