"""The event log, and incidents. Both take their numbers from the authority's row."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.devices import Device
from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Event:
    """Something that was done. No record content: codes and ids alone."""

    authority: str
    number: int
    at: int
    actor: str
    action: str
    subject: str
    reason: str


@dataclass(frozen=True)
class Incident:
    """Something that should not have happened, for a person to look into."""

    authority: str
    device: str
    generation: int
    kind: str
    detail: str
    number: int
    at: int


def add(
    transaction: Transaction,
    *,
    authority: str,
    at: int,
    actor: str,
    action: str,
    subject: str,
    reason: str = "",
) -> None:
    """Append to the event log."""
    transaction.execute(
        "INSERT INTO event (authority, number, at, actor, action, subject, reason)"
        " VALUES (:authority, :number, :at, :actor, :action, :subject, :reason)",
        authority=authority,
        number=_next_number(transaction, authority),
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        reason=reason,
    )


def open_incident(
    transaction: Transaction, device: Device, kind: str, detail: str, *, at: int
) -> None:
    """Open an incident of a device; the same again is the same one."""
    transaction.execute(
        "INSERT INTO incident (authority, device, generation, kind, detail, number, at)"
        " VALUES (:authority, :device, :generation, :kind, :detail, :number, :at)"
        " ON CONFLICT DO NOTHING",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
        kind=kind,
        detail=detail,
        number=_next_number(transaction, device.authority),
        at=at,
    )


def following(
    transaction: Transaction, authority: str, *, after: int, at_most: int
) -> tuple[Event, ...]:
    """The first of an authority's events after that number, in their order."""
    rows = transaction.execute(
        "SELECT * FROM event WHERE authority = :authority AND number > :after"
        " ORDER BY number LIMIT :at_most",
        authority=authority,
        after=after,
        at_most=at_most,
    )
    return tuple(Event(**row) for row in rows)


def last(transaction: Transaction, authority: str, *, at_most: int) -> tuple[Event, ...]:
    """The last of an authority's events, in their order."""
    rows = transaction.execute(
        "SELECT * FROM event WHERE authority = :authority ORDER BY number DESC LIMIT :at_most",
        authority=authority,
        at_most=at_most,
    )
    return tuple(Event(**row) for row in reversed(rows))


def incidents(transaction: Transaction, authority: str) -> tuple[Incident, ...]:
    """An authority's incidents, in their order."""
    rows = transaction.execute(
        "SELECT * FROM incident WHERE authority = :authority ORDER BY number",
        authority=authority,
    )
    return tuple(Incident(**row) for row in rows)


def incidents_of(transaction: Transaction, authority: str, device: str, generation: int) -> int:
    """How many incidents there are of a device."""
    (row,) = transaction.execute(
        "SELECT count(*) AS incidents FROM incident WHERE authority = :authority"
        " AND device = :device AND generation = :generation",
        authority=authority,
        device=device,
        generation=generation,
    )
    return int(row["incidents"])


def _next_number(transaction: Transaction, authority: str) -> int:
    (row,) = transaction.execute(
        "UPDATE authority SET event_number = event_number + 1 WHERE authority = :authority"
        " RETURNING event_number",
        authority=authority,
    )
    return int(row["event_number"])
