"""What administrators and the server did, and what looks like misuse or damage."""

from __future__ import annotations

from fieldward_server.services.platform import Platform
from fieldward_server.storage import events
from fieldward_server.storage.events import Event, Incident

__all__ = ["Event", "Incident", "list_events", "list_incidents"]

MAX_EVENTS = 1000
"""That are told at a time."""


def list_events(
    platform: Platform, authority: str, *, after: int | None = None, limit: int = MAX_EVENTS
) -> tuple[Event, ...]:
    """An authority's events in their order: at most ``limit`` of those after number ``after``, or
    the last ones."""
    at_most = min(limit, MAX_EVENTS)
    with platform.storage.reading() as transaction:
        if after is None:
            return events.last(transaction, authority, at_most=at_most)
        return events.following(transaction, authority, after=after, at_most=at_most)


def list_incidents(platform: Platform, authority: str) -> tuple[Incident, ...]:
    """An authority's incidents, in their order."""
    with platform.storage.reading() as transaction:
        return events.incidents(transaction, authority)
