"""Telling authors what became of their edits after the verdict (U: nobody is overruled in silence).

A notice goes to the practitioner, on whichever device they sync next, and is repeated until they
have read it. It says nothing that they did not write themselves, and of a record only while they
hold it and see the field: that somebody wrote beside a hidden value is not told (invariant 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fieldward_server.services.known_records import KnownRecord
from fieldward_server.services.platform import Platform
from fieldward_server.services.standing import Standing
from fieldward_server.storage import Transaction, memberships, notices, records
from fieldward_server.storage.notices import StoredNotice
from fieldward_sync.access import UNDER_WIPE, WipeState
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.messages import MAX_NOTICES, NOTICE_ID_BYTES, Notice, SyncRequest
from fieldward_sync.projection import NOBODYS_NUMBER
from fieldward_sync.records import Edit, same
from fieldward_sync.versions import Dot
from fieldward_sync.views import View

CONSIDERED = 256
"""Unread notices of one practitioner that are looked at in one sync."""


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


def unread_notices(
    transaction: Transaction, standing: Standing, request: SyncRequest
) -> tuple[Notice, ...]:
    """What the caller is to be told now."""
    holder, device = standing.holder, standing.device
    if holder is None or not standing.has_notices:
        return ()
    if request.more or WipeState(device.wipe) in UNDER_WIPE:
        return ()
    if not standing.rights.pull:
        return ()
    stored = notices.unread(transaction, device.authority, holder.practitioner, at_most=CONSIDERED)
    unread = [unpack(Notice, each.notice) for each in stored]
    shown = _shown_to(transaction, standing, unread)
    return tuple(n for n in unread if n.path is None or (n.record_id, n.path) in shown)[
        :MAX_NOTICES
    ]


def read_by(
    transaction: Transaction, standing: Standing, request: SyncRequest, *, now: int
) -> None:
    """Take what the caller says they have read."""
    holder = standing.holder
    if holder is not None and request.notices_read:
        code, read = standing.device.authority, request.notices_read
        notices.mark_read(transaction, code, holder.practitioner, read, at=now)


def _shown_to(
    transaction: Transaction, standing: Standing, unread: list[Notice]
) -> frozenset[tuple[str, str]]:
    """Of what these are about, the records and paths that the caller may see."""
    code = standing.device.authority
    concerned = sorted({notice.record_id for notice in unread if notice.path is not None})
    granted = {each.partition_id for each in standing.granted}
    members = memberships.of_records(transaction, code, concerned)
    held = {each.record_id for each in members if each.partition_id in granted}
    views = records.views(transaction, code, sorted(held))
    return frozenset(
        (record_id, value.path)
        for record_id, view in views.items()
        for value in View.read(view).values
        if value.number != NOBODYS_NUMBER
    )


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
