"""Disputes: a value marked as disputed, decided by the authority, and listed while it is open (R2).

Practitioners mark values too, by an edit from their device; how a dispute ended is said here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.services.records.provenance import HistoricValue, Provenance
from fieldward_server.storage import Transaction, events, records
from fieldward_sync.disputes import ID_BYTES, Dispute, dispute_id, field_of, new_dispute
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import field_rule
from fieldward_sync.records import Change, Value
from fieldward_sync.schema import check_edit

RECORDS_IN_A_PAGE = 100
CORRECTED = "corrected"


@dataclass(frozen=True)
class OpenDispute:
    """A dispute that waits for a decision."""

    record_id: str
    dispute: Dispute
    received_at: int
    """When it came to the server, in seconds since 1970 UTC: by this its age is reckoned, since a
    device's clock may be wrong."""
    practitioner: str | None
    """Whoever marked the value on a device."""
    administrator: str | None
    """Or by a command."""
    hidden: bool
    """No device shows it: the disputed field is hidden on this record."""
    values: tuple[HistoricValue, ...]
    """What stands at the path now."""


def raise_dispute(
    platform: Platform,
    *,
    authority: str,
    record: str,
    path: str,
    by: str,
    actor: str,
    reason: str,
    now: int,
) -> str:
    """Mark what stands at a path as disputed from today on; what the new dispute is called.

    ``CallerMistake``: "unknown-record", "unknown-field", "not-disputable", "no-value" where nothing
    stands, "already-disputed" while the same party's dispute of it is open, "invalid-edit" for more
    of them than a record holds, "record-full".
    """
    with platform.storage.transaction() as transaction:
        book, known = _open(platform, transaction, authority, record, now=now)
        if not field_rule(path).disputable:
            raise CallerMistake("not-disputable", f"{path} cannot be disputed.")
        if known.values.get(path) is None and path not in known.conflicts:
            raise CallerMistake("no-value", f"Nothing stands at {path} that could be disputed.")
        if any((d.path, d.by) == (path, by) and d.is_open for d in known.disputes):
            raise CallerMistake(
                "already-disputed",
                f"{path} is disputed already, by the same party.",
                next_step="Decide that dispute first.",
            )
        member = dispute_id(platform.entropy(ID_BYTES))
        fields = new_dispute(member, path=path, since=_day(now), by=by)
        _accept(book, known, fields, administrator=actor, basis=reason)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="dispute-raised",
            subject=f"{record} {path}",
            reason=reason,
        )
    return member


def decide_dispute(
    platform: Platform,
    *,
    authority: str,
    record: str,
    dispute: str,
    outcome: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Say how a dispute ended, today. It stays with the record, and every device shows it at its
    next sync where it shows the field.

    ``CallerMistake``: "unknown-record", "unknown-dispute", "already-decided", "not-corrected" where
    nothing has been set there since it was raised, "record-full".
    """
    with platform.storage.transaction() as transaction:
        book, known = _open(platform, transaction, authority, record, now=now)
        found = next((each for each in known.disputes if each.dispute_id == dispute), None)
        if found is None:
            raise CallerMistake("unknown-dispute", f"{record} has no dispute {dispute!r}.")
        if not found.is_open:
            raise CallerMistake(
                "already-decided",
                f"It was decided on {found.ended}: {found.outcome}.",
                next_step="If the value is disputed anew, raise another dispute.",
            )
        if outcome == CORRECTED and not _set_since(known, found):
            raise CallerMistake(
                "not-corrected",
                f"Nothing has been set at {found.path} since it was disputed.",
                next_step="Have it corrected first; if nobody knows what is right, it is upheld.",
            )
        fields: dict[str, Value] = {
            field_of(dispute, "outcome"): outcome,
            # It may have been marked on a device whose clock is ahead.
            field_of(dispute, "ended"): max(found.since, _day(now)),
        }
        _accept(book, known, fields, administrator=actor, basis=reason)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action=f"dispute-{outcome}",
            subject=f"{record} {found.path}",
            reason=reason,
        )


def list_disputes(
    platform: Platform, authority: str, *, after: str = "", limit: int = RECORDS_IN_A_PAGE
) -> tuple[OpenDispute, ...]:
    """The open disputes of an authority's records, the oldest of each record first: all of at most
    ``limit`` records, from the first after record ``after`` on; empty after the last."""
    with platform.storage.reading() as transaction:
        found = records.disputed(
            transaction, authority, after=after, at_most=min(limit, RECORDS_IN_A_PAGE)
        )
        provenances = [Provenance.find(transaction, authority, each) for each in found]
    return tuple(
        _waiting(provenance, dispute)
        for provenance in provenances
        for dispute in provenance.known.disputes
        if dispute.is_open
    )


def _open(
    platform: Platform, transaction: Transaction, authority: str, record: str, *, now: int
) -> tuple[Book, KnownRecord]:
    book = Book(platform, transaction, locked(transaction, authority), now=now)
    return book, book.known(record)


def _accept(
    book: Book, known: KnownRecord, fields: Mapping[str, Value], *, administrator: str, basis: str
) -> None:
    checked = check_edit(fields, shown=known.values)
    changes = [Change(path, value) for path, value in checked.items()]
    book.accept_as_server(known, changes, administrator=administrator, basis=basis)
    book.write()


def _set_since(known: KnownRecord, dispute: Dispute) -> bool:
    """Whether what stands there came after the dispute, all of it."""
    raised = _raised(known, dispute)
    return all(known.numbers[each.dot] > raised for each in known.record.live.get(dispute.path, ()))


def _raised(known: KnownRecord, dispute: Dispute) -> int:
    """The number of the edit that marked the value."""
    return known.numbers[known.record.live[field_of(dispute.dispute_id, "path")][0].dot]


def _waiting(provenance: Provenance, dispute: Dispute) -> OpenDispute:
    known, said = provenance.known, field_of(dispute.dispute_id, "path")
    first = provenance.live_at(said)[0]
    return OpenDispute(
        record_id=known.record.record_id,
        dispute=dispute,
        received_at=first.received_at,
        practitioner=first.practitioner,
        administrator=first.administrator,
        hidden=said not in known.shown,
        values=provenance.live_at(dispute.path),
    )


def _day(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()
