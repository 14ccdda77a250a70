"""What a practitioner can read while the lease runs: the store, with their own edits over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from fieldward_client.copies.overlay import Shown, lay_over
from fieldward_client.copies.store import Found, Store
from fieldward_client.logs.outbox import Outbox
from fieldward_client.logs.outbox_content import SealedEdit
from fieldward_sync.distribution import Manifest
from fieldward_sync.encoding import decode
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.matching.query import Query
from fieldward_sync.matching.ranking import Match, rank
from fieldward_sync.messages import Verdict
from fieldward_sync.outbox import MAX_ENTRY_BYTES, Box, open_as_author
from fieldward_sync.records import Proposal


@dataclass(frozen=True)
class Hold:
    """A record as it is shown, and the partition it is shown from."""

    shown: Shown
    manifest: Manifest


@dataclass(frozen=True)
class Holding:
    """What of all that is held fits a query."""

    found: tuple[tuple[Hold, Match], ...]
    """Best first."""
    too_many: bool
    """So many that none is listed."""


class Holdings:
    """A store and the edits of one's own that were opened with the store key."""

    def __init__(
        self, store: Store, outbox: Outbox, *, practitioner_key: bytes, store_key: bytes
    ) -> None:
        self.store = store
        self.store_key = store_key
        self._outbox = outbox
        self._own: dict[str, list[Proposal]] = {}
        for proposal in _own_edits(outbox, practitioner_key, store_key):
            self.add(proposal)

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """One's own edits that are kept, sent or not, by number."""
        every = (proposal for own in self._own.values() for proposal in own)
        return tuple(sorted(every, key=lambda proposal: proposal.counter))

    def add(self, proposal: Proposal) -> None:
        """Count an edit that has been made durable."""
        self._own.setdefault(proposal.record_id, []).append(proposal)

    def find(self, record_id: str) -> Hold | None:
        """A record as it is shown; ``None`` if it is not held."""
        found = self.store.view(record_id)
        return self._hold(found) if found is not None else None

    def search(self, query: Query, *, today: date) -> Holding:
        """The records that fit, best first; one's own edits count as if they had arrived."""
        candidates, crowded = self.store.candidates(query, today=today)
        if crowded:
            return Holding((), too_many=True)
        views = [found.view for found in candidates if found.view.record_id not in self._own]
        edited = (self.find(record_id) for record_id in self._own)
        views += [hold.shown.as_view() for hold in edited if hold is not None]
        ranking = rank(query, views, today=today)
        shown = ((self.find(view.record_id), match) for view, match in ranking.found)
        return Holding(
            tuple((hold, match) for hold, match in shown if hold is not None), ranking.too_many
        )

    def conflicts(self) -> frozenset[str]:
        """The ids of the records that show a conflict."""
        holds = ((each, self.find(each)) for each in self.store.in_conflict() | self._own.keys())
        return frozenset(each for each, hold in holds if hold and hold.shown.conflicts)

    def done(self) -> frozenset[int]:
        """The numbers of edits that were merged and are in the store, and that no edit names which
        is not."""
        held = self.store.distribution.manifests if self.store.distribution else ()
        awaited = [proposal for proposal in self.proposals if self._is_awaited(proposal, held)]
        named = {own for proposal in awaited for change in proposal.changes for own in change.own}
        merged = {c for c, v in self._outbox.verdicts.items() if v.outcome != "refused"}
        own = {proposal.counter for proposal in self.proposals}
        return frozenset((own & merged) - {proposal.counter for proposal in awaited} - named)

    def close(self) -> None:
        """Drop everything from memory."""
        self.store.close()
        self._own.clear()

    def _hold(self, found: Found) -> Hold:
        own = self._own.get(found.view.record_id, ())
        awaited = [edit for edit in own if self._is_awaited(edit, [found.manifest])]
        verdicts = ((edit.counter, self._outbox.verdicts.get(edit.counter)) for edit in own)
        numbers = {counter: v.number for counter, v in verdicts if v is not None and v.number}
        return Hold(lay_over(found.view, awaited, numbers), found.manifest)

    def _is_awaited(self, proposal: Proposal, manifests: Iterable[Manifest]) -> bool:
        """Whether one of these states of partitions is still without an edit.

        A verdict names each partition in which the edit arrives. One that it does not name came
        to the record afterwards, and has it from the start.
        """
        verdict = self._outbox.verdicts.get(proposal.counter)
        if verdict is None:
            return True
        if verdict.outcome == "refused":
            return False
        return any(_is_ahead(verdict, manifest) for manifest in manifests)


def _is_ahead(verdict: Verdict, manifest: Manifest) -> bool:
    feeds = {position.partition: position.number for position in verdict.feeds}
    return feeds.get(manifest.partition, 0) > manifest.feed


def _own_edits(outbox: Outbox, practitioner_key: bytes, store_key: bytes) -> Iterator[Proposal]:
    """The edits that this practitioner made. One that does not open is delivered all the same:
    the server keeps it for a person."""
    boxes: dict[bytes, Box | None] = {}
    for _, edit in sorted(outbox.edits.items()):
        if edit.box not in boxes:
            boxes[edit.box] = _open_box(outbox, edit, practitioner_key, store_key)
        box = boxes[edit.box]
        proposal = _open_edit(box, edit) if box is not None else None
        if proposal is not None:
            yield proposal


def _open_box(
    outbox: Outbox, edit: SealedEdit, practitioner_key: bytes, store_key: bytes
) -> Box | None:
    try:
        header = outbox.boxes[edit.box]
        return open_as_author(header, practitioner_key=practitioner_key, store_key=store_key)
    except (KeyError, PeerBrokeProtocol):
        return None  # another practitioner's, or its header is damaged


def _open_edit(box: Box, edit: SealedEdit) -> Proposal | None:
    try:
        opened = box.open_entry(edit.index, edit.sealed)
        return decode(Proposal, opened, max_bytes=MAX_ENTRY_BYTES)
    except PeerBrokeProtocol:
        return None
