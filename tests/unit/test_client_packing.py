"""Filling requests: in order, within their size, and nothing left behind."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fieldward_client.logs.outbox_content import SealedEdit
from fieldward_client.syncing.packing import fill
from fieldward_sync.encoding import encode
from fieldward_sync.journal import BoxItem, EntryItem, JournalItem
from fieldward_sync.messages import MAX_REQUEST_BYTES, Held, SyncRequest
from fieldward_sync.outbox import MAX_ENTRY_BYTES
from fieldward_sync.signing import Signed

EMPTY = SyncRequest(Held(1, 0, b"", 0, ()), 1, (), 0, (), (), 0, 0, False, bytes(1216))
HEADER = Signed(bytes(1300), bytes(64))

sizes = st.lists(st.integers(0, MAX_ENTRY_BYTES), max_size=20)


@given(sizes, sizes, st.sets(st.integers(1, 19)))
def test_everything_goes_in_order_in_requests_of_bounded_size(
    edit_sizes: list[int], entry_sizes: list[int], gaps: set[int]
) -> None:
    edits = [
        SealedEdit(b"%016d" % (n // 5), n + sum(g <= n for g in gaps), n + 1, bytes(size))
        for n, size in enumerate(edit_sizes)
    ]
    boxes = {edit.box: HEADER for edit in edits}
    items: list[JournalItem] = [BoxItem(HEADER), *(EntryItem(b"h", bytes(n)) for n in entry_sizes)]
    edits_left, items_left, taken = list(edits), list(items), []
    while True:
        request = fill(EMPTY, edits_left, boxes, items_left)
        assert len(encode(request)) <= MAX_REQUEST_BYTES
        assert request.edits or request.journal
        taken += [
            (part.header, part.first + offset, entry)
            for part in request.edits
            for offset, entry in enumerate(part.entries)
        ]
        edits_left = edits_left[sum(len(part.entries) for part in request.edits) :]
        assert request.journal == tuple(items_left[: len(request.journal)])
        items_left = items_left[len(request.journal) :]
        assert request.more == bool(edits_left or items_left)
        if not request.more:
            break
    assert taken == [(HEADER, edit.index, edit.sealed) for edit in edits]


def test_nothing_to_deliver_makes_an_empty_last_request() -> None:
    assert fill(EMPTY, [], {}, []) == msgspec.structs.replace(EMPTY, more=False)
