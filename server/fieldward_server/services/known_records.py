"""A record as the authority knows it, with what its edits are called and where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fieldward_server.services.membership import rules_for
from fieldward_server.storage import Transaction, edits, partitions
from fieldward_server.storage.edits import StoredEdit
from fieldward_sync.encoding import decode
from fieldward_sync.projection import NOBODYS_NUMBER, project, settled_by_rule
from fieldward_sync.records import Edit, Record, Value
from fieldward_sync.versions import Dot
from fieldward_sync.views import View

MAX_EDIT_BYTES = 1 << 20

DEVICE, LOAD, SERVER = "device", "load", "server"
"""Where an edit came from: a device, a loaded file, an administrator's command."""


@dataclass(frozen=True)
class KnownRecord:
    """A record and its edits, hidden values included."""

    record: Record
    numbers: Mapping[Dot, int]
    """The record's own names for its edits, as views show them."""
    loaded: Mapping[str, tuple[Dot, Value]]
    """Path to what a file set there last, and the edit that did."""
    elements: Mapping[str, bytes]
    """The partitions it is in, and what it contributes to the digest of each."""

    @classmethod
    def new(cls, record_id: str) -> KnownRecord:
        """A record that has no edit yet."""
        return cls(Record(record_id), {}, {}, {})

    def with_edit(self, edit: Edit, *, origin: str) -> KnownRecord:
        """This record with one more edit, under its next number."""
        loaded = {change.path: (edit.dot, change.value) for change in edit.changes}
        return KnownRecord(
            self.record.with_edit(edit),
            {**self.numbers, edit.dot: len(self.numbers) + 1},
            {**self.loaded, **loaded} if origin == LOAD else self.loaded,
            self.elements,
        )

    @property
    def by_number(self) -> Mapping[int, Dot]:
        """Which edit a number means."""
        return {number: dot for dot, number in self.numbers.items()}

    @property
    def values(self) -> dict[str, Value]:
        """The record's values, the first of each path that is in conflict."""
        return {path: live[0].value for path, live in self.record.live.items()}

    @cached_property
    def view(self) -> View:
        """What an ordinary reader may see; every edit makes a revision."""
        return project(self.record, self.numbers, len(self.numbers))

    @cached_property
    def rules(self) -> frozenset[str]:
        """The rules that choose this record; none choose one that has no edit yet."""
        return rules_for(self.record) if self.numbers else frozenset()

    @cached_property
    def shown(self) -> frozenset[str]:
        """The paths whose values an ordinary reader may see."""
        return frozenset(v.path for v in self.view.values if v.number != NOBODYS_NUMBER)

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The paths whose values are kept from ordinary readers; a latch at rest hides nothing."""
        return frozenset(
            path
            for path in self.record.live
            if path not in self.shown and not settled_by_rule(path)
        )

    def hides_from(self, before: KnownRecord) -> bool:
        """Whether something is hidden now that was shown before (H7, C4)."""
        return bool(self.hidden) and not self.hidden.isdisjoint(before.shown)


def read_edit(stored: StoredEdit) -> Edit:
    """The edit that was stored."""
    return decode(Edit, stored.body, max_bytes=MAX_EDIT_BYTES)


def find_record(transaction: Transaction, authority: str, record_id: str) -> KnownRecord | None:
    """A record with all its edits, ``None`` if there is none."""
    stored = edits.of_record(transaction, authority, record_id)
    if not stored:
        return None
    read = [(row, read_edit(row)) for row in stored]
    return KnownRecord(
        record=Record(record_id, {edit.dot: edit for _, edit in read}),
        numbers={edit.dot: row.number for row, edit in read},
        loaded={
            change.path: (edit.dot, change.value)
            for row, edit in read
            if row.origin == LOAD
            for change in edit.changes
        },
        elements=partitions.memberships(transaction, authority, record_id),
    )
