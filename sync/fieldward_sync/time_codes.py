"""Time codes: the server's signed time, by voice, for a device that has no signal (design §8, V5).

The device shows a random challenge, an administrator types it in, and the server signs its time for
this challenge of this device. The code puts right what the device takes for the time; there is no
lease in it, and none is made longer. No clock here.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from fieldward_sync.encoding import Message, encode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.names import AuthorityCode, Count, DeviceId, Seconds
from fieldward_sync.signing import verify
from fieldward_sync.spoken import in_groups, read_groups

CHALLENGE_BYTES = 10
VERSION = 1
_TIME_BYTES = 5
_SIGNATURE_BYTES = 64
CODE_BYTES = 1 + _TIME_BYTES + _SIGNATURE_BYTES
VALID_SECONDS = 3600
"""How long a challenge may be answered, by the machine's time since its start."""

Challenge = Annotated[bytes, Meta(min_length=CHALLENGE_BYTES, max_length=CHALLENGE_BYTES)]


class TimeStatement(Message, frozen=True):
    """What the server signs. Both sides know all of it but the time, which the code carries."""

    marker: ClassVar[bytes] = b"fieldward/time-statement/1"
    authority: AuthorityCode
    device: DeviceId
    generation: Count
    challenge: Challenge
    time: Seconds
    """The server's, when it signed."""


def challenge_code(challenge: bytes) -> str:
    """The challenge as the device shows it."""
    return in_groups(challenge)


def read_challenge(typed: str) -> bytes:
    """The challenge in what was typed; ``CallerMistake("code-mistyped")``."""
    return read_groups(typed, size=CHALLENGE_BYTES)


def time_code(statement: TimeStatement, key: Ed25519PrivateKey) -> str:
    """The code that tells the device this time, signed with the answer key."""
    time = statement.time.to_bytes(_TIME_BYTES, "big")
    return in_groups(bytes([VERSION]) + time + key.sign(encode(statement)))


def open_time_code(
    typed: str,
    *,
    authority: str,
    device: str,
    generation: int,
    challenge: bytes,
    answer_key: bytes,
) -> int:
    """The server's time in a code that answers this challenge of this device.

    ``CallerMistake``: "code-mistyped" for what is no code, "time-code-wrong" for one that answers
    something else or is not the server's.
    """
    raw = read_groups(typed, size=CODE_BYTES)
    if raw[0] != VERSION:
        raise _wrong()
    time = int.from_bytes(raw[1 : 1 + _TIME_BYTES], "big")
    statement = TimeStatement(authority, device, generation, challenge, time)
    try:
        verify(answer_key, raw[1 + _TIME_BYTES :], encode(statement))
    except PeerBrokeProtocol as e:
        raise _wrong() from e
    return time


def _wrong() -> CallerMistake:
    return CallerMistake(
        "time-code-wrong",
        "This code is not the answer to what this device shows.",
        next_step="Have the office compare device and challenge, and give another code. If it comes"
        " back, the authority's keys were renewed since your last sync: then only a sync helps.",
    )
