"""Asking the office for the time, where there is no signal (design §8, V5).

A challenge is shown, and answered once: it is erased before its answer is believed. How long the
answer took is added to the time in it, so that a code that was held back sets no clock back.
"""

from __future__ import annotations

from typing import ClassVar

from fieldward_client.enrolled.installation import Installation
from fieldward_sync.clock import Reading
from fieldward_sync.encoding import Message
from fieldward_sync.errors import CallerMistake
from fieldward_sync.time_codes import (
    CHALLENGE_BYTES,
    VALID_SECONDS,
    Challenge,
    challenge_code,
    open_time_code,
)

TIME_ASKED = "time-asked"


class TimeAsked(Message, frozen=True):
    """The challenge that waits for its answer, and when it was made."""

    marker: ClassVar[bytes] = b"fieldward/time-asked/1"
    challenge: Challenge
    at: Reading


def ask_for_time(here: Installation) -> str:
    """A new challenge, to be read out; the one before is worth nothing any more."""
    challenge = here.entropy(CHALLENGE_BYTES)
    here.folder.store(TIME_ASKED, TimeAsked(challenge, here.clock.reading()))
    return challenge_code(challenge)


def take_time(here: Installation, code: str) -> None:
    """Take the time from the office's code as from a contact.

    ``CallerMistake``: "time-not-asked" without a challenge, "time-asked-before" if it was made too
    long ago, or before the machine was started; and as ``open_time_code``.
    """
    asked, reading = here.folder.load(TIME_ASKED, TimeAsked), here.clock.reading()
    if asked is None:
        raise CallerMistake(
            "time-not-asked",
            "This device waits for no time code; each is good for once.",
            next_step="Have it show a challenge and read that to your office.",
        )
    passed = reading.since_boot - asked.at.since_boot
    if reading.boot != asked.at.boot or passed > VALID_SECONDS:
        raise CallerMistake(
            "time-asked-before",
            "Since this device showed its challenge it was restarted, or an hour has passed.",
            next_step="Have it show another challenge and read that to your office.",
        )
    time = open_time_code(
        code,
        authority=here.identity.authority,
        device=here.identity.device,
        generation=here.identity.generation,
        challenge=asked.challenge,
        answer_key=here.trust.answer_key,
    )
    here.folder.remove(TIME_ASKED)
    here.clock.contact(time + passed, reading)
