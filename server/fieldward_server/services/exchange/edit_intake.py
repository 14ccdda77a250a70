"""Taking in edits: each gets its verdict, and none is ever lost (invariants 1 and 9).

An edit ends merged, in a conflict for a person to settle, or in the inbox with a reason. The same
edit again gets the same verdict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from fieldward_server.services.authorities import open_earlier_edit_seeds, open_edit_seed
from fieldward_server.services.custody.standing import Standing, store_edits
from fieldward_server.services.exchange.boxes import find_owner
from fieldward_server.services.exchange.proposals import in_this_incarnation, sparing
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book, NewEdit
from fieldward_server.services.records.known_records import DEVICE, KnownRecord
from fieldward_server.services.records.notices import tell_of_settling
from fieldward_server.storage import Transaction, devices, edits, events, grants
from fieldward_server.storage.edits import InboxItem
from fieldward_server.storage.holders import Holder
from fieldward_sync.access import RIGHTS
from fieldward_sync.encoding import decode, pack, unpack
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.field_classes import Writer, check_fixed, check_writer
from fieldward_sync.limits import SETTLED_BY_COLLEAGUE
from fieldward_sync.messages import BoxPart, Verdict
from fieldward_sync.outbox import MAX_ENTRY_BYTES, Box, open_as_authority
from fieldward_sync.projection import settled_by_rule
from fieldward_sync.records import Edit, Proposal, Value
from fieldward_sync.schema import check_edit, check_value
from fieldward_sync.signing import Signed
from fieldward_sync.versions import Dot

UNREADABLE = 0
"""Stands for the counter of an edit that nobody could read."""

_CODES = {"server-only": "server-only-field", "unknown-version": "unknown-version"}
"""From the code of a check's error to the reason in a verdict; all others are an invalid value."""


@dataclass(frozen=True)
class _Opened:
    """An edit as a device worded it, and whose box it came in."""

    owner: Holder
    proposal: Proposal
    content: bytes


