"""Handing a record to another authority, in two steps and never by an edit (D6, R8).

The giving authority's administrator offers the record, the taking one's accepts it. Until then the
giver is responsible and may withdraw the offer, the taker may decline it; from then on the taker
is, in one transaction of both. The record goes with all of its edits. What the giver keeps is
closed: it is shown to nobody, found by nothing, and redacted on every device that may hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fieldward_server.register_entries import Moved
from fieldward_server.services.authorities import known as known_authority
from fieldward_server.services.authorities import lock_all, require_founded
from fieldward_server.services.distribution.holdings import is_in_use
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.records.carrying import carry_in, is_another, leave_behind
from fieldward_server.services.records.crossings import person_elsewhere
from fieldward_server.services.records.known_records import (
    KnownRecord,
    find_records,
    responsible_for,
)
from fieldward_server.services.registering import opening, register, write_down
from fieldward_server.storage import Transaction, authorities, events, grants, partitions, transfers
from fieldward_server.storage.transfers import StoredTransfer
from fieldward_sync.errors import CallerMistake
from fieldward_sync.projection import is_shielded

RANDOM_BYTES = 4
TRANSFERS_IN_A_PAGE = 500

OFFERED, ACCEPTED, DECLINED, WITHDRAWN, LAPSED = (
    "offered",
    "accepted",
    "declined",
    "withdrawn",
    "lapsed",
)
Side = Literal["giver", "taker"]

ENDINGS: Mapping[str, Side | None] = {
    ACCEPTED: "taker",
    DECLINED: "taker",
    WITHDRAWN: "giver",
    LAPSED: None,
}
"""What an offer may become, once, and whose administrator says so. One lapses by a restore."""


@dataclass(frozen=True)
class TransferReport:
    """A record that was offered, for people of either authority. Times are whole seconds since 1970
    UTC; who said what is in the event log of each."""

    transfer_id: str
    record_id: str
    giver: str
    taker: str
    state: str
    offered_at: int
    ended_at: int
    """0 while it waits for the taker."""


@dataclass(frozen=True)
class TransferPreview:
    """What it would come to that a record goes to another authority, as one of the two sees it. No
    value is repeated here."""

    record_id: str
    giver: str
    taker: str
    edits: int
    """That go with it."""
    conflicts: int
    open_disputes: int
    shielded: bool
    """Whether it is, and so will be."""
    partitions: tuple[str, ...]
    """One's own: those that it would leave, or come into."""
    devices: int
    """One's own, where somebody may hold one of these."""
    unsent_edits: int
    """That these devices last said they had not delivered, of any record."""
    teams: tuple[str, ...]
    """Of the record's teams those that the taker has a partition for: the same code may mean
    another team there. The giver is not told."""
    is_there_already: bool
    """The taker has a record of that id, so it cannot accept this one. The giver is not told."""


def preview_offer(
    platform: Platform, *, authority: str, record: str, taker: str
) -> TransferPreview:
    """What it would come to to offer a record; ``CallerMistake`` as ``offer``."""
    with platform.storage.reading() as transaction:
        for code in (authority, taker):
            known_authority(authorities.find(transaction, code), code)
        _require_other(authority, taker)
        known = _offerable(find_records(transaction, authority, [record]).get(record), record)
        leaving = frozenset(known.elements)
        return _preview(transaction, known, authority, taker, authority, leaving)


def preview_accept(
    platform: Platform, *, authority: str, record: str, giver: str
) -> TransferPreview:
    """What it would come to to accept a record that is offered; ``CallerMistake``: "no-offer"."""
    with platform.storage.reading() as transaction:
        for code in (authority, giver):
            known_authority(authorities.find(transaction, code), code)
        _open_offer(transaction, authority, record, giver=giver, taker=authority)
        found = find_records(transaction, giver, [record]).get(record)
        known = responsible_for(found, record)
        chosen = partitions.chosen_by(transaction, authority, known.rules)
        coming = frozenset(each.partition_id for each in chosen)
        there = find_records(transaction, authority, [record]).get(record)
        return _preview(
            transaction,
            known,
            giver,
            authority,
            authority,
            coming,
            teams=sorted({each.rule for each in chosen if each.rule.startswith("team:")}),
            is_there_already=is_another(there, known, giver, authority),
        )


