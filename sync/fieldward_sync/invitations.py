"""The invitation code: what an administrator hands to a practitioner to enrol one device (V3).

It carries a secret that never crosses the wire and the fingerprint of the authority's root key,
so that the first contact needs no trust in the network. Which practitioner it names, whether it
was used, and when it ends is the server's knowledge. Printed as 48 characters of Crockford's
base 32 (no I, L, O, U) in groups of six; the last two bytes catch typing mistakes.

A code for a hand-over (P6) opens what lies on a device, where guesses cost nothing: it has a longer
secret, and less of the fingerprint, as the device has pinned the root key already.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from fieldward_sync import spoken
from fieldward_sync.errors import CallerMistake
from fieldward_sync.keys import derive

SECRET_BYTES = 11
HAND_OVER_SECRET_BYTES = 16
FINGERPRINT_BYTES = 16
SECRET_AND_FINGERPRINT_BYTES = SECRET_BYTES + FINGERPRINT_BYTES
CHECK_BYTES = 2
CODE_CHARACTERS = 48
GROUP_CHARACTERS = 6

_SECRET_BYTES = {1: SECRET_BYTES, 2: HAND_OVER_SECRET_BYTES}
"""By a code's version."""
_VERSIONS = {length: version for version, length in _SECRET_BYTES.items()}


@dataclass(frozen=True)
class Invitation:
    """What the code says."""

    secret: bytes
    root_fingerprint: bytes

    @classmethod
    def new(cls, secret: bytes, root_public_key: bytes) -> Invitation:
        """One of this authority's: for a hand-over, if the secret is of that length."""
        room = SECRET_AND_FINGERPRINT_BYTES - len(secret)
        return cls(secret, fingerprint(root_public_key)[:room])

    @property
    def hands_over(self) -> bool:
        """Whether it is for a hand-over, and enrols nothing."""
        return len(self.secret) == HAND_OVER_SECRET_BYTES

    def is_of(self, root_public_key: bytes) -> bool:
        """Whether the authority with this root key has made it."""
        return self == Invitation.new(self.secret, root_public_key)

    @property
    def invitation_id(self) -> bytes:
        """What the server knows it by; it does not reveal the secret."""
        return derive(self.secret, "invitation-id")

    @property
    def proof_key(self) -> bytes:
        """What proves, in an enrolment request, that its sender holds the code."""
        return derive(self.secret, "invitation-proof")

    def hand_over_seed(
        self, *, authority: str, device: str, generation: int, practitioner: str
    ) -> bytes:
        """The seed of the HPKE key that a hand-over is sealed to: this code, on this device, for
        this practitioner."""
        return derive(self.secret, "hand-over", authority, device, generation, practitioner)

    def code(self) -> str:
        """The code to print, read aloud or put in a QR image."""
        body = bytes([_VERSIONS[len(self.secret)]]) + self.secret + self.root_fingerprint
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
    if not hmac.compare_digest(check, _check(body)) or body[0] not in _SECRET_BYTES:
        raise mistyped
    end = 1 + _SECRET_BYTES[body[0]]
    return Invitation(secret=body[1:end], root_fingerprint=body[end:])


def fingerprint(root_public_key: bytes) -> bytes:
    """What a root key is known by: the first 16 bytes of its SHA-256."""
    return hashlib.sha256(root_public_key).digest()[:FINGERPRINT_BYTES]


def proof(proof_key: bytes, statement: bytes) -> bytes:
    """The proof, over the enrolment's statement, that its sender holds the code (HMAC-SHA-256)."""
    return hmac.digest(proof_key, statement, "sha256")


def _check(body: bytes) -> bytes:
    return hashlib.sha256(b"fieldward/code" + body).digest()[:CHECK_BYTES]
