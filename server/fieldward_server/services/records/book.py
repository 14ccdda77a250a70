"""What an accepted edit changes: its record, where it is found, its partitions and their feeds.

Everything happens in the transaction of the edit, under the authority's lock, so that feeds have no
holes and a digest is always that of the records beside it. A book takes many edits and then writes
them together, because a database takes many rows of one kind faster than one row of many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from fieldward_server.register_entries import Shield, Withdrawal
from fieldward_server.services.distribution.absence import horizon
from fieldward_server.services.distribution.feeds import Feed
from fieldward_server.services.membership import changes_rules
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.known_records import (
    LOAD,
    MOVED,
    PROBABLE_DUPLICATE,
    SERVER,
    KnownRecord,
    find_elements,
    find_merges,
    find_records,
    responsible_for,
)
from fieldward_server.services.records.likenesses import Likeness, Likenesses, identifies
from fieldward_server.services.records.other_entries import called_before, other_entries
from fieldward_server.services.records.record_rows import Move, write_rows
from fieldward_server.services.registering import register
from fieldward_server.storage import (
    Transaction,
    authorities,
    departures,
    edits,
    events,
    likenesses,
    partitions,
    records,
    redactions,
)
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.edits import StoredEdit
from fieldward_server.storage.likenesses import StoredLikeness
from fieldward_sync.encoding import encode, pack
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.limits import RAISED
from fieldward_sync.matching.index_keys import changes_keys
from fieldward_sync.messages import FeedPosition, Verdict
from fieldward_sync.names import server_actor
from fieldward_sync.projection import SHIELD, has_latches, is_shielded, withdrawn
from fieldward_sync.records import Change, Edit, LiveValue, Record, under_another_dot
from fieldward_sync.versions import Dot


class NewEdit(msgspec.Struct, frozen=True):
    """An edit that is to be accepted."""

    edit: Edit
    origin: str
    proposal_hash: bytes = b""
    """What it was made from, where a device made it."""
    told_of: frozenset[str] = frozenset()
    """The partitions that its author may know of: a verdict names no other."""
    encoded: bytes = b""
    """Its bytes, where they are known already."""


class Foreseen(NamedTuple):
    """What an edit was found to come to before the authority was locked, and so its dot known."""

    edit: Edit
    """Under a dot that only sorts as its own will: what it looks like does not depend on more."""
    encoded: bytes
    after: KnownRecord
    """Its record with it."""


class Book:
    """The records of one authority, which the transaction has locked. Call ``write`` at the end."""

    def __init__(
        self, platform: Platform, transaction: Transaction, authority: Authority, *, now: int
    ) -> None:
        self._platform = platform
        self._transaction = transaction
        self._authority = authority
        self._code = authority.authority
        self._now = now
        self._edit_counter = authority.edit_counter
        self._actor = server_actor(authority.incarnation)
        self._known: dict[str, KnownRecord | None] = {}
        self._rules: dict[str, set[str]] | None = None
        """Every rule there is, and its partitions, once read."""
        self._likenesses = Likenesses(transaction, self._code, now=now)
        self._ahead: Mapping[str, KnownRecord] = {}
        """New records that the index has been given before the authority was locked."""
        self._unwritten = _Unwritten()

    @property
    def authority(self) -> str:
        """Whose records."""
        return self._code

    @property
    def actor(self) -> str:
        """Who the server is in edits of its own."""
        return self._actor

    @property
    def next_dot(self) -> Dot:
        """What the server's next edit is called."""
        return Dot(self._actor, self._edit_counter + 1)

    def read(self, record_ids: Iterable[str]) -> None:
        """Read these records at once, because ``find`` reads them one by one."""
        unread = {record_id for record_id in record_ids if record_id not in self._known}
        found = find_records(self._transaction, self._code, unread) if unread else {}
        self._known.update((record_id, found.get(record_id)) for record_id in unread)

    def take_over(self, read: Mapping[str, KnownRecord], ahead: Mapping[str, KnownRecord]) -> None:
        """Take over what was read of records before the authority was locked: all that has not
        been changed since need not be read again; and, as it was written, what was written
        ``ahead`` of new ones. ``RetryLater`` where one of those has gone since."""
        self._ahead = ahead
        revisions = records.revisions(self._transaction, self._code, read.keys() - ahead.keys())
        merged = find_merges(self._transaction, self._code, revisions.keys())
        gone = {row.record_id for row in departures.among(self._transaction, self._code, [*read])}
        kept = {
            record_id: known
            for record_id, known in read.items()
            if len(known.numbers) == revisions.get(record_id, 0)
            and (known.redirection is not None) == (record_id in merged)
            and (known.departed_from is not None) == (record_id in gone)
        }
        if not ahead.keys() <= kept.keys():
            raise RetryLater("database-busy", "A record has gone elsewhere at this moment.")
        there = [record_id for record_id, known in kept.items() if known.numbers]
        elements = find_elements(self._transaction, self._code, there)
        for record_id, known in kept.items():
            self._known[record_id] = (
                known.with_elements(elements.get(record_id, {}))
                if known.numbers or known.is_closed
                else None
            )
        self.read(read.keys())

    def read_rules(self) -> None:
        """Read the rules of all partitions: for who changes what chooses many records."""
        self._rules = {}
        for rule, partition in partitions.all_rules(self._transaction, self._code):
            self._rules.setdefault(rule, set()).add(partition)

    def find(self, record_id: str) -> KnownRecord | None:
        """A record with everything accepted so far, ``None`` if there is none."""
        if record_id not in self._known:
            self.read([record_id])
        return self._known[record_id]

    def known(self, record_id: str) -> KnownRecord:
        """The same of a record that must be there, and this authority's; ``CallerMistake``:
        "unknown-record", "record-moved"."""
        return responsible_for(self.find(record_id), record_id)

    def hidden(self, known: KnownRecord) -> frozenset[str]:
        """The paths whose values are kept from ordinary readers, there or where it goes on."""
        if known.redirection is None:
            return known.hidden
        there = self.hidden(self.known(known.redirection.into_id))
        live = known.record.live
        return known.hidden | {path for path in live if known.redirection.path(path) in there}

    def goes_on(self, known: KnownRecord, edit: Edit) -> tuple[KnownRecord, Edit]:
        """Where an edit of a record takes effect, still under its own dot, and on what: it may have
        been merged into another, and that one too."""
        while known.redirection is not None:
            edit = known.redirection.edit(edit, known.record, dot=edit.dot)
            known = self.known(known.redirection.into_id)
        return known, edit

    def accept_as_server(
        self,
        known: KnownRecord,
        changes: Sequence[Change],
        *,
        administrator: str | None,
        basis: str,
    ) -> Edit:
        """Accept changes of the server's own, as one edit: no record has more fields than it holds.

        ``CallerMistake("record-full")`` as in ``accept``.
        """
        edit = Edit(
            dot=self.next_dot,
            record_id=known.record.record_id,
            changes=tuple(changes),
            practitioner=None,
            made_at=self._now,
            administrator=administrator,
            basis=basis,
            base=known.revision,
        )
        self.accept(known, NewEdit(edit, SERVER))
        return edit

    def accept_loaded(self, known: KnownRecord, foreseen: Foreseen) -> None:
        """Accept what a file says, worked out beforehand from this very state of its record.

        ``CallerMistake("record-full")`` as in ``accept``.
        """
        dot = self.next_dot
        encoded = under_another_dot(foreseen.encoded, foreseen.edit.dot, dot)
        edit = msgspec.structs.replace(foreseen.edit, dot=dot)
        self.accept(known, NewEdit(edit, LOAD, encoded=encoded), after=foreseen.after)

    def accept(
        self, known: KnownRecord, new: NewEdit, *, after: KnownRecord | None = None
    ) -> Verdict:
        """Make this edit part of its record, and bring the record's partitions up to date.

        ``after`` is the record with it where that has been worked out already (``Foreseen``).
        ``CallerMistake("record-full")``, and nothing is changed, where the record would become
        larger than a view may be, or ``"record-moved"`` where another authority has it. What is
        accepted of a record that was merged into another reaches that one too, as an edit of the
        server's that names it (invariant 1).
        """
        responsible_for(known, known.record.record_id)
        real = known.with_edit(new.edit, origin=new.origin)
        after = after or real
        _check_size(after)
        if new.edit.dot == self.next_dot:
            self._edit_counter += 1
        self._redirect(known, new.edit)
        is_new = not known.numbers
        paths = () if is_new else [change.path for change in new.edit.changes]
        feeds = self._become(
            known,
            after,
            real,
            compared=is_new or identifies(paths),
            searched=is_new or changes_keys(paths),
            chosen=is_new or changes_rules(paths),
        )
        # Most records have none; those of the view are among those of the record.
        conflicting = frozenset(after.view.conflicts if after.conflicts else ())
        verdict = _verdict(new, real.numbers[new.edit.dot], conflicting, feeds)
        self._unwritten.edits.append(self._stored_edit(new, verdict))
        return verdict

    def close(self, known: KnownRecord, after: KnownRecord) -> None:
        """Take a record out of all partitions and the index: from here on it goes on elsewhere, as
        ``after`` says."""
        self._become(known, after, after)

    def take_in(self, known: KnownRecord, coming: Iterable[tuple[Edit, int]]) -> None:
        """Make edits part of a record with which they come from another authority, all at once, and
        open it here; each with when that authority received it. Those that are here already are
        passed over."""
        after = known.back_home()
        for edit, received_at in coming:
            if edit.dot not in after.numbers:
                after = after.with_edit(edit, origin=MOVED)
                moved = NewEdit(edit, MOVED)
                verdict = _verdict(moved, len(after.numbers), frozenset(), ())
                stored = self._stored_edit(moved, verdict)
                self._unwritten.edits.append(stored._replace(received_at=received_at))
        self._become(known, after, after)

    def write(self) -> None:
        """Write everything accepted so far; what may be of the same child as a shielded record is
        shielded first (H5)."""
        while self._unwritten.unexamined:
            examined = [*self._unwritten.unexamined.values()]
            self._unwritten.unexamined.clear()
            for likeness in self._likenesses.among(examined):
                self._shield(likeness)
        unwritten, self._unwritten = self._unwritten, _Unwritten()
        register(self._platform, self._transaction, *unwritten.latches)
        if self._edit_counter > self._authority.edit_counter:
            authorities.set_edit_counter(self._transaction, self._code, self._edit_counter)
        self._write_rows(unwritten)
        edits.add(self._transaction, unwritten.edits)
        likenesses.add(self._transaction, unwritten.likenesses)
        for feed in unwritten.feeds.values():
            feed.write()

    def _write_rows(self, unwritten: _Unwritten) -> None:
        """Write what the index does not have of these records, some of which it had beforehand."""
        moves = [
            Move(
                self._ahead.get(record_id) or unwritten.before[record_id],
                after,
                chosen=record_id in unwritten.chosen,
                searched=record_id in unwritten.searched,
            )
            for record_id, after in unwritten.after.items()
            if after is not self._ahead.get(record_id)
        ]
        write_rows(self._transaction, self._code, moves)

    def _become(
        self,
        before: KnownRecord,
        after: KnownRecord,
        real: KnownRecord,
        *,
        compared: bool = True,
        searched: bool = True,
        chosen: bool = True,
    ) -> tuple[FeedPosition, ...]:
        """Have a record be as it is after, wherever it is found; where that is in which feed.

        ``compared``, ``searched`` and ``chosen``: whether it may be like other records than before,
        be found otherwise, or be in other partitions. ``real`` is the record after with the dots
        that its edits really have.
        """
        record_id = after.record.record_id
        unwritten = self._unwritten
        unwritten.before.setdefault(record_id, before)
        unwritten.after[record_id] = after
        if compared:
            unwritten.unexamined[record_id] = after
        if searched:
            unwritten.searched.add(record_id)
        within = self._choose(before, after) if chosen else before.elements.keys()
        elements, feeds = self._distribute(before, after, within)
        self._known[record_id] = real.with_elements(elements)
        self._reach_other_entries(before, after, real)
        return feeds

    def _redirect(self, known: KnownRecord, edit: Edit) -> None:
        if known.redirection is not None:
            there = self.known(known.redirection.into_id)
            redirected = known.redirection.edit(edit, known.record, dot=self.next_dot)
            self.accept(there, NewEdit(redirected, SERVER))

    def _reach_other_entries(
        self, before: KnownRecord, after: KnownRecord, real: KnownRecord
    ) -> None:
        """What is raised or released in a record is so in those that were merged into it, should a
        restore bring them back; and devices may have what is hidden under other names too."""
        latches = self._latches(before, after, real)
        hides = after.hides_from(before)
        if not latches and not hides:
            return
        self._unwritten.latches.extend(latches)
        for other in other_entries(self._transaction, self._code, real, self.find):
            if other.redirection is not None:
                self._unwritten.latches.extend(self._latches_there(other, latches))
            if hides:
                self._redact(other)

    def _latches(
        self, before: KnownRecord, after: KnownRecord, real: KnownRecord
    ) -> list[Shield | Withdrawal]:
        """What is raised or released from here on."""
        latches: list[Shield | Withdrawal] = []
        if not (has_latches(after.record) or (before.numbers and has_latches(before.record))):
            return latches
        if is_shielded(before.record) != is_shielded(after.record):
            latches.append(_shield(self._code, real))
        if withdrawn_now := withdrawn(after.record):
            for path in sorted(withdrawn_now - withdrawn(before.record)):
                latches.append(_withdrawal(self._code, real, path))
        return latches

    def _latches_there(
        self, merged: KnownRecord, latches: Iterable[Shield | Withdrawal]
    ) -> Iterator[Shield | Withdrawal]:
        """The same of a record that was merged."""
        for latch in latches:
            there = msgspec.structs.replace(latch, record_id=merged.record.record_id)
            if isinstance(there, Shield):
                yield there
            elif path := called_before(merged, there.path, self.find):
                yield msgspec.structs.replace(there, path=path)

    def _redact(self, other: KnownRecord) -> None:
        """Have what devices may have of a record go at once, though nothing in it changes."""
        record_id = other.record.record_id
        for partition, element in sorted(other.elements.items()):
            self._feed(partition).put(
                record_id,
                other.revision,
                other.view_bytes,
                before=element,
                hides=True,
                now=self._now,
            )
        for partition in sorted(self._left(other)):
            self._feed(partition).redact(record_id, now=self._now)

    def _shield(self, likeness: Likeness) -> None:
        """Raise the shield of a record because it is like another, for a person to judge."""
        record_id = likeness.record_id
        known = self.find(record_id)
        if known is None or is_shielded(known.record):
            return
        replaced = tuple(value.dot for value in known.record.live.get(SHIELD, ()))
        raised = self.accept_as_server(
            known,
            [Change(SHIELD, RAISED, replaced)],
            administrator=None,
            basis=PROBABLE_DUPLICATE,
        )
        self._unwritten.likenesses.append(
            StoredLikeness(
                self._code,
                record_id,
                likeness.like_id,
                round(likeness.bits),
                self._now,
                raised.dot.actor,
                raised.dot.counter,
            )
        )
        events.add(
            self._transaction,
            authority=self._code,
            at=self._now,
            actor=self.actor,
            action="shield-raised",
            subject=record_id,
            reason=PROBABLE_DUPLICATE,
        )

    def _stored_edit(self, new: NewEdit, verdict: Verdict) -> StoredEdit:
        return StoredEdit(
            authority=self._code,
            record_id=new.edit.record_id,
            number=verdict.number,
            actor=new.edit.dot.actor,
            counter=new.edit.dot.counter,
            origin=new.origin,
            body=new.encoded or encode(new.edit),
            proposal_hash=new.proposal_hash,
            verdict=pack(verdict),
            received_at=self._now,
        )

    def _distribute(
        self, before: KnownRecord, after: KnownRecord, chosen: AbstractSet[str]
    ) -> tuple[dict[str, bytes], tuple[FeedPosition, ...]]:
        """Add the change to the feed of every partition that the record is, or was, in.

        What the record contributes to each partition now, and where the change is in its feed.
        """
        hides = self._hides(before, after)
        elements, feeds = {}, []
        for partition in sorted(chosen):
            was = before.elements.get(partition)
            number, elements[partition] = self._feed(partition).put(
                after.record.record_id,
                after.revision,
                after.view_bytes,
                before=was,
                hides=hides,
                now=self._now,
            )
            feeds.append(FeedPosition(partition, number))
        for partition in sorted(before.elements.keys() - chosen):
            number = self._feed(partition).remove(
                after.record.record_id,
                before=before.elements[partition],
                hides=hides,
                now=self._now,
            )
            feeds.append(FeedPosition(partition, number))
        if hides:
            for partition in sorted(self._left(before) - chosen):
                self._feed(partition).redact(after.record.record_id, now=self._now)
        return elements, tuple(feeds)

    def _hides(self, before: KnownRecord, after: KnownRecord) -> bool:
        """Whether something is hidden from here on that may be in a file: what was shown between
        two edits that are written together never was."""
        written = self._unwritten.before[after.record.record_id]
        return after.hides_from(before) and after.hides_from(written)

    def _left(self, known: KnownRecord) -> set[str]:
        """The partitions that a record has left, and that somebody may still have it in."""
        record_id, feeds = known.record.record_id, self._unwritten.feeds
        since = horizon(self._platform, self._transaction, self._code, now=self._now)
        written = redactions.still_on_devices(
            self._transaction, self._code, record_id, left_since=since
        )
        unwritten = (each for each, feed in feeds.items() if feed.has_left(record_id))
        return {*written, *unwritten} - known.elements.keys()

    def _choose(self, before: KnownRecord, after: KnownRecord) -> frozenset[str]:
        """The partitions that the record is in from now on."""
        if before.rules == after.rules:
            return frozenset(before.elements)
        self._unwritten.chosen.add(after.record.record_id)
        if self._rules is None:
            chosen = partitions.chosen_by(self._transaction, self._code, after.rules)
            return frozenset(partition for _, partition in chosen)
        return frozenset[str]().union(*(self._rules.get(rule, ()) for rule in after.rules))

    def _feed(self, partition: str) -> Feed:
        feeds = self._unwritten.feeds
        if partition not in feeds:
            feeds[partition] = Feed(self._platform, self._transaction, self._code, partition)
        return feeds[partition]


