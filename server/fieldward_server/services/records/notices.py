"""Telling authors what became of their edits after the verdict (U: nobody is overruled in silence).

A notice goes to the practitioner, on whichever device they sync next, and is repeated until they
have read it. It says nothing that they did not write themselves; whether they may be told at all
is asked when they sync (``unread_notices``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fieldward_server.services.platform import Platform
from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.storage import Transaction, notices
from fieldward_server.storage.notices import StoredNotice
from fieldward_sync.encoding import pack
from fieldward_sync.messages import NOTICE_ID_BYTES, Notice
from fieldward_sync.records import Edit, same
from fieldward_sync.versions import Dot


def tell_of_settling(
    platform: Platform,
    transaction: Transaction,
    authority: str,
    before: KnownRecord,
    edit: Edit,
    *,
    reason: str,
    now: int,
) -> None:
    """Tell whoever wrote a value that an edit took out of a conflict, in favour of another one.

    ``before`` is the record before the edit. Whether they may be told is asked when they sync.
    """
    told = [
        _stored(
            platform,
            authority,
            before.record.edits[dot].practitioner or "",
            before.record.origin(dot),
            edit.record_id,
            kind="settled",
            path=path,
            reason=reason,
            now=now,
        )
        for dot, path in _losers(before, edit)
    ]
    if told:
        notices.add(transaction, told)


def tell_of_decision(
    platform: Platform,
    transaction: Transaction,
    authority: str,
    *,
    practitioner: str,
    origin: Dot,
    record_id: str,
    admitted: bool,
    reason: str,
    now: int,
) -> None:
    """Tell the author of a refused edit whether it was let in later."""
    stored = _stored(
        platform,
        authority,
        practitioner,
        origin,
        record_id,
        kind="admitted" if admitted else "declined",
        path=None,
        reason=reason,
        now=now,
    )
    notices.add(transaction, [stored])


def _losers(before: KnownRecord, edit: Edit) -> Iterator[tuple[Dot, str]]:
    for change in edit.changes:
        several = before.record.live.get(change.path, ())
        if len(several) < 2 or change.path not in before.conflicts:  # most are not even several
            continue
        for live in several:
            named = {live.dot, before.record.origin(live.dot)} & set(change.replaces)
            author = before.record.edits[live.dot].practitioner
            told = author is not None and author != edit.practitioner
            if named and told and not same(live.value, change.value):
                yield live.dot, change.path


def _stored(
    platform: Platform,
    authority: str,
    practitioner: str,
    origin: Dot,
    record_id: str,
    *,
    kind: Literal["settled", "admitted", "declined"],
    path: str | None,
    reason: str,
    now: int,
) -> StoredNotice:
    notice_id = platform.entropy(NOTICE_ID_BYTES)
    notice = Notice(notice_id, kind, record_id, path, origin.actor, origin.counter, reason, now)
    return StoredNotice(authority, notice_id, practitioner, pack(notice), now, None)
