"""Practitioners: who may hold leases and enquire, while vetting and training are in date (A6)."""

from __future__ import annotations

from fieldward_server.register_entries import Person
from fieldward_server.services.arguments import check
from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.storage import events, practitioners
from fieldward_server.storage.practitioners import Practitioner
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.names import PractitionerId

__all__ = [
    "Practitioner",
    "add_practitioner",
    "list_practitioners",
    "out_of_date",
    "registered_person",
]


def add_practitioner(
    platform: Platform,
    *,
    authority: str,
    practitioner: str,
    name: str,
    role: str,
    team: str,
    vetted_until: int,
    trained_until: int,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Add a practitioner, or bring what is known of them up to date.

    ``CallerMistake("argument-malformed")`` for an id that is none.
    """
    check(PractitionerId, practitioner, "practitioner's id")
    if practitioner == DEVICE_KEY:
        raise CallerMistake("argument-malformed", f"No practitioner can be called {DEVICE_KEY}.")
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        practitioners.put(
            transaction,
            Practitioner(authority, practitioner, name, role, team, vetted_until, trained_until),
        )
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="practitioner-put",
            subject=practitioner,
            reason=reason,
        )


def list_practitioners(platform: Platform, authority: str) -> tuple[Practitioner, ...]:
    """An authority's practitioners, by id."""
    with platform.storage.reading() as transaction:
        return practitioners.of_authority(transaction, authority)


def registered_person(practitioner: Practitioner) -> Person:
    """A practitioner as the shield register keeps them."""
    return Person(
        practitioner.name,
        practitioner.role,
        practitioner.team,
        practitioner.vetted_until,
        practitioner.trained_until,
    )


def out_of_date(practitioner: Practitioner | None, *, now: int) -> str:
    """The code that tells that somebody's vetting or training has ended (A6); empty if they are in
    date."""
    if not practitioner or practitioner.vetted_until <= now:
        return "vetting-over"
    return "training-over" if practitioner.trained_until <= now else ""
