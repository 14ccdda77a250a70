"""Filling a request with what waits for delivery, up to its size. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from fieldward_client.logs.outbox_content import SealedEdit
from fieldward_sync.encoding import encode, pack
from fieldward_sync.journal import JournalItem
from fieldward_sync.messages import MAX_ITEMS, MAX_REQUEST_BYTES, BoxPart, SyncRequest
from fieldward_sync.signing import Signed

_PART_BYTES = 32
"""What a part or an item may cost beyond its bytes: the lengths and heads of arrays."""


def fill(
    request: SyncRequest,
    edits: Sequence[SealedEdit],
    boxes: Mapping[bytes, Signed],
    items: Sequence[JournalItem],
) -> SyncRequest:
    """The request with as many edits and then journal items as fit, in their order.

    ``more`` says whether some did not; only the last of several requests asks for a lease.
    """
    room = MAX_REQUEST_BYTES - len(encode(request)) - _PART_BYTES
    edits_taken, room = _edits_that_fit(edits, boxes, room)
    items_taken = _items_that_fit(items, room)
    more = edits_taken < len(edits) or items_taken < len(items)
    return msgspec.structs.replace(
        request,
        edits=_parts(edits[:edits_taken], boxes),
        journal=tuple(items[:items_taken]),
        more=more,
        next_hpke_key=None if more else request.next_hpke_key,
        warm_key=None if more else request.warm_key,
    )


def _edits_that_fit(
    edits: Sequence[SealedEdit], boxes: Mapping[bytes, Signed], room: int
) -> tuple[int, int]:
    """How many edits fit, and the room that is left."""
    before: SealedEdit | None = None
    for taken, edit in enumerate(edits[:MAX_ITEMS]):
        cost = len(pack(edit.sealed))
        if before is None or not _follows(before, edit):
            cost += len(pack(boxes[edit.box])) + _PART_BYTES
        if cost > room:
            return taken, room
        before, room = edit, room - cost
    return len(edits[:MAX_ITEMS]), room


def _items_that_fit(items: Sequence[JournalItem], room: int) -> int:
    for taken, item in enumerate(items[:MAX_ITEMS]):
        room -= len(pack(item)) + 1
        if room < 0:
            return taken
    return len(items[:MAX_ITEMS])


def _parts(edits: Iterable[SealedEdit], boxes: Mapping[bytes, Signed]) -> tuple[BoxPart, ...]:
    """The edits as parts of boxes, each a run of consecutive entries."""
    runs: list[list[SealedEdit]] = []
    for edit in edits:
        if runs and _follows(runs[-1][-1], edit):
            runs[-1].append(edit)
        else:
            runs.append([edit])
    return tuple(
        BoxPart(boxes[run[0].box], run[0].index, tuple(edit.sealed for edit in run)) for run in runs
    )


def _follows(before: SealedEdit, edit: SealedEdit) -> bool:
    return (before.box, before.index + 1) == (edit.box, edit.index)
