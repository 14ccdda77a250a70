"""Why a lease was not renewed, in plain words, and what to do about it (A6, U3)."""

from __future__ import annotations

from fieldward_sync.errors import RefusedByServer

_ASK = "Ask your sync administrator. What you have can be read until its lease ends."

WORDS = {
    "paused": ("This device is paused.", "Ask your sync administrator to resume it."),
    "draining": (
        "This device is given nothing new any more.",
        "Read what it holds until its lease ends, and ask for another device.",
    ),
    "revoked": ("This device has been revoked.", "Ask your sync administrator for another."),
    "wiped": ("A wipe of this device was ordered.", "Ask your sync administrator for another."),
    "suspended": ("You are suspended.", "Ask your manager."),
    "vetting-over": (
        "Your vetting has run out.",
        "Have it renewed and recorded, then sync. Until then what you have can be read until its "
        "lease ends.",
    ),
    "training-over": (
        "Your training has run out.",
        "Take it and have it recorded, then sync. Until then what you have can be read until its "
        "lease ends.",
    ),
    "journal-incomplete": (
        "The server does not have all of this device's look-ups yet.",
        "Sync again. If it comes back, tell your sync administrator: the journal may be damaged.",
    ),
    "assurance-too-low": (
        "Your authority asks for a device with a key store.",
        "Ask your sync administrator which devices have one.",
    ),
}
"""By the code that the server gives: what it means, and the next step."""


def not_renewed(code: str) -> RefusedByServer:
    """What a device says when its lease was not renewed; a code that it does not know is told as it
    is."""
    message, next_step = WORDS.get(code, (f"The server says {code}.", _ASK))
    return RefusedByServer(code, f"The lease was not renewed: {message}", next_step=next_step)
