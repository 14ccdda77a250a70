"""The invitation code: what an administrator hands to a practitioner to enrol one device (V3).

It carries a secret that never crosses the wire and the fingerprint of the authority's root key,
so that the first contact needs no trust in the network. Which practitioner it names, whether it
was used, and when it ends is the server's knowledge. Printed as 48 characters of Crockford's
base 32 (no I, L, O, U) in groups of six; the last two bytes catch typing mistakes.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from fieldward_sync import spoken
from fieldward_sync.errors import CallerMistake
from fieldward_sync.keys import derive

VERSION = 1
SECRET_BYTES = 11
FINGERPRINT_BYTES = 16
CHECK_BYTES = 2
CODE_CHARACTERS = 48
GROUP_CHARACTERS = 6


@dataclass(frozen=True)
class Invitation:
    """What the code says."""

    secret: bytes
    root_fingerprint: bytes

    @property
    def invitation_id(self) -> bytes:
        """What the server knows it by; it does not reveal the secret."""
        return derive(self.secret, "invitation-id")

    @property
    def proof_key(self) -> bytes:
        """What proves, in an enrolment request, that its sender holds the code."""
        return derive(self.secret, "invitation-proof")

    def code(self) -> str:
        """The code to print, read aloud or put in a QR image."""
        body = bytes([VERSION]) + self.secret + self.root_fingerprint
        text = spoken.written(body + _check(body))
        groups = range(0, CODE_CHARACTERS, GROUP_CHARACTERS)
        return "-".join(text[start : start + GROUP_CHARACTERS] for start in groups)


def read_code(code: str) -> Invitation:
    """The invitation in a code as typed: case, blanks, hyphens and I/L/O for 1/1/0 are forgiven.

    ``CallerMistake("code-mistyped")`` if it cannot be a code.
    """
    mistyped = CallerMistake(
        "code-mistyped",
        "This is not an invitation code.",
        next_step="Compare it with the code you were given, character by character.",
    )
    text = spoken.as_meant(code)
    if len(text) != CODE_CHARACTERS:
        raise mistyped
    try:
        raw = spoken.read(text)
    except ValueError as e:
        raise mistyped from e
    body, check = raw[:-CHECK_BYTES], raw[-CHECK_BYTES:]
    if not hmac.compare_digest(check, _check(body)) or body[0] != VERSION:
        raise mistyped
    return Invitation(secret=body[1 : 1 + SECRET_BYTES], root_fingerprint=body[1 + SECRET_BYTES :])


def fingerprint(root_public_key: bytes) -> bytes:
    """What a code carries of the root key: the first 16 bytes of its SHA-256."""
    return hashlib.sha256(root_public_key).digest()[:FINGERPRINT_BYTES]


def proof(proof_key: bytes, statement: bytes) -> bytes:
    """The proof, over the enrolment's statement, that its sender holds the code (HMAC-SHA-256)."""
    return hmac.digest(proof_key, statement, "sha256")


def _check(body: bytes) -> bytes:
    return hashlib.sha256(b"fieldward/code" + body).digest()[:CHECK_BYTES]