class EditIntake:
    """Takes the edits of one request from one device, its authority locked."""

    def __init__(
        self, platform: Platform, transaction: Transaction, standing: Standing, *, now: int
    ) -> None:
        self._platform = platform
        self._transaction = transaction
        self._standing = standing
        self._code = standing.authority.authority
        self._now = now
        self._seed = open_edit_seed(platform, standing.authority)
        self._book = Book(platform, transaction, standing.authority, now=now)
        self._coming: set[Dot] = set()
        """The edits of this request that have not been taken before."""
        self._partitions: dict[str, frozenset[str]] = {}

    def take(self, parts: Sequence[BoxPart]) -> tuple[Verdict, ...]:
        """The verdicts on these edits.

        What does not open has no counter, and so no verdict: it is kept, and an incident opened.
        """
        opened = [edit for part in parts for edit in self._open(part)]
        self._book.read(edit.proposal.record_id for edit in opened)
        verdicts = tuple(self._judge(edit) for edit in opened)
        self._book.write()
        taken = self._standing.edits.observe(*self._coming)
        store_edits(self._transaction, self._standing.device, taken)
        return verdicts

    def _open(self, part: BoxPart) -> Iterator[_Opened]:
        try:
            owner = find_owner(self._transaction, self._standing.device, part.header, kind="edits")
            box = self._open_box(part.header, owner)
        except PeerBrokeProtocol as e:
            self._keep_unreadable(part, e.code)
            return
        for index, sealed in enumerate(part.entries, start=part.first):
            try:
                content = box.open_entry(index, sealed)
                proposal = decode(Proposal, content, max_bytes=MAX_ENTRY_BYTES)
            except PeerBrokeProtocol as e:
                self._keep_unreadable(BoxPart(part.header, index, (sealed,)), e.code)
            else:
                yield _Opened(owner, proposal, content)

    def _open_box(self, header: Signed, owner: Holder) -> Box:
        """A box that was sealed to the key in force or, by a device that has been away, to one
        before it."""
        try:
            return open_as_authority(header, practitioner_key=owner.signing_key, seed=self._seed)
        except PeerBrokeProtocol:
            for seed in open_earlier_edit_seeds(self._platform, self._transaction, self._code):
                with suppress(PeerBrokeProtocol):
                    return open_as_authority(header, practitioner_key=owner.signing_key, seed=seed)
            raise

    def _judge(self, edit: _Opened) -> Verdict:
        """The verdict on one edit, which is taken from here on."""
        owner, proposal, content = edit.owner, edit.proposal, edit.content
        dot = Dot(self._standing.actor, proposal.counter)
        content_hash = hashlib.sha256(content).digest()
        if dot in self._coming or dot in self._standing.edits:
            return self._judge_again(owner, proposal, content, content_hash)
        self._coming.add(dot)
        reason = self._standing_reason(owner, proposal)
        if not reason:
            try:
                return self._merge(owner, proposal, content_hash)
            except CallerMistake as e:
                reason = _CODES.get(e.code, "invalid-value")
        return self._refuse(owner, proposal, content, content_hash, reason)

    def _judge_again(
        self, owner: Holder, proposal: Proposal, content: bytes, content_hash: bytes
    ) -> Verdict:
        self._book.write()  # it may have come in this very request
        actor, counter = self._standing.actor, proposal.counter
        merged = edits.find(self._transaction, self._code, actor, counter)
        if merged and merged.proposal_hash == content_hash:
            verdict: Verdict = unpack(Verdict, merged.verdict)
            return verdict
        for refused in edits.refused(self._transaction, self._code, actor, counter):
            if refused.content_hash == content_hash:
                return _refusal(counter, refused.code)
        devices.set_parted(self._transaction, self._standing.device)
        self._open_incident("dot-reused", f"edit {counter}")
        return self._refuse(owner, proposal, content, content_hash, "dot-reused")

    def _standing_reason(self, owner: Holder, proposal: Proposal) -> str:
        """Why an edit is refused whatever it says; empty if it is not."""
        if not RIGHTS[self._standing.access].edits_merge:
            return "revoked"
        if proposal.incarnation > self._standing.authority.incarnation:
            return "malformed"
        if proposal.practitioner != owner.practitioner:
            return "malformed"
        known = self._book.find(proposal.record_id)
        if known is None:
            return "unknown-record"
        if not self._granted(owner) & self._scope(known):
            return "out-of-scope"
        return "" if known.departed_from is None else "record-moved"

    def _scope(self, known: KnownRecord) -> frozenset[str]:
        """The partitions whose holders may edit a record, or could before another authority had
        it; of one that was merged into another, also those that it was in: an edit may have been on
        its way."""
        if known.departed_from is not None:
            return known.departed_from
        if known.redirection is None:
            return frozenset(known.elements)
        there = self._book.find(known.redirection.into_id)
        own = known.redirection.partitions
        return own if there is None else own | self._scope(there)

    def _merge(self, owner: Holder, proposal: Proposal, content_hash: bytes) -> Verdict:
        """Accept an edit; ``CallerMistake`` saying why it cannot be."""
        known = self._book.find(proposal.record_id) or KnownRecord.new(proposal.record_id)
        authority = self._standing.authority
        edit = in_this_incarnation(self._transaction, authority, proposal).as_edit(
            device=self._standing.device.device,
            generation=self._standing.device.generation,
            shown=known.by_number,
        )
        hidden = self._book.hidden(known)
        # Compared with what is hidden, the verdict would tell of it.
        _check(edit, known, shown=known.known_to(owner.practitioner, hidden=hidden))
        edit = sparing(edit, hidden)
        new = NewEdit(edit, DEVICE, content_hash, told_of=self._granted(owner))
        before, takes_effect = self._book.goes_on(known, edit)
        verdict = self._book.accept(known, new)
        tell_of_settling(
            self._platform,
            self._transaction,
            self._code,
            before,
            takes_effect,
            reason=SETTLED_BY_COLLEAGUE,
            now=self._now,
        )
        return verdict

    def _granted(self, owner: Holder) -> frozenset[str]:
        """The partitions that an edit's author may hold now."""
        if owner.practitioner not in self._partitions:
            granted = grants.of_holder(self._transaction, owner)
            self._partitions[owner.practitioner] = frozenset(g.partition_id for g in granted)
        return self._partitions[owner.practitioner]

    def _refuse(
        self, owner: Holder, proposal: Proposal, content: bytes, content_hash: bytes, code: str
    ) -> Verdict:
        edits.refuse(
            self._transaction,
            InboxItem(
                authority=self._code,
                actor=self._standing.actor,
                counter=proposal.counter,
                content_hash=content_hash,
                content=content,
                practitioner=owner.practitioner,
                code=code,
                received_at=self._now,
            ),
        )
        return _refusal(proposal.counter, code)

    def _keep_unreadable(self, part: BoxPart, code: str) -> None:
        content = pack(part)
        edits.refuse(
            self._transaction,
            InboxItem(
                authority=self._code,
                actor=self._standing.actor,
                counter=UNREADABLE,
                content_hash=hashlib.sha256(content).digest(),
                content=content,
                practitioner="",
                code=code,
                received_at=self._now,
            ),
        )
        self._open_incident("edit-unreadable", code)

    def _open_incident(self, kind: str, detail: str) -> None:
        device = self._standing.device
        events.open_incident(self._transaction, device, kind, detail, at=self._now)


def _check(edit: Edit, known: KnownRecord, *, shown: Mapping[str, Value]) -> None:
    """Raise ``CallerMistake`` unless a practitioner may make this edit and its values are sound,
    beside those that they may know of."""
    values = {change.path: change.value for change in edit.changes}
    if len(values) < len(edit.changes):
        raise CallerMistake("path-repeated", "The edit sets a field twice.")
    for path, value in values.items():
        check_writer(path, value, Writer.PRACTITIONER)
        check_fixed(path, known.record.live)
    # A latch is raised whatever else there is of its member, which may be hidden: it only hides.
    latches = {path: value for path, value in values.items() if settled_by_rule(path)}
    for path, value in latches.items():
        check_value(path, value)
    check_edit({path: values[path] for path in values.keys() - latches.keys()}, shown=shown)


def _refusal(counter: int, code: str) -> Verdict:
    return Verdict(counter=counter, number=0, outcome="refused", code=code, feeds=())
