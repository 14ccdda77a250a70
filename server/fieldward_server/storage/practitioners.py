"""Practitioners as stored."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.devices import Device
from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Practitioner:
    """A person who looks things up. Times in whole seconds since 1970 UTC."""

    authority: str
    practitioner: str
    name: str
    role: str
    team: str
    employer: str
    manager: str
    """Who is told when they are suspended (A4). Empty, as the employer is, where neither was asked
    for yet."""
    vetted_until: int
    trained_until: int
    suspended_at: int = 0
    """0 for one who is not suspended (A4)."""


def put(transaction: Transaction, practitioner: Practitioner) -> None:
    """Add a practitioner, or replace what is known of them. Who is suspended stays so."""
    transaction.execute(
        "INSERT INTO practitioner (authority, practitioner, name, role, team,"
        " employer, manager, vetted_until, trained_until) VALUES (:authority, :practitioner,"
        " :name, :role, :team, :employer, :manager, :vetted_until, :trained_until)"
        " ON CONFLICT (authority, practitioner) DO UPDATE SET"
        " name = excluded.name, role = excluded.role, team = excluded.team,"
        " employer = excluded.employer, manager = excluded.manager,"
        " vetted_until = excluded.vetted_until, trained_until = excluded.trained_until",
        authority=practitioner.authority,
        practitioner=practitioner.practitioner,
        name=practitioner.name,
        role=practitioner.role,
        team=practitioner.team,
        employer=practitioner.employer,
        manager=practitioner.manager,
        vetted_until=practitioner.vetted_until,
        trained_until=practitioner.trained_until,
    )


def find(transaction: Transaction, authority: str, practitioner: str) -> Practitioner | None:
    """One practitioner."""
    rows = transaction.execute(
        "SELECT * FROM practitioner WHERE authority = :authority AND practitioner = :practitioner",
        authority=authority,
        practitioner=practitioner,
    )
    return Practitioner(**rows[0]) if rows else None


def suspend(transaction: Transaction, practitioner: Practitioner, *, at: int) -> None:
    """Suspend a practitioner from this time on; 0 lifts that."""
    transaction.execute(
        "UPDATE practitioner SET suspended_at = :at"
        " WHERE authority = :authority AND practitioner = :practitioner",
        authority=practitioner.authority,
        practitioner=practitioner.practitioner,
        at=at,
    )


def suspended_on(transaction: Transaction, device: Device) -> tuple[str, ...]:
    """Of the practitioners on a device, those who are suspended, by id."""
    rows = transaction.execute(
        "SELECT h.practitioner FROM holder h JOIN practitioner p ON p.authority = h.authority"
        " AND p.practitioner = h.practitioner WHERE h.authority = :authority"
        " AND h.device = :device AND h.generation = :generation AND p.suspended_at > 0"
        " ORDER BY h.practitioner",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
    )
    return tuple(row["practitioner"] for row in rows)


def of_authority(transaction: Transaction, authority: str) -> tuple[Practitioner, ...]:
    """All of an authority's, by id."""
    rows = transaction.execute(
        "SELECT * FROM practitioner WHERE authority = :authority ORDER BY practitioner",
        authority=authority,
    )
    return tuple(Practitioner(**row) for row in rows)
