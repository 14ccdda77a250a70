"""What a sync did, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from fieldward_sync.errors import Error


class SyncOutcome(Enum):
    """One word for how a sync ended. None of them loses anything."""

    COMPLETE = "complete"
    """Everything was delivered, and the store is the server's present state."""

    DELIVERED = "delivered"
    """Everything was delivered; nothing can come down: locked, paused, draining, revoked, wiped."""

    PARTIAL = "partial"
    """The server was reached, but not all of it happened; ``error`` says what stopped it."""

    OFFLINE = "offline"
    """The server was not reached: the normal case in the field."""

    REFUSED = "refused"
    """The server refused the request; ``error`` says why."""

    DISTRUSTED = "distrusted"
    """What answered is not our server, or broke the protocol; nothing of it was used."""


@dataclass(frozen=True)
class EditVerdict:
    """What became of one edit."""

    generation: int
    """The device's when it was made, as in ``Device.pending``."""
    counter: int
    """Its number in that generation."""
    outcome: Literal["merged", "conflict", "refused"]
    code: str
    """Why it was refused."""


@dataclass(frozen=True)
class SyncReport:
    """What came and what went."""

    outcome: SyncOutcome
    error: Error | None
    access: Literal["active", "paused", "draining", "revoked"]
    """What the server permits, as far as this device has heard."""
    edits_sent: int
    look_ups_sent: int
    verdicts: tuple[EditVerdict, ...]
    lease_renewed: bool
    updated: tuple[str, ...]
    """Titles of the partitions that changed."""
    lost: tuple[str, ...]
    """Titles of the partitions that are no longer here."""
    on_line_now: tuple[str, ...]
    """Titles of those that are no longer here, and are to be asked for on line instead."""
    bytes_fetched: int
    """Of sealed files."""
    wiped: bool


@dataclass(frozen=True)
class SyncProgress:
    """How far a sync is: ``done`` of ``total`` items to deliver, of seconds to wait in line because
    the server has others to serve first, of bytes to fetch, what came earlier included, or of
    records to open and check. Only what has to come again takes ``done`` back."""

    step: Literal["deliver", "wait", "fetch", "open"]
    done: int
    total: int


Progress = Callable[[SyncProgress], None]
