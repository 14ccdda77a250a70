"""Practitioners as stored."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Practitioner:
    """A person who looks things up. Times in whole seconds since 1970 UTC."""

    authority: str
    practitioner: str
    name: str
    role: str
    team: str
    vetted_until: int
    trained_until: int


def put(transaction: Transaction, practitioner: Practitioner) -> None:
    """Add a practitioner, or replace what is known of them."""
    transaction.execute(
        "INSERT INTO practitioner (authority, practitioner, name, role, team,"
        " vetted_until, trained_until) VALUES (:authority, :practitioner, :name, :role, :team,"
        " :vetted_until, :trained_until) ON CONFLICT (authority, practitioner) DO UPDATE SET"
        " name = excluded.name, role = excluded.role, team = excluded.team,"
        " vetted_until = excluded.vetted_until, trained_until = excluded.trained_until",
        authority=practitioner.authority,
        practitioner=practitioner.practitioner,
        name=practitioner.name,
        role=practitioner.role,
        team=practitioner.team,
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


def of_authority(transaction: Transaction, authority: str) -> tuple[Practitioner, ...]:
    """All of an authority's, by id."""
    rows = transaction.execute(
        "SELECT * FROM practitioner WHERE authority = :authority ORDER BY practitioner",
        authority=authority,
    )
    return tuple(Practitioner(**row) for row in rows)
