"""What an accepted edit changes: its record, the record's partitions, their feeds and digests.

Everything happens in the transaction of the edit, under the authority's lock, so that feeds have no
holes and a digest is always that of the records beside it. A book takes many edits and then writes
them together, because a database takes many rows of one kind faster than one row of many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fieldward_server.services.feeds import Feed
from fieldward_server.services.known_records import KnownRecord, find_record
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, authorities, edits, partitions, records
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.edits import StoredEdit
from fieldward_server.storage.records import RuleChange, StoredRecord
from fieldward_sync.encoding import encode, pack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.messages import FeedPosition, Verdict
from fieldward_sync.names import server_actor
from fieldward_sync.projection import conflicts, is_shielded
from fieldward_sync.records import MAX_CHANGES_IN_AN_EDIT, Change, Edit, differ
from fieldward_sync.versions import Dot
from fieldward_sync.views import MAX_VALUES_OF_A_VIEW, MAX_VIEW_BYTES, View


@dataclass(frozen=True)
class NewEdit:
    """An edit that is to be accepted."""

    edit: Edit
    origin: str
    proposal_hash: bytes = b""
    """What it was made from, where a device made it."""
    told_of: frozenset[str] = frozenset()
    """The partitions that its author may know of: a verdict names no other."""


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
        self._known: dict[str, KnownRecord] = {}
        self._chosen_by: dict[str, frozenset[str]] = {}
        self._unwritten = _Unwritten({}, [], [], {})

    def find(self, record_id: str) -> KnownRecord | None:
        """A record with everything accepted so far, ``None`` if there is none."""
        if record_id not in self._known:
            found = find_record(self._transaction, self._code, record_id)
            if found is None:
                return None
            self._known[record_id] = found
        return self._known[record_id]

    def accept_as_server(
        self, known: KnownRecord, changes: Sequence[Change], *, origin: str
    ) -> None:
        """Accept changes of the server's own, in as many edits as their number takes.

        ``CallerMistake("record-full")`` as ``accept``.
        """
        actor = server_actor(self._authority.incarnation)
        made = [
            Edit(
                dot=Dot(actor, authorities.next_edit_counter(self._transaction, self._code)),
                record_id=known.record.record_id,
                changes=tuple(changes[start : start + MAX_CHANGES_IN_AN_EDIT]),
                practitioner=None,
                made_at=self._now,
            )
            for start in range(0, len(changes), MAX_CHANGES_IN_AN_EDIT)
        ]
        self.accept(known, [NewEdit(edit, origin) for edit in made])

    def accept(self, known: KnownRecord, new: Sequence[NewEdit]) -> tuple[Verdict, ...]:
        """Make these edits part of their record, and bring its partitions up to date.

        ``CallerMistake("record-full")``, and nothing is changed, where the record would become
        larger than a view may be.
        """
        after = known
        for item in new:
            after = after.with_edit(item.edit, origin=item.origin)
        _check_size(after.view)
        self._unwritten.records[after.record.record_id] = self._stored(after)
        elements, feeds = self._distribute(known, after)
        self._known[after.record.record_id] = replace(after, elements=elements)
        verdicts = tuple(_verdict(item, after, feeds) for item in new)
        self._unwritten.edits.extend(
            self._stored_edit(item, verdict) for item, verdict in zip(new, verdicts, strict=True)
        )
        return verdicts

    def write(self) -> None:
        """Write everything accepted so far."""
        records.put(self._transaction, self._unwritten.records.values())
        edits.add(self._transaction, self._unwritten.edits)
        records.change_rules(self._transaction, self._code, self._unwritten.rules)
        for feed in self._unwritten.feeds.values():
            feed.write()
        self._unwritten = _Unwritten({}, [], [], {})

    def _stored(self, known: KnownRecord) -> StoredRecord:
        return StoredRecord(
            authority=self._code,
            record_id=known.record.record_id,
            revision=known.view.revision,
            view=known.view.to_bytes(),
            shielded=int(is_shielded(known.record)),
            conflicts=len(conflicts(known.record)),
        )

    def _stored_edit(self, new: NewEdit, verdict: Verdict) -> StoredEdit:
        return StoredEdit(
            authority=self._code,
            record_id=new.edit.record_id,
            number=verdict.number,
            actor=new.edit.dot.actor,
            counter=new.edit.dot.counter,
            origin=new.origin,
            body=encode(new.edit),
            proposal_hash=new.proposal_hash,
            verdict=pack(verdict),
            received_at=self._now,
        )

    def _distribute(
        self, before: KnownRecord, after: KnownRecord
    ) -> tuple[dict[str, bytes], tuple[FeedPosition, ...]]:
        """Add the change to the feed of every partition that the record is, or was, in.

        What the record contributes to each partition now, and where the change is in its feed.
        """
        chosen, hides = self._choose(before, after), after.hides_from(before)
        elements, feeds = {}, []
        for partition in sorted(chosen):
            was = before.elements.get(partition)
            number, elements[partition] = self._feed(partition).put(
                after.view, before=was, hides=hides, now=self._now
            )
            feeds.append(FeedPosition(partition, number))
        for partition in sorted(before.elements.keys() - chosen):
            number = self._feed(partition).remove(
                after.view.record_id,
                before=before.elements[partition],
                hides=hides,
                now=self._now,
            )
            feeds.append(FeedPosition(partition, number))
        return elements, tuple(feeds)

    def _choose(self, before: KnownRecord, after: KnownRecord) -> frozenset[str]:
        """The partitions that the record is in from now on."""
        if before.rules == after.rules:
            return frozenset(before.elements)
        record_id = after.record.record_id
        self._unwritten.rules.extend(
            RuleChange(record_id, rule, applies=rule in after.rules)
            for rule in sorted(before.rules ^ after.rules)
        )
        return frozenset[str]().union(*map(self._partitions_of, after.rules))

    def _partitions_of(self, rule: str) -> frozenset[str]:
        if rule not in self._chosen_by:
            self._chosen_by[rule] = partitions.chosen_by(self._transaction, self._code, rule)
        return self._chosen_by[rule]

    def _feed(self, partition: str) -> Feed:
        feeds = self._unwritten.feeds
        if partition not in feeds:
            feeds[partition] = Feed(self._platform, self._transaction, self._code, partition)
        return feeds[partition]


@dataclass(frozen=True)
class _Unwritten:
    """What has been accepted and waits to be written."""

    records: dict[str, StoredRecord]
    edits: list[StoredEdit]
    rules: list[RuleChange]
    feeds: dict[str, Feed]


def _check_size(view: View) -> None:
    if len(view.values) > MAX_VALUES_OF_A_VIEW or len(view.to_bytes()) > MAX_VIEW_BYTES:
        raise CallerMistake("record-full", "The record would hold more than a view can show.")


def _verdict(new: NewEdit, known: KnownRecord, feeds: Sequence[FeedPosition]) -> Verdict:
    """Judged by the view, not by the record: it must not tell of values that are hidden."""
    conflicting = any(
        differ(shown.value for shown in known.view.at(change.path)) for change in new.edit.changes
    )
    return Verdict(
        counter=new.edit.dot.counter,
        number=known.numbers[new.edit.dot],
        outcome="conflict" if conflicting else "merged",
        code="",
        feeds=tuple(feed for feed in feeds if feed.partition in new.told_of),
    )
