"""Shields: hiding where a child can be found, by the server's own edits (H1, H5)."""

from __future__ import annotations

from fieldward_server.services.authorities import locked
from fieldward_server.services.book import Book
from fieldward_server.services.known_records import SERVER, KnownRecord
from fieldward_server.services.platform import Platform
from fieldward_server.storage import events
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RAISED, RELEASED
from fieldward_sync.projection import SHIELD, is_shielded
from fieldward_sync.records import Change


def raise_shield(
    platform: Platform, *, authority: str, record_id: str, actor: str, reason: str, now: int
) -> None:
    """Shield a record. One that is shielded already stays so."""
    _set(platform, authority, record_id, RAISED, actor=actor, reason=reason, now=now)


def release_shield(
    platform: Platform, *, authority: str, record_id: str, actor: str, reason: str, now: int
) -> None:
    """Release every raise there is now; one that arrives later holds again (invariant 5)."""
    _set(platform, authority, record_id, RELEASED, actor=actor, reason=reason, now=now)


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
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        book = Book(platform, transaction, row, now=now)
        known = _known(book.find(record_id), record_id)
        if is_shielded(known.record) == (value == RAISED):
            return
        live = tuple(found.dot for found in known.record.live.get(SHIELD, ()))
        book.accept_as_server(
            known,
            [Change(SHIELD, value, live)],
            origin=SERVER,
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


def _known(found: KnownRecord | None, record_id: str) -> KnownRecord:
    if found is None:
        raise CallerMistake("unknown-record", f"There is no record {record_id[:32]!r}.")
    return found
