"""A record as the authority knows it, with what its edits are called and where it belongs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from fieldward_server.services.membership import rules_for
from fieldward_server.services.records.redirections import Redirection
from fieldward_server.storage import Transaction, departures, edits, memberships, merges, records
from fieldward_server.storage.departures import StoredDeparture
from fieldward_server.storage.edits import StoredEdit
from fieldward_server.storage.merges import StoredMerge
from fieldward_server.storage.records import StoredRecord
from fieldward_sync.disputes import Dispute, disputes_in, is_of_dispute
from fieldward_sync.encoding import decode, unpack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RAISED
from fieldward_sync.matching.index_keys import index_keys
from fieldward_sync.projection import (
    NOBODYS_NUMBER,
    SHIELD,
    conflicts,
    hides_nothing,
    is_shielded,
    project,
    settled_by_rule,
)
from fieldward_sync.records import Edit, Record, Value
from fieldward_sync.versions import Dot
from fieldward_sync.views import MAX_VALUES_OF_A_VIEW, MAX_VIEW_BYTES, View
from fieldward_sync.worked_out import worked_out

PROBABLE_DUPLICATE = "probable-duplicate"
"""The basis of a raise that nobody commanded."""

_Found = TypeVar("_Found")

MAX_EDIT_BYTES = 1 << 20

DEVICE, LOAD, SERVER, MOVED = "device", "load", "server", "moved"
"""Where an edit came from: a device, a loaded file, an administrator's command, another authority
that handed over the record."""


class KnownRecord(Struct, frozen=True, dict=True):
    """A record and its edits, hidden values included."""

    record: Record
    numbers: Mapping[Dot, int]
    """The record's own names for its edits, as views show them."""
    from_files: frozenset[Dot]
    """Those of its edits that a loaded file made."""
    elements: Mapping[str, bytes]
    """The partitions it is in, and what it contributes to the digest of each."""
    redirection: Redirection | None = None
    """Where it goes on, if it was merged into another: then it shows nothing, and is nowhere."""
    departed_from: frozenset[str] | None = None
    """The partitions that it was in when it went to another authority: who holds one of them may
    have edits of it yet. What is left here shows nothing, is nowhere, and takes nothing."""

    @classmethod
    def new(cls, record_id: str) -> KnownRecord:
        """A record that has no edit yet."""
        return cls(Record(record_id), {}, frozenset(), {})

    def with_edit(self, edit: Edit, *, origin: str) -> KnownRecord:
        """This record with one more edit, under its next number."""
        return replace(
            self,
            record=self.record.with_edit(edit),
            numbers={**self.numbers, edit.dot: len(self.numbers) + 1},
            from_files=self.from_files | {edit.dot} if origin == LOAD else self.from_files,
        )

    def with_elements(self, elements: Mapping[str, bytes]) -> KnownRecord:
        """This record in these partitions instead."""
        return replace(self, elements=elements)

    def going_on(self, redirection: Redirection) -> KnownRecord:
        """This record, merged into another one."""
        return replace(self, redirection=redirection)

    def departed(self, partitions: frozenset[str]) -> KnownRecord:
        """What is left of this record once another authority has it; it was in these partitions."""
        return replace(self, departed_from=partitions)

    def back_home(self) -> KnownRecord:
        """This record, which other authorities had for a time."""
        return replace(self, departed_from=None)

    @property
    def revision(self) -> int:
        """Every edit makes one."""
        return len(self.numbers)

    @property
    def is_closed(self) -> bool:
        """Whether it goes on elsewhere, here or with another authority."""
        return self.redirection is not None or self.departed_from is not None

    @worked_out
    def loaded(self) -> Mapping[str, tuple[Dot, Value]]:
        """Path to what a file set there last, and the edit that did."""
        return {
            change.path: (dot, change.value)
            for dot in sorted(self.from_files, key=self.numbers.__getitem__)
            for change in self.record.edits[dot].changes
        }

    @property
    def last_loaded(self) -> int:
        """The number of the last edit that a file made; 0 if none did."""
        return max((self.numbers[dot] for dot in self.from_files), default=0)

    def work_out(self) -> None:
        """Work out now what is written of it, and let go of what only led there: a thousand records
        at a time, that would push all else out of the processor's caches."""
        _ = self.view_bytes, self.rules, self.index_keys, self.conflicts, self.disputes
        _ = self.hidden, self.is_full
        for led_there in ("view", "_projected"):
            vars(self).pop(led_there, None)
        for led_there in ("said", "live"):
            vars(self.record).pop(led_there, None)

    @property
    def by_number(self) -> Mapping[int, Dot]:
        """Which edit a number means."""
        return {number: dot for dot, number in self.numbers.items()}

    @property
    def values(self) -> dict[str, Value]:
        """The record's values, the first of each path that is in conflict."""
        return {path: live[0].value for path, live in self.record.live.items()}

    @worked_out
    def view(self) -> View:
        """What an ordinary reader may see."""
        if self.is_closed:
            return View(self.record.record_id, self.revision, is_shielded(self.record), ())
        return self._projected

    @worked_out
    def _projected(self) -> View:
        return project(self.record, self.numbers, self.revision)

    @worked_out
    def view_bytes(self) -> bytes:
        """The view as it is stored and sealed."""
        return self.view.to_bytes()

    @worked_out
    def is_full(self) -> bool:
        """Whether it holds more than a view can show."""
        too_many = len(self.view.values) > MAX_VALUES_OF_A_VIEW
        return too_many or len(self.view_bytes) > MAX_VIEW_BYTES

    @worked_out
    def index_keys(self) -> frozenset[str]:
        """The keys under which enquiries find this record; none for one that has no edit yet."""
        return index_keys(self.view) if self.numbers else frozenset()

    @worked_out
    def conflicts(self) -> tuple[str, ...]:
        """The paths that wait for a person to settle them, hidden ones included."""
        return () if self.is_closed else conflicts(self.record)

    @worked_out
    def disputes(self) -> tuple[Dispute, ...]:
        """Every dispute there has been, hidden ones included, the oldest first (R2)."""
        if self.is_closed or not self.record.deciding["path"]:  # that every dispute has
            return ()
        live = self.record.live
        return disputes_in({path: live[path][0].value for path in live if is_of_dispute(path)})

    @worked_out
    def rules(self) -> frozenset[str]:
        """The rules that choose this record; none choose one that has no edit yet."""
        is_somewhere = self.numbers and not self.is_closed
        return rules_for(self.record) if is_somewhere else frozenset()

    @worked_out
    def shown(self) -> frozenset[str]:
        """The paths whose values an ordinary reader may see."""
        if self.departed_from is not None:
            return frozenset()
        return frozenset(v.path for v in self._projected.values if v.number != NOBODYS_NUMBER)

    @worked_out
    def hidden(self) -> frozenset[str]:
        """The paths whose values are kept from ordinary readers; a latch at rest hides nothing."""
        if self.departed_from is None and hides_nothing(self.record):
            return frozenset()
        return frozenset(
            path
            for path in self.record.paths
            if path not in self.shown and not settled_by_rule(path)
        )

    def known_to(self, practitioner: str, *, hidden: AbstractSet[str]) -> Mapping[str, Value]:
        """The values that a practitioner may know of, the first of each path, where these paths
        are hidden: what is shown, as it is shown, and what they wrote themselves."""
        if not hidden:
            return self.values
        edits, elsewhere = self.record.edits, hidden - self.hidden
        own = {
            change.path: change.value
            for dot in sorted(edits, key=self.numbers.__getitem__)
            if edits[dot].practitioner == practitioner
            for change in edits[dot].changes
        }
        shown = (each for each in reversed(self._projected.values) if each.path not in elsewhere)
        return own | {each.path: each.value for each in shown}

    @property
    def is_shielded_by_somebody(self) -> bool:
        """Whether a raise holds that is not the server's own for a likeness: one that a person may
        release by saying that it is another child (H5)."""
        raises = (each for each in self.record.live.get(SHIELD, ()) if each.value == RAISED)
        edits = (self.record.edits[each.dot] for each in raises)
        return any(each.administrator or each.basis != PROBABLE_DUPLICATE for each in edits)

    def hides_from(self, before: KnownRecord) -> bool:
        """Whether something is hidden now that was shown before (H7, C4)."""
        if not before.numbers or not self.hidden:  # most hide nothing: no need to look at before
            return False
        return not self.hidden.isdisjoint(before.shown)


