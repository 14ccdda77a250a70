"""The inbox of refused edits: kept with the reason for ever, and decided by a person (invariant 1).

What is let in later is a new edit of the server's, which names its origin (design §5).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from fieldward_server.services.authorities import locked
from fieldward_server.services.exchange.edit_intake import UNREADABLE
from fieldward_server.services.exchange.proposals import in_this_incarnation, naming_only, sparing
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book, NewEdit
from fieldward_server.services.records.known_records import SERVER, KnownRecord
from fieldward_server.services.records.notices import tell_of_decision, tell_of_settling
from fieldward_server.storage import Transaction, edits, events
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.edits import InboxItem
from fieldward_sync.encoding import decode
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import Writer, check_writer, field_rule
from fieldward_sync.limits import RELEASED
from fieldward_sync.outbox import MAX_ENTRY_BYTES
from fieldward_sync.projection import settled_by_rule
from fieldward_sync.records import Edit, Proposal
from fieldward_sync.schema import check_edit
from fieldward_sync.versions import Dot

ITEMS_IN_A_PAGE = 500
ADMITTED, DECLINED, FORWARDED = "admitted", "declined", "forwarded"


@dataclass(frozen=True)
class InboxEntry:
    """A refused edit, kept with the reason."""

    number: int
    """What it is called here."""
    actor: str
    counter: int | None
    """``None`` where the delivered bytes did not open, so that nobody knows."""
    practitioner: str
    code: str
    received_at: int
    decision: str
    """``admitted``, ``declined`` or ``forwarded``; empty while it waits for a person."""
    decided_at: int
    proposal: Proposal | None
    """``None`` where the delivered bytes did not open."""


def list_inbox(
    platform: Platform,
    authority: str,
    *,
    after: int = 0,
    limit: int = ITEMS_IN_A_PAGE,
    which: str = "open",
) -> tuple[InboxEntry, ...]:
    """The refused edits of an authority after number ``after``, in the order they came: those that
    wait for a person, or all of them."""
    with platform.storage.reading() as transaction:
        items = edits.inbox(
            transaction,
            authority,
            after=after,
            at_most=min(limit, ITEMS_IN_A_PAGE),
            decided_too=which == "all",
        )
    return tuple(_entry(item) for item in items)


def admit(
    platform: Platform, *, authority: str, number: int, actor: str, reason: str, now: int
) -> None:
    """Let a refused edit in, as a new edit of the server's: it replaces what its author was shown,
    and stands beside what came meanwhile. Its author is told.

    ``CallerMistake``: "unknown-item", "already-decided", "edit-unreadable", "unknown-record",
    "record-moved" for one to be forwarded, "shield-release" for one that would release a latch,
    "record-full", or as a value may not be.
    """
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        item, proposal = undecided(transaction, authority, number)
        book = Book(platform, transaction, row, now=now)
        known = book.known(proposal.record_id)
        edit = in_dots(transaction, row, item, proposal, known)
        let_in(platform, transaction, book, known, edit, actor=actor, reason=reason, now=now)
        decide(platform, transaction, item, proposal, ADMITTED, actor=actor, reason=reason, now=now)


def decline(
    platform: Platform, *, authority: str, number: int, actor: str, reason: str, now: int
) -> None:
    """Say that a refused edit stays out. It is kept all the same; its author is told.

    ``CallerMistake``: "unknown-item", "already-decided".
    """
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        item = _undecided(transaction, authority, number)
        told = _proposal(item)
        decide(platform, transaction, item, told, DECLINED, actor=actor, reason=reason, now=now)


def undecided(transaction: Transaction, authority: str, number: int) -> tuple[InboxItem, Proposal]:
    """A refused edit that a person may let in; ``CallerMistake``: "unknown-item",
    "already-decided", "edit-unreadable"."""
    item = _undecided(transaction, authority, number)
    proposal = _proposal(item)
    if proposal is None:
        raise CallerMistake("edit-unreadable", "This edit does not open: nobody knows it.")
    return item, proposal


def in_dots(
    transaction: Transaction,
    row: Authority,
    item: InboxItem,
    proposal: Proposal,
    known: KnownRecord,
) -> Edit:
    """A refused edit of a record, still under its own dot, that names what its author was shown by
    dots; ``CallerMistake("path-repeated")``."""
    numbers = known.by_number
    here = in_this_incarnation(transaction, row, proposal)
    here = naming_only(here, numbers.__contains__, base=min(here.base, len(numbers)))
    device, _, generation = item.actor.rpartition(".")
    edit = here.as_edit(device=device, generation=int(generation), shown=numbers)
    if len({change.path for change in edit.changes}) < len(edit.changes):
        raise CallerMistake("path-repeated", "The edit sets a field twice.")
    return msgspec.structs.replace(edit, practitioner=item.practitioner, admits=edit.dot)


def let_in(
    platform: Platform,
    transaction: Transaction,
    book: Book,
    known: KnownRecord,
    edit: Edit,
    *,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Accept a refused edit as one of the server's, and write the book; ``CallerMistake`` if it
    cannot merge into the record as it is now."""
    _check(edit, known)
    admitted = msgspec.structs.replace(
        sparing(edit, book.hidden(known)), dot=book.next_dot, administrator=actor, basis=reason
    )
    there, takes_effect = book.goes_on(known, admitted)
    book.accept(known, NewEdit(admitted, SERVER))
    book.write()
    tell_of_settling(
        platform, transaction, book.authority, there, takes_effect, reason=reason, now=now
    )


def decide(
    platform: Platform,
    transaction: Transaction,
    item: InboxItem,
    proposal: Proposal | None,
    decision: str,
    *,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Store what a person decided about a refused edit, and tell its author."""
    edits.decide(transaction, item, decision, at=now)
    if proposal is not None:
        tell_of_decision(
            platform,
            transaction,
            item.authority,
            practitioner=item.practitioner,
            origin=Dot(item.actor, proposal.counter),
            record_id=proposal.record_id,
            admitted=decision != DECLINED,
            reason=reason,
            now=now,
        )
    events.add(
        transaction,
        authority=item.authority,
        at=now,
        actor=actor,
        action=f"edit-{decision}",
        subject=f"{item.number}",
        reason=reason,
    )


def _undecided(transaction: Transaction, authority: str, number: int) -> InboxItem:
    item = edits.inbox_item(transaction, authority, number)
    if item is None:
        raise CallerMistake("unknown-item", f"There is no refused edit {number} in the inbox.")
    if item.decision:
        raise CallerMistake(
            "already-decided",
            f"Edit {number} has been {item.decision} before.",
            next_step="That is final; `fieldward inbox list --all` shows it.",
        )
    return item


def _check(edit: Edit, known: KnownRecord) -> None:
    values = {change.path: change.value for change in edit.changes}
    for path, value in values.items():
        check_writer(path, value, Writer.SERVER)
        if settled_by_rule(path) and value == RELEASED:
            raise CallerMistake(
                "shield-release",
                f"It would release {field_rule(path).pattern}; only a command of its own does.",
            )
    check_edit(values, shown=known.values)


def _proposal(item: InboxItem) -> Proposal | None:
    if item.counter == UNREADABLE:
        return None
    return decode(Proposal, item.content, max_bytes=MAX_ENTRY_BYTES)


def _entry(item: InboxItem) -> InboxEntry:
    return InboxEntry(
        number=item.number,
        actor=item.actor,
        counter=None if item.counter == UNREADABLE else item.counter,
        practitioner=item.practitioner,
        code=item.code,
        received_at=item.received_at,
        decision=item.decision,
        decided_at=item.decided_at,
        proposal=_proposal(item),
    )
