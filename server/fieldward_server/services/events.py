"""What administrators and the server did, and what looks like misuse or damage."""

from __future__ import annotations

from fieldward_server.services.platform import Platform
from fieldward_server.storage import events
from fieldward_server.storage.events import Event, Incident

__all__ = ["Event", "Incident", "list_events", "list_incidents"]


def list_events(platform: Platform, authority: str) -> tuple[Event, ...]:
    """An authority's events, in their order."""
    with platform.storage.reading() as transaction:
        return events.of_authority(transaction, authority)


def list_incidents(platform: Platform, authority: str) -> tuple[Incident, ...]:
    """An authority's incidents, in their order."""
    with platform.storage.reading() as transaction:
        return events.incidents(transaction, authority)