def offer(
    platform: Platform,
    *,
    authority: str,
    record: str,
    taker: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Offer a record to another authority of this server. Nothing changes until it accepts.

    ``CallerMistake``: "unknown-authority", "not-founded", "same-authority", "unknown-record",
    "record-moved", "already-merged", "already-offered".
    """
    with platform.storage.transaction() as transaction:
        rows = lock_all(transaction, authority, taker)
        _require_other(authority, taker)
        require_founded(rows[taker])
        book = Book(platform, transaction, rows[authority], now=now)
        _offerable(book.find(record), record)
        for waiting in transfers.of_record(transaction, authority, record, state=OFFERED):
            if waiting.giver == authority:
                raise CallerMistake(
                    "already-offered",
                    f"{record} is offered to {waiting.taker} already.",
                    next_step="Withdraw that offer first, or wait for the answer to it.",
                )
        made = StoredTransfer(
            authority=authority,
            transfer_id=f"{now:08x}{platform.entropy(RANDOM_BYTES).hex()}",  # listed by time
            record_id=record,
            giver=authority,
            taker=taker,
            state=OFFERED,
            offered_at=now,
        )
        _put(transaction, made, by=authority, actor=actor, reason=reason, at=now)


def accept(
    platform: Platform,
    *,
    authority: str,
    record: str,
    giver: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Take over a record that is offered: from here on this authority is responsible for it, and
    the giver is not.

    ``CallerMistake``: "no-offer", "record-exists" where there is another record of that id here;
    ``RetryLater("register-behind")`` if it is taken over and the register does not say so yet.
    """
    with opening(platform, authority) as transaction:
        rows = lock_all(transaction, authority, giver)
        found = _open_offer(transaction, authority, record, giver=giver, taker=authority)
        write_down(platform, transaction, giver)  # how it came there, before how it went on
        giving, taking = (
            Book(platform, transaction, rows[code], now=now) for code in (giver, authority)
        )
        known = _offerable(giving.find(record), record)
        if is_another(taking.find(record), known, giver, authority):
            raise CallerMistake(
                "record-exists",
                f"There is another record {record} here already, or there was.",
                next_step="Decline the offer; the giver loads the child under another id.",
            )
        carry_in(transaction, taking, record, givers=[giver])
        left = tuple(sorted(known.elements))
        leave_behind(transaction, giving, record, taker=authority, partitions=left, now=now)
        taking.write()
        giving.write()
        moved = Moved(authority, record, giver, left, found.transfer_id, found.offered_at, now)
        register(platform, transaction, moved)
        ended = found._replace(state=ACCEPTED, ended_at=now)
        _put(transaction, ended, by=authority, actor=actor, reason=reason, at=now)


def decline(
    platform: Platform,
    *,
    authority: str,
    record: str,
    giver: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Say that a record that is offered is not taken. ``CallerMistake("no-offer")``."""
    _end(platform, authority, record, giver, DECLINED, actor=actor, reason=reason, now=now)


def withdraw(
    platform: Platform,
    *,
    authority: str,
    record: str,
    taker: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Take back the offer of a record that is not accepted yet. ``CallerMistake("no-offer")``."""
    _end(platform, authority, record, taker, WITHDRAWN, actor=actor, reason=reason, now=now)


def list_transfers(
    platform: Platform,
    authority: str,
    *,
    after: str = "",
    limit: int = TRANSFERS_IN_A_PAGE,
    which: str = "open",
) -> tuple[TransferReport, ...]:
    """What an authority gives and takes, after a transfer: the offers that wait, or all, in the
    order in which they were made."""
    with platform.storage.reading() as transaction:
        found = transfers.of_authority(
            transaction,
            authority,
            state=OFFERED if which == "open" else "",
            after=after,
            at_most=min(limit, TRANSFERS_IN_A_PAGE),
        )
    return tuple(
        TransferReport(
            transfer_id=each.transfer_id,
            record_id=each.record_id,
            giver=each.giver,
            taker=each.taker,
            state=each.state,
            offered_at=each.offered_at,
            ended_at=each.ended_at,
        )
        for each in found
    )


def _end(
    platform: Platform,
    authority: str,
    record: str,
    other: str,
    ending: str,
    *,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """End an offer by the word of the side whose it is to say so, with nothing handed over."""
    giver, taker = (other, authority) if ENDINGS[ending] == "taker" else (authority, other)
    with platform.storage.transaction() as transaction:
        lock_all(transaction, authority, other)
        found = _open_offer(transaction, authority, record, giver=giver, taker=taker)
        ended = found._replace(state=ending, ended_at=now)
        _put(transaction, ended, by=authority, actor=actor, reason=reason, at=now)


def _require_other(authority: str, taker: str) -> None:
    if authority == taker:
        raise CallerMistake("same-authority", "A record is offered to another authority.")


def _offerable(found: KnownRecord | None, record: str) -> KnownRecord:
    known = responsible_for(found, record)
    if known.redirection is not None:
        raise CallerMistake(
            "already-merged",
            f"{record} goes on in {known.redirection.into_id}.",
            next_step="Name that one.",
        )
    return known


def _open_offer(
    transaction: Transaction, authority: str, record: str, *, giver: str, taker: str
) -> StoredTransfer:
    for each in transfers.of_record(transaction, authority, record, state=OFFERED):
        if (each.giver, each.taker) == (giver, taker):
            return each
    raise CallerMistake(
        "no-offer",
        f"No offer of {record[:32]!r} by {giver[:16]!r} to {taker[:16]!r} is open.",
        next_step="`fieldward records transfers` lists those that are.",
    )


def _put(
    transaction: Transaction,
    transfer: StoredTransfer,
    *,
    by: str,
    actor: str,
    reason: str,
    at: int,
) -> None:
    """Have both authorities know a transfer as it is now, each in its event log."""
    for code in (transfer.giver, transfer.taker):
        transfers.put(transaction, transfer._replace(authority=code))
        events.add(
            transaction,
            authority=code,
            at=at,
            actor=person_elsewhere(actor, by, code),
            action=f"record-{transfer.state}",
            subject=f"{transfer.record_id} {transfer.giver} {transfer.taker}",
            reason=reason,
        )


def _preview(
    transaction: Transaction,
    known: KnownRecord,
    giver: str,
    taker: str,
    own: str,
    touched: frozenset[str],
    *,
    teams: list[str] | None = None,
    is_there_already: bool = False,
) -> TransferPreview:
    holding = {
        (device.device, device.generation): device.pending_edits
        for partition in touched
        for device in grants.holding(transaction, own, partition)
        if is_in_use(device)
    }
    return TransferPreview(
        record_id=known.record.record_id,
        giver=giver,
        taker=taker,
        edits=len(known.numbers),
        conflicts=len(known.conflicts),
        open_disputes=sum(dispute.is_open for dispute in known.disputes),
        shielded=is_shielded(known.record),
        partitions=tuple(sorted(touched)),
        devices=len(holding),
        unsent_edits=sum(holding.values()),
        teams=tuple(teams or ()),
        is_there_already=is_there_already,
    )