def read_edit(stored: StoredEdit) -> Edit:
    """The edit that was stored."""
    return decode(Edit, stored.body, max_bytes=MAX_EDIT_BYTES)


def existing(found: _Found | None, record_id: str) -> _Found:
    """What was found of a record; ``CallerMistake("unknown-record")`` where that is nothing."""
    if found is None:
        raise CallerMistake("unknown-record", f"There is no record {record_id[:32]!r}.")
    return found


def responsible_for(found: KnownRecord | None, record_id: str) -> KnownRecord:
    """The record that was found; ``CallerMistake``: "unknown-record" if none was, "record-moved"
    if another authority has it."""
    known = existing(found, record_id)
    if known.departed_from is not None:
        raise _moved(record_id)
    return known


def stored_record(transaction: Transaction, authority: str, record_id: str) -> StoredRecord:
    """The row of a record; ``CallerMistake`` as ``responsible_for``."""
    if departures.among(transaction, authority, [record_id]):
        raise _moved(record_id)
    return existing(records.find(transaction, authority, record_id), record_id)


def find_records(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> dict[str, KnownRecord]:
    """Those of these records that there are, with all their edits, by id."""
    departed = {row.record_id: row for row in departures.among(transaction, authority, record_ids)}
    stored = {
        record_id: tuple(rows)
        for record_id, rows in groupby(
            edits.of_records(transaction, authority, record_ids), key=attrgetter("record_id")
        )
    }
    elements = find_elements(transaction, authority, stored.keys())
    merged = find_merges(transaction, authority, stored.keys())
    return {
        record_id: known_record(
            record_id,
            stored.get(record_id, ()),
            elements.get(record_id),
            merged.get(record_id),
            departed.get(record_id),
        )
        for record_id in [*stored, *(departed.keys() - stored.keys())]
    }


def find_elements(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> dict[str, dict[str, bytes]]:
    """The partitions that these records are in, and what they contribute to each, by id."""
    elements: dict[str, dict[str, bytes]] = {}
    if record_ids:  # most that are loaded are new
        for member in memberships.of_records(transaction, authority, record_ids):
            elements.setdefault(member.record_id, {})[member.partition_id] = member.element
    return elements


def find_merges(
    transaction: Transaction, authority: str, record_ids: Collection[str]
) -> dict[str, StoredMerge]:
    """The merges that closed any of these records, by id."""
    found = merges.among(transaction, authority, record_ids) if record_ids else ()
    return {row.record_id: row for row in found}


def known_record(
    record_id: str,
    stored: Iterable[StoredEdit],
    elements: Mapping[str, bytes] | None = None,
    merged: StoredMerge | None = None,
    departed: StoredDeparture | None = None,
) -> KnownRecord:
    """The record that these edits make, in these partitions, merged into another, or departed."""
    read = [(row, read_edit(row)) for row in stored]
    return KnownRecord(
        record=Record(record_id, {edit.dot: edit for _, edit in read}),
        numbers={edit.dot: row.number for row, edit in read},
        from_files=frozenset(edit.dot for row, edit in read if row.origin == LOAD),
        elements=elements or {},
        redirection=Redirection.read(merged) if merged else None,
        departed_from=frozenset(unpack(tuple[str, ...], departed.partitions)) if departed else None,
    )


def _moved(record_id: str) -> CallerMistake:
    return CallerMistake(
        "record-moved",
        f"The record {record_id[:32]!r} has gone to another authority.",
        next_step="`fieldward records transfers` says to which; ask there.",
    )
