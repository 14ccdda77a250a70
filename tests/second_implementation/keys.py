"""Keys: HKDF, Argon2id, Ed25519 and the hybrid HPKE, each from its specification."""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from second_implementation.encoding import pack

MLKEM_PUBLIC_BYTES, MLKEM_CIPHERTEXT_BYTES = 1184, 1088
ENCAPSULATED_BYTES = MLKEM_CIPHERTEXT_BYTES + 32
_XWING_LABEL = b"\\.//^\\"
_HPKE_SUITE = b"HPKE" + bytes.fromhex("647a 0001 0002")


def label(purpose: str, *context: str | int | bytes) -> bytes:
    """A purpose and what it is bound to, as ``info`` or as a sealing context."""
    return pack((f"fieldward/{purpose}/1", *context))


def extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract (RFC 5869) with SHA-256."""
    return hmac.digest(salt or bytes(32), secret, "sha256")


def expand(key: bytes, info: bytes, length: int, algorithm: str = "sha256") -> bytes:
    """HKDF-Expand (RFC 5869)."""
    made, block, number = b"", b"", 0
    while len(made) < length:
        number += 1
        block = hmac.digest(key, block + info + bytes([number]), algorithm)
        made += block
    return made[:length]


def derive(secret: bytes, purpose: str, *context: str | int | bytes) -> bytes:
    """A 32-byte key for one purpose."""
    return expand(extract(b"", secret), label(purpose, *context), 32)


def unlock_key(passphrase: str, device_secret: bytes, salt: bytes) -> bytes:
    """What passphrase and device secret open together: Argon2id at the floor of its cost."""
    return Argon2id(
        salt=salt,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=65536,
        secret=device_secret,
        ad=label("unlock"),
    ).derive(passphrase.encode())


def signing_public(seed: bytes) -> bytes:
    """The Ed25519 public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """An Ed25519 signature."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verify(public: bytes, signature: bytes, message: bytes) -> None:
    """Raise ``InvalidSignature`` unless it holds."""
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def signed(seed: bytes, payload: bytes) -> list[bytes]:
    """A signed document: its exact bytes and their signature."""
    return [payload, sign(seed, payload)]


class HybridKey(NamedTuple):
    """The two halves that a 32-byte seed grows into."""

    mlkem: MLKEM768PrivateKey
    x25519: X25519PrivateKey

    @classmethod
    def of(cls, seed: bytes) -> HybridKey:
        grown = hashlib.shake_256(seed).digest(96)
        return cls(
            MLKEM768PrivateKey.from_seed_bytes(grown[:64]),
            X25519PrivateKey.from_private_bytes(grown[64:]),
        )

    @property
    def public(self) -> bytes:
        """1,184 bytes of ML-KEM-768 and 32 of X25519."""
        return (
            self.mlkem.public_key().public_bytes_raw() + self.x25519.public_key().public_bytes_raw()
        )

    def decapsulate(self, encapsulated: bytes) -> bytes:
        """The shared secret behind 1,120 encapsulated bytes."""
        ciphertext = encapsulated[:MLKEM_CIPHERTEXT_BYTES]
        ephemeral = encapsulated[MLKEM_CIPHERTEXT_BYTES:]
        return _combine(
            self.mlkem.decapsulate(ciphertext),
            self.x25519.exchange(X25519PublicKey.from_public_bytes(ephemeral)),
            ephemeral,
            self.x25519.public_key().public_bytes_raw(),
        )


def encapsulate(public: bytes, ephemeral_seed: bytes) -> tuple[bytes, bytes]:
    """A fresh shared secret for a public key, and the 1,120 bytes that carry it."""
    shared, ciphertext = MLKEM768PublicKey.from_public_bytes(
        public[:MLKEM_PUBLIC_BYTES]
    ).encapsulate()
    ephemeral = X25519PrivateKey.from_private_bytes(ephemeral_seed)
    recipient = public[MLKEM_PUBLIC_BYTES:]
    sent = ephemeral.public_key().public_bytes_raw()
    exchanged = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    return _combine(shared, exchanged, sent, recipient), ciphertext + sent


def hpke_seal(shared: bytes, encapsulated: bytes, info: bytes, plaintext: bytes) -> bytes:
    """Seal one message under an encapsulated secret: HPKE base mode, the first message."""
    key, nonce = _schedule(shared, info)
    return encapsulated + AESGCM(key).encrypt(nonce, plaintext, b"")


def hpke_open(seed: bytes, info: bytes, sealed: bytes) -> bytes:
    """Open what was sealed to the key pair of a seed."""
    encapsulated, ciphertext = sealed[:ENCAPSULATED_BYTES], sealed[ENCAPSULATED_BYTES:]
    key, nonce = _schedule(HybridKey.of(seed).decapsulate(encapsulated), info)
    return AESGCM(key).decrypt(nonce, ciphertext, b"")


def _combine(mlkem: bytes, x25519: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    return hashlib.sha3_256(mlkem + x25519 + ephemeral + recipient + _XWING_LABEL).digest()


def _schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and first nonce: RFC 9180, section 5.1, in base mode."""

    def labeled_extract(salt: bytes, name: bytes, secret: bytes) -> bytes:
        return extract(salt, b"HPKE-v1" + _HPKE_SUITE + name + secret)

    def labeled_expand(key: bytes, name: bytes, context: bytes, length: int) -> bytes:
        return expand(
            key,
            length.to_bytes(2, "big") + b"HPKE-v1" + _HPKE_SUITE + name + context,
            length,
        )

    context = (
        b"\x00"
        + labeled_extract(b"", b"psk_id_hash", b"")
        + labeled_extract(b"", b"info_hash", info)
    )
    secret = labeled_extract(shared, b"secret", b"")
    return (
        labeled_expand(secret, b"key", context, 32),
        labeled_expand(secret, b"base_nonce", context, 12),
    )
