"""Shields: hiding where a child can be found, by the server's own edits (H1, H5).

What may be of the same child as a shielded record is shielded by ``book`` wherever it comes from; a
person confirms or releases that here.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book
from fieldward_server.services.registering import opening
from fieldward_server.storage import Transaction, events, likenesses, records
from fieldward_server.storage.likenesses import DIFFERENT, SAME, StoredLikeness
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RAISED, RELEASED
from fieldward_sync.projection import SHIELD, is_shielded
from fieldward_sync.records import Change
from fieldward_sync.versions import Dot

LIKENESSES_IN_A_PAGE = 500


@dataclass(frozen=True)
class PendingLikeness:
    """A record that was shielded because it may be of the same child as another one."""

    record_id: str
    like_id: str
    """The shielded record that it is like."""
    like_is_shielded: bool
    """Whether that one still is."""
    bits: int
    """How much agrees of what the shielded one shows: see ``docs/matching.md``."""
    at: int
    """When it was shielded, in seconds since 1970 UTC."""


def raise_shield(
    platform: Platform, *, authority: str, record_id: str, actor: str, reason: str, now: int
) -> None:
    """Shield a record. One that is shielded already stays so."""
    _set(platform, authority, record_id, RAISED, actor=actor, reason=reason, now=now)


def release_shield(
    platform: Platform, *, authority: str, record_id: str, actor: str, reason: str, now: int
) -> None:
    """Release every raise there is now; one that arrives later holds again (invariant 5).

    Whoever releases says of all that the record was held for that it is another child; should it be
    like a shielded record that nobody has judged yet, it is shielded again at once (H5).
    """
    _set(platform, authority, record_id, RELEASED, actor=actor, reason=reason, now=now)


def list_likenesses(
    platform: Platform, authority: str, *, after: str = "", limit: int = LIKENESSES_IN_A_PAGE
) -> tuple[PendingLikeness, ...]:
    """What waits for a person to confirm or release, after a record; empty after the last."""
    with platform.storage.reading() as transaction:
        found = likenesses.undecided(
            transaction, authority, after=after, at_most=min(limit, LIKENESSES_IN_A_PAGE)
        )
        shielded = records.shielded_among(transaction, authority, [each.like_id for each in found])
    return tuple(
        PendingLikeness(
            record_id=each.record_id,
            like_id=each.like_id,
            like_is_shielded=each.like_id in shielded,
            bits=each.bits,
            at=each.at,
        )
        for each in found
    )


def confirm_likeness(
    platform: Platform,
    *,
    authority: str,
    record: str,
    like: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Say that a record is of the same child as the shielded one: its shield stands.

    ``CallerMistake``: "unknown-likeness", "already-decided".
    """
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        found = _likeness(transaction, authority, record, like)
        _decide(transaction, found, SAME, actor=actor, reason=reason, now=now)


def release_likeness(
    platform: Platform,
    *,
    authority: str,
    record: str,
    like: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Say that a record is of another child: the raise made because of that likeness is released,
    and no other; the two are never held for each other again.

    ``CallerMistake``: "unknown-likeness", "already-decided".
    """
    with opening(platform, authority) as transaction:
        book = Book(platform, transaction, locked(transaction, authority), now=now)
        found = _likeness(transaction, authority, record, like)
        known = book.known(record)
        _decide(transaction, found, DIFFERENT, actor=actor, reason=reason, now=now)
        book.accept_as_server(
            known,
            [Change(SHIELD, RELEASED, (Dot(found.actor, found.counter),))],
            administrator=actor,
            basis=reason,
        )
        book.write()


def _likeness(transaction: Transaction, authority: str, record: str, like: str) -> StoredLikeness:
    found = likenesses.find(transaction, authority, record, like)
    if found is None:
        raise CallerMistake(
            "unknown-likeness", f"{record[:32]!r} was not shielded for {like[:32]!r}."
        )
    if found.decision:
        raise CallerMistake("already-decided", f"That is decided: {found.decision}.")
    return found


def _decide(
    transaction: Transaction,
    found: StoredLikeness,
    decision: str,
    *,
    actor: str,
    reason: str,
    now: int,
) -> None:
    likenesses.decide(transaction, found, decision, at=now)
    events.add(
        transaction,
        authority=found.authority,
        at=now,
        actor=actor,
        action=f"likeness-{decision}",
        subject=f"{found.record_id} {found.like_id}",
        reason=reason,
    )


def _set(
    platform: Platform,
    authority: str,
    record_id: str,
    value: str,
    *,
    actor: str,
    reason: str,
    now: int,
) -> None:
    with opening(platform, authority) as transaction:
        row = locked(transaction, authority)
        book = Book(platform, transaction, row, now=now)
        known = book.known(record_id)
        stands = known.is_shielded_by_somebody if value == RAISED else is_shielded(known.record)
        if stands == (value == RAISED):
            return
        if value == RELEASED:
            likenesses.decide_all(transaction, authority, record_id, DIFFERENT, at=now)
        # A raise stands beside those that are there: each is released by its name.
        live = tuple(it.dot for it in known.record.live.get(SHIELD, ()) if it.value != value)
        book.accept_as_server(
            known,
            [Change(SHIELD, value, live)],
            administrator=actor,
            basis=reason,
        )
        book.write()
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action=f"shield-{value}",
            subject=record_id,
            reason=reason,
        )
