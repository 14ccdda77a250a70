"""Where a value comes from: who wrote it, on what, when it came, why, what replaced it (R1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.services.records.known_records import KnownRecord, known_record, stored_record
from fieldward_server.storage import Transaction, edits
from fieldward_server.storage.edits import StoredEdit
from fieldward_sync.labels import label
from fieldward_sync.records import Value
from fieldward_sync.versions import Dot


@dataclass(frozen=True)
class HistoricValue:
    """A value that an edit set at a path. Times are in seconds since 1970 UTC."""

    number: int
    """The edit's number in its record."""
    value: Value
    actor: str
    """The device and its generation, or the server and its incarnation."""
    counter: int
    practitioner: str | None
    """Whoever wrote it."""
    administrator: str | None
    """Whose command it was."""
    origin: str
    """``device``, ``load``, ``server``, or ``moved``: it came with the record from another
    authority."""
    basis: str
    """The reason of its author's session, or of the command."""
    made_at: int
    """By its author's clock."""
    received_at: int
    """By the server's."""
    base: int
    """The latest number that its author had been shown."""
    label: str
    """``offline-update``, ``parallel``, ``conflict``, or nothing."""
    admitted_from: str
    """Of one that was let in later, the refused edit: actor and number."""
    replaced_by: tuple[int, ...]
    """The numbers of the edits that took its place; of a live value none."""


class Provenance:
    """A record with what is stored beside its edits."""

    def __init__(self, known: KnownRecord, stored: Mapping[Dot, StoredEdit]) -> None:
        self.known = known
        self._stored = stored

    @classmethod
    def find(cls, transaction: Transaction, authority: str, record_id: str) -> Provenance:
        """Of one record; ``CallerMistake``: "unknown-record", "record-moved"."""
        stored_record(transaction, authority, record_id)
        stored = edits.of_record(transaction, authority, record_id)
        by_dot = {Dot(row.actor, row.counter): row for row in stored}
        return cls(known_record(record_id, stored), by_dot)

    def of_path(self, path: str) -> tuple[HistoricValue, ...]:
        """Every value that was set at a path, in the order in which they came."""
        known = self.known
        there = [
            self._historic(dot, change.value, path)
            for dot in sorted(known.record.edits, key=known.numbers.__getitem__)
            for change in known.record.edits[dot].changes
            if change.path == path
        ]
        return tuple(there)

    def live_at(self, path: str) -> tuple[HistoricValue, ...]:
        """The live values at a path, in the order in which they came."""
        live = {self.known.numbers[value.dot] for value in self.known.record.live.get(path, ())}
        return tuple(value for value in self.of_path(path) if value.number in live)

    def _historic(self, dot: Dot, value: Value, path: str) -> HistoricValue:
        known, stored = self.known, self._stored[dot]
        edit, origin = known.record.edits[dot], known.record.origin(dot)
        admits = edit.admits
        replaced_by = sorted(
            known.numbers[other.dot]
            for other in known.record.edits.values()
            for change in other.changes
            if change.path == path and not {dot, origin}.isdisjoint(change.replaces)
        )
        return HistoricValue(
            number=stored.number,
            value=value,
            actor=dot.actor,
            counter=dot.counter,
            practitioner=edit.practitioner,
            administrator=edit.administrator,
            origin=stored.origin,
            basis=edit.basis,
            made_at=edit.made_at,
            received_at=stored.received_at,
            base=edit.base,
            label=label(known.record, known.numbers, dot).value,
            admitted_from=f"{admits.actor}/{admits.counter}" if admits else "",
            replaced_by=tuple(replaced_by),
        )
