"""Signed documents: the exact bytes that were signed, kept together with who signed them.

The marker at the head of the payload separates purposes: a lease can never pass for an order.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from fieldward_sync.encoding import Message, MessageT, Part, decode, encode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.names import Signature

MAX_SIGNED_BYTES = 1 << 20


class Signed(Part, frozen=True):
    """A document and the Ed25519 signature over its exact bytes."""

    payload: Annotated[bytes, Meta(max_length=MAX_SIGNED_BYTES)]
    signature: Signature

    def open(self, kind: type[MessageT], public_key: bytes) -> MessageT:
        """The document, once its signature by ``public_key`` holds; ``PeerBrokeProtocol`` else."""
        verify(public_key, self.signature, self.payload)
        return decode(kind, self.payload, max_bytes=MAX_SIGNED_BYTES)


def sign(document: Message, key: Ed25519PrivateKey) -> Signed:
    """The document's bytes with their signature."""
    payload = encode(document)
    return Signed(payload, key.sign(payload))


def verify(public_key: bytes, signature: bytes, payload: bytes) -> None:
    """Raise ``PeerBrokeProtocol("signature-wrong")`` unless the signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, payload)
    except (InvalidSignature, ValueError) as e:
        raise PeerBrokeProtocol("signature-wrong", "A signature does not hold.") from e


def signing_key(seed: bytes) -> Ed25519PrivateKey:
    """The Ed25519 private key whose 32 bytes these are (RFC 8032)."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes others verify with."""
    return key.public_key().public_bytes_raw()
