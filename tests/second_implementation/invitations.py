"""Invitation codes, character by character."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from second_implementation.keys import derive

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Code(NamedTuple):
    """What a code carries."""

    secret: bytes
    fingerprint: bytes

    @property
    def invitation_id(self) -> bytes:
        return derive(self.secret, "invitation-id")

    @property
    def proof_key(self) -> bytes:
        return derive(self.secret, "invitation-proof")


def check(body: bytes) -> bytes:
    """The two bytes that catch typing mistakes."""
    return hashlib.sha256(b"fieldward/code" + body).digest()[:2]


def spell(raw: bytes) -> str:
    """30 bytes as 48 characters in groups of six."""
    number = int.from_bytes(raw, "big")
    text = "".join(_DIGITS[number >> shift & 31] for shift in range(235, -1, -5))
    return "-".join(text[start : start + 6] for start in range(0, 48, 6))


def make(secret: bytes, fingerprint: bytes) -> str:
    """The code for a secret and what it carries of a root key's fingerprint."""
    version = b"\x01" if len(secret) == 11 else b"\x02"
    body = version + secret + fingerprint
    return spell(body + check(body))


def read(code: str) -> Code:
    """A code as it was printed."""
    number = 0
    for character in code.replace("-", ""):
        number = number << 5 | _DIGITS.index(character)
    raw = number.to_bytes(30, "big")
    body = raw[:28]
    if raw[28:] != check(body) or body[0] not in (1, 2):
        raise ValueError("mistyped")
    end = 12 if body[0] == 1 else 17
    return Code(body[1:end], body[end:28])
