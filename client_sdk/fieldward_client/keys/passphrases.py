"""What a passphrase costs to try, and how it becomes an unlock key (A2, design §7)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Annotated, ClassVar

from msgspec import Meta

from fieldward_sync.encoding import Message
from fieldward_sync.errors import CallerMistake, LocalDataDamaged
from fieldward_sync.keys import ARGON2_FLOOR, Argon2Cost, derive, label, unlock_key
from fieldward_sync.names import Key
from fieldward_sync.sealing import Entropy

SALT_BYTES = 16
MIN_PASSPHRASE_CHARACTERS = 8
MAX_PASSPHRASE_CHARACTERS = 1000

UNLOCK_SECONDS = 0.5
"""What one guess is to take on the device that it was set on."""
MOST_ITERATIONS = 64
"""On no device more: a clock that jumped while it was measured must not lock anybody out."""

Stopwatch = Callable[[], float]


class Lock(Message, frozen=True):
    """How a passphrase becomes an unlock key. The tag is the device secret's: whoever has not got
    that cannot change what a guess costs."""

    marker: ClassVar[bytes] = b"fieldward/passphrase/2"
    cost: Argon2Cost
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    tag: Key

    @classmethod
    def new(
        cls, secret: bytes, entropy: Entropy, *, stopwatch: Stopwatch = time.perf_counter
    ) -> Lock:
        """A lock for a new passphrase, as dear as ``UNLOCK_SECONDS`` makes it on this device."""
        cost, salt = calibrated(stopwatch), entropy(SALT_BYTES)
        return cls(cost, salt, _tag(secret, cost, salt))

    def require_unaltered(self, secret: bytes) -> None:
        """``LocalDataDamaged("lock-altered")`` unless cost and salt are as they were set here."""
        if not hmac.compare_digest(self.tag, _tag(secret, self.cost, self.salt)):
            raise LocalDataDamaged(
                "lock-altered",
                "What a passphrase costs to try is not as it was set on this device.",
                next_step="Somebody changed the device's folder. Report it with its code, and ask "
                "your sync administrator for an invitation: what you typed is still delivered.",
            )

    def unlock_key(self, passphrase: str, secret: bytes) -> bytes:
        """What passphrase and device secret open together; slow on purpose."""
        self.require_unaltered(secret)
        return _derive(passphrase, secret, self.cost, self.salt)


def calibrated(stopwatch: Stopwatch) -> Argon2Cost:
    """The cost of a guess that takes ``UNLOCK_SECONDS`` here: RFC 9106's second recommended
    choice, and as many more passes as that leaves time for."""
    seconds = min(_measured(stopwatch) for _ in range(2))
    passes = ARGON2_FLOOR.iterations
    if seconds > 0:
        passes = max(passes, min(MOST_ITERATIONS, round(passes * UNLOCK_SECONDS / seconds)))
    return Argon2Cost(ARGON2_FLOOR.memory_kib, passes, ARGON2_FLOOR.lanes)


def check_typed(passphrase: object) -> None:
    """Refuse what is no text before it costs an attempt: nobody typed it."""
    if not isinstance(passphrase, str):
        raise CallerMistake("not-text", "A passphrase is to be text, as it was typed.")


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that protects nothing."""
    check_typed(passphrase)
    if not MIN_PASSPHRASE_CHARACTERS <= len(passphrase) <= MAX_PASSPHRASE_CHARACTERS:
        raise CallerMistake(
            "passphrase-short",
            f"A passphrase has at least {MIN_PASSPHRASE_CHARACTERS} characters.",
            next_step="Choose a longer one: three random words are good.",
        )


def _measured(stopwatch: Stopwatch) -> float:
    began = stopwatch()
    _derive("", bytes(32), ARGON2_FLOOR, bytes(SALT_BYTES))
    return stopwatch() - began


def _derive(passphrase: str, secret: bytes, cost: Argon2Cost, salt: bytes) -> bytes:
    return unlock_key(
        passphrase, device_secret=secret, salt=salt, cost=cost, binding=label("unlock")
    )


def _tag(secret: bytes, cost: Argon2Cost, salt: bytes) -> bytes:
    return derive(secret, "lock", cost.memory_kib, cost.iterations, cost.lanes, salt)
