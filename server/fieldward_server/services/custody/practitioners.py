"""Practitioners: who may hold leases and enquire, while vetting and training are in date (A6) and
nobody has suspended them (A4).

A suspended practitioner is, on each of their devices, as on a paused one; a colleague who shares
a device works on. It is said in every answer to every device that they are on, also to a locked
one. What they typed is delivered and merges; the journal comes in, which is what is looked into.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.register_entries import Person, SuspensionChange
from fieldward_server.services.arguments import check
from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.device_reports import HolderReport, report_holder
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import Transaction, events, holders, practitioners
from fieldward_server.storage.practitioners import Practitioner
from fieldward_sync.access import Access
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.names import PractitionerId

__all__ = [
    "Practitioner",
    "PractitionerReport",
    "TheirDevice",
    "add_practitioner",
    "barred_by",
    "known_practitioner",
    "list_practitioners",
    "registered_person",
    "require_not_suspended",
    "resume_practitioner",
    "show_practitioner",
    "suspend_practitioner",
]


@dataclass(frozen=True)
class TheirDevice:
    """A device that a practitioner is on. Times are whole seconds since 1970 UTC, 0 for never."""

    device: str
    generation: int
    name: str
    access: Access
    last_contact: int
    """Whoever was at the device: from then on it knows who is suspended."""
    holding: HolderReport


@dataclass(frozen=True)
class PractitionerReport:
    """A practitioner, and where they can read what until when."""

    practitioner: Practitioner
    devices: tuple[TheirDevice, ...]


def add_practitioner(
    platform: Platform,
    *,
    authority: str,
    practitioner: str,
    name: str,
    role: str,
    team: str,
    employer: str,
    manager: str,
    vetted_until: int,
    trained_until: int,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Add a practitioner, or bring what is known of them up to date. Who is suspended stays so.

    ``CallerMistake("argument-malformed")`` for an id that is none.
    """
    check(PractitionerId, practitioner, "practitioner's id")
    if practitioner == DEVICE_KEY:
        raise CallerMistake("argument-malformed", f"No practitioner can be called {DEVICE_KEY}.")
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        practitioners.put(
            transaction,
            Practitioner(
                authority,
                practitioner,
                name,
                role,
                team,
                employer,
                manager,
                vetted_until,
                trained_until,
            ),
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


def show_practitioner(
    platform: Platform, *, authority: str, practitioner: str
) -> PractitionerReport:
    """A practitioner, and what they may hold on which devices, earlier generations included.

    ``CallerMistake("unknown-practitioner")`` if there is none.
    """
    with platform.storage.reading() as transaction:
        found = known_practitioner(transaction, authority, practitioner)
        there = holders.of_practitioner(transaction, authority, practitioner)
        on = ((holders.device_of(transaction, holder), holder) for holder in there)
        return PractitionerReport(
            found,
            tuple(
                TheirDevice(
                    device=device.device,
                    generation=device.generation,
                    name=device.name,
                    access=Access(device.access),
                    last_contact=device.last_contact,
                    holding=report_holder(transaction, holder, suspended=bool(found.suspended_at)),
                )
                for device, holder in on
            ),
        )


def suspend_practitioner(
    platform: Platform, *, authority: str, practitioner: str, actor: str, reason: str, now: int
) -> Practitioner:
    """Suspend a practitioner on all of their devices, and on any they come to, until they are
    resumed (A4); what is known of them, and so whom to tell. One who is suspended stays so since
    when they were.

    ``CallerMistake("unknown-practitioner")`` if there is none.
    """
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        found = known_practitioner(transaction, authority, practitioner)
        if not found.suspended_at:
            _suspend(platform, transaction, found, at=now, actor=actor, reason=reason, now=now)
        return known_practitioner(transaction, authority, practitioner)


def resume_practitioner(
    platform: Platform, *, authority: str, practitioner: str, actor: str, reason: str, now: int
) -> None:
    """Let a suspended practitioner work again: each device at its next sync. One who is not
    suspended stays as they are.

    ``CallerMistake("unknown-practitioner")`` if there is none.
    """
    with opening(platform, authority) as transaction:
        locked(transaction, authority)
        found = known_practitioner(transaction, authority, practitioner)
        if found.suspended_at:
            _suspend(platform, transaction, found, at=0, actor=actor, reason=reason, now=now)


def _suspend(
    platform: Platform,
    transaction: Transaction,
    found: Practitioner,
    *,
    at: int,
    actor: str,
    reason: str,
    now: int,
) -> None:
    practitioners.suspend(transaction, found, at=at)
    register(platform, transaction, SuspensionChange(found.authority, found.practitioner, at > 0))
    events.add(
        transaction,
        authority=found.authority,
        at=now,
        actor=actor,
        action="practitioner-suspended" if at else "practitioner-resumed",
        subject=found.practitioner,
        reason=reason,
    )


def known_practitioner(transaction: Transaction, authority: str, practitioner: str) -> Practitioner:
    """A practitioner; ``CallerMistake("unknown-practitioner")`` if there is none."""
    found = practitioners.find(transaction, authority, practitioner)
    if found is None:
        raise CallerMistake(
            "unknown-practitioner",
            f"There is no practitioner {practitioner[:32]!r}.",
            next_step="`fieldward practitioner list` has them all; `practitioner add` adds one.",
        )
    return found


def require_not_suspended(practitioner: Practitioner) -> None:
    """``CallerMistake("suspended")`` for one to whom nothing is to be given."""
    if practitioner.suspended_at:
        raise CallerMistake(
            "suspended",
            f"{practitioner.practitioner} is suspended.",
            next_step="Lift that first: `fieldward practitioner resume`.",
        )


def registered_person(practitioner: Practitioner) -> Person:
    """A practitioner as the shield register keeps them."""
    return Person(
        practitioner.name,
        practitioner.role,
        practitioner.team,
        practitioner.employer,
        practitioner.manager,
        practitioner.vetted_until,
        practitioner.trained_until,
    )


def barred_by(practitioner: Practitioner | None, *, now: int) -> str:
    """The code that tells why somebody gets no lease and no answer to an enquiry: they are
    suspended (A4), or their vetting or training has ended (A6); empty if they do."""
    if practitioner and practitioner.suspended_at:
        return "suspended"
    if not practitioner or practitioner.vetted_until <= now:
        return "vetting-over"
    return "training-over" if practitioner.trained_until <= now else ""
