"""What a caller is told of what became of their edits, and what they say they have read.

Of a record a notice says something only while its reader holds it and sees the field: that somebody
wrote beside a hidden value is not told (invariant 4).
"""

from __future__ import annotations

from fieldward_server.services.custody.standing import Standing
from fieldward_server.storage import Transaction, memberships, notices, records
from fieldward_sync.access import UNDER_WIPE, WipeState
from fieldward_sync.encoding import unpack
from fieldward_sync.messages import MAX_NOTICES, Notice, SyncRequest
from fieldward_sync.projection import NOBODYS_NUMBER
from fieldward_sync.views import View

AT_ONCE = 256
"""Unread notices of one practitioner that are looked at together."""


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
    told: list[Notice] = []
    after = 0, b""
    while len(told) < MAX_NOTICES:
        stored = notices.unread(
            transaction, device.authority, holder.practitioner, after=after, at_most=AT_ONCE
        )
        unread = [unpack(Notice, each.notice) for each in stored]
        shown = _shown_to(transaction, standing, unread)
        told += (n for n in unread if n.path is None or (n.record_id, n.path) in shown)
        if len(stored) < AT_ONCE:
            break
        after = stored[-1].at, stored[-1].notice_id
    return tuple(told[:MAX_NOTICES])


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