@dataclass(frozen=True)
class _Unwritten:
    """What has been accepted and waits to be written."""

    before: dict[str, KnownRecord] = field(default_factory=dict)
    """Records as the database has them."""
    after: dict[str, KnownRecord] = field(default_factory=dict)
    """The same as they are now."""
    searched: set[str] = field(default_factory=set)
    """The records that may be found under other keys than before."""
    chosen: set[str] = field(default_factory=set)
    """The records that other rules may choose than before."""
    unexamined: dict[str, KnownRecord] = field(default_factory=dict)
    """Records that may be like a shielded one by now, or are shielded by now."""
    likenesses: list[StoredLikeness] = field(default_factory=list)
    edits: list[StoredEdit] = field(default_factory=list)
    latches: list[Shield | Withdrawal] = field(default_factory=list)
    """Raised or released: for the register, before anything is acknowledged."""
    feeds: dict[str, Feed] = field(default_factory=dict)


def _check_size(known: KnownRecord) -> None:
    if known.is_full:
        raise CallerMistake("record-full", "The record would hold more than a view can show.")


def _shield(authority: str, after: KnownRecord) -> Shield:
    raised = is_shielded(after.record)
    dots = _raises(after.record.live[SHIELD]) if raised else _every_raise(after.record)
    return Shield(authority, after.record.record_id, raised, dots)


def _withdrawal(authority: str, after: KnownRecord, path: str) -> Withdrawal:
    return Withdrawal(authority, after.record.record_id, path, _raises(after.record.live[path]))


def _raises(live: Iterable[LiveValue]) -> tuple[Dot, ...]:
    return tuple(found.dot for found in live if found.value == RAISED)


def _every_raise(record: Record) -> tuple[Dot, ...]:
    """Also those that were released while another held: of these the register was told nothing."""
    return tuple(
        dot
        for dot, edit in record.edits.items()
        if any(change.path == SHIELD and change.value == RAISED for change in edit.changes)
    )


def _verdict(
    new: NewEdit, number: int, conflicting: frozenset[str], feeds: Sequence[FeedPosition]
) -> Verdict:
    """Judged by the conflicts in the view, not in the record: a verdict must not tell of values
    that are hidden."""
    in_conflict = bool(conflicting) and any(c.path in conflicting for c in new.edit.changes)
    return Verdict(
        counter=new.edit.dot.counter,
        number=number,
        outcome="conflict" if in_conflict else "merged",
        code="",
        feeds=tuple(feed for feed in feeds if feed.partition in new.told_of),
    )
