"""Every key derivation and key wrap of the protocol (design §7), each labelled with its purpose.

Primitives come from ``cryptography``; nothing here is a construction of our own. HPKE draws its
ephemeral randomness inside that library: it is the one thing here that is not an argument.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldward_sync.encoding import Part, pack
from fieldward_sync.errors import CallerMistake, LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.names import Count

KEY_BYTES = 32
MLKEM_PUBLIC_BYTES = 1184

HpkePrivateKey = MLKEM768X25519PrivateKey
HpkeRecipient = MLKEM768X25519PublicKey

_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class Argon2Cost(Part, frozen=True):
    """What one guess at a passphrase costs."""

    memory_kib: Count
    iterations: Count
    lanes: Count


ARGON2_FLOOR = Argon2Cost(memory_kib=64 * 1024, iterations=3, lanes=4)
"""RFC 9106, section 4, second recommended option; nothing cheaper is ever opened."""


def label(purpose: str, *context: str | int | bytes) -> bytes:
    """The one way a purpose and what it is bound to become bytes: for HKDF and HPKE ``info`` and
    for the context of a seal."""
    return pack((f"fieldward/{purpose}/1", *context))


def derive(secret: bytes, purpose: str, *context: str | int | bytes) -> bytes:
    """A 32-byte key for one purpose (HKDF-SHA-256, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=label(purpose, *context)).derive(secret)


def unlock_key(
    passphrase: str, *, device_secret: bytes, salt: bytes, cost: Argon2Cost, binding: bytes
) -> bytes:
    """What a practitioner's passphrase and the device's secret open together (A2, RFC 9106).

    A cost below the floor is refused as ``LocalDataDamaged("cost-lowered")``: somebody rewrote
    the parameters to make guessing cheap.
    """
    floor = ARGON2_FLOOR
    if (
        cost.memory_kib < floor.memory_kib
        or cost.iterations < floor.iterations
        or cost.lanes < floor.lanes
    ):
        raise LocalDataDamaged("cost-lowered", "The cost of a passphrase guess was lowered.")
    return Argon2id(
        salt=salt,
        length=KEY_BYTES,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
        secret=device_secret,
        ad=binding,
    ).derive(passphrase.encode(errors="surrogatepass"))  # a terminal may give what is no text


def store_key_wrap(vault_key: bytes, lease_secret: bytes, *, device: str, generation: int) -> bytes:
    """What wraps the store key: useless without the passphrase, useless without the lease."""
    return derive(vault_key + lease_secret, "store-key-wrap", device, generation)


def hpke_public_key(seed: bytes) -> bytes:
    """The 1,216 public bytes of the hybrid key pair grown from a 32-byte seed."""
    mlkem, x25519 = _hybrid_halves(seed)
    return mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


def hpke_recipient(public_bytes: bytes) -> HpkeRecipient:
    """The public key that these bytes are, for who seals much to one."""
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public_bytes[:MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public_bytes[MLKEM_PUBLIC_BYTES:]),
        )
    except ValueError as e:
        raise _key_malformed() from e


def hpke_seal(key: bytes | HpkeRecipient, *, info: bytes, plaintext: bytes) -> bytes:
    """Seal to a public key (RFC 9180 base mode, ML-KEM-768 with X25519), given by its bytes or
    read. It authenticates nobody and binds only ``info``: whatever matters goes in there."""
    recipient = hpke_recipient(key) if isinstance(key, bytes) else key
    try:
        return _SUITE.encrypt(plaintext, recipient, info)
    except ValueError as e:
        raise _key_malformed() from e


def hpke_private_key(seed: bytes) -> HpkePrivateKey:
    """The private key grown from a 32-byte seed: for who opens much with one, as growing it takes
    longer than opening does. It is as secret as the seed."""
    return MLKEM768X25519PrivateKey(*_hybrid_halves(seed))


def hpke_open(key: bytes | HpkePrivateKey, *, info: bytes, sealed: bytes) -> bytes:
    """Open what was sealed to a key pair, given by its seed or grown, for the same ``info``."""
    private = hpke_private_key(key) if isinstance(key, bytes) else key
    try:
        return _SUITE.decrypt(sealed, private, info)
    except (InvalidTag, ValueError) as e:
        raise PeerBrokeProtocol("seal-broken", "This was not sealed to this key.") from e


def _key_malformed() -> CallerMistake:
    return CallerMistake("key-malformed", "This is not a hybrid public key.")


def _hybrid_halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    """X-Wing's expansion (draft-connolly-cfrg-xwing-kem): SHAKE-256 of the seed, 96 bytes."""
    expanded = hashlib.shake_256(seed).digest(96)
    return (
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]),
        X25519PrivateKey.from_private_bytes(expanded[64:]),
    )
