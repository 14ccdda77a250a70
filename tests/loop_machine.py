"""A state machine of the whole loop: real devices and the real service, with messages lost,
repeated and out of step. What must hold at the end, it checks as it is torn down."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fieldward_client import CallerMistake, Device, SyncOutcome
from fieldward_server.services.conflicts import list_conflicts, settle
from fieldward_server.services.inbox import admit, decline, list_inbox
from fieldward_server.services.known_records import find_records
from fieldward_server.services.partitions import grant, take
from fieldward_server.services.shields import raise_shield
from fieldward_server.storage import edits, records
from fieldward_sync.keys import Argon2Cost
from fieldward_sync.names import device_actor
from fieldward_sync.projection import is_shielded
from fieldward_sync.records import Value
from fieldward_sync.views import View
from fieldwork import AUTHORITY, child
from loop import Loop, Wire

PEOPLE = ("ann", "ben", "cleo")
RECORDS = ("r-0", "r-1", "r-2")
VALUES: dict[str, tuple[Value, ...]] = {
    "involvements/a1.phone": ("0114 496 0001", "0114 496 0002", "0114 496 0003"),
    "name.given": ("Ada", "Adah", "Aida"),
    "address": ({"kind": "no-known-address"}, {"kind": "left-england", "intends_return": "no"}),
    "involvements/a1.ended": ("2024-01-31", None),
}
FAULTS = (None, "lose request", "lose answer", "repeat request", "deliver late")
CHEAP = Argon2Cost(memory_kib=64, iterations=1, lanes=1)
"""Guessing is not what is tested here; the floor has its own tests."""

people = st.sampled_from(PEOPLE)
children = st.sampled_from(RECORDS)
changes = st.sampled_from([(path, value) for path, values in VALUES.items() for value in values])


class TheLoop(RuleBasedStateMachine):
    """Three people share a caseload; the third also holds the whole authority."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        for place in (
            "fieldward_sync.keys.ARGON2_FLOOR",
            "fieldward_client.passphrases.ARGON2_FLOOR",
        ):
            self.resources.enter_context(patch(place, CHEAP))
        folder = Path(tempfile.mkdtemp(prefix="fieldward-loop-"))
        self.resources.callback(shutil.rmtree, folder)
        self.loop = Loop(folder, self.resources.enter_context(self.new_database()))
        self.resources.callback(self.loop.close)
        self.loop.load(*(child(record) for record in RECORDS))
        self.loop.partition("caseload", "team:HV-1")
        self.loop.partition("everybody", "all")
        self.devices: dict[str, Device] = {}
        self.wires: dict[str, Wire] = {}
        self.accepted = dict.fromkeys(PEOPLE, 0)
        self.written: dict[tuple[str, str], list[tuple[str, Value]]] = {}
        for person in PEOPLE:
            held = ("caseload", "everybody") if person == "cleo" else ("caseload",)
            self.devices[person], self.wires[person] = self.loop.enrol(person, person, *held)
            self.devices[person].sync()

    @contextmanager
    def new_database(self) -> Iterator[str | None]:
        yield None

    @rule(person=people, record=children, change=changes)
    def write(self, person: str, record: str, change: tuple[str, Value]) -> None:
        path, value = change
        with self.devices[person].session(reason="record-correction") as session:
            try:
                opened = session.open(record)
                (opened.settle if path in opened.conflicts else opened.edit)(path, value)
            except CallerMistake:
                return  # not held any more, hidden by now, or it makes no sense over what is shown
            self.accepted[person] += 1
            self.written.setdefault((record, path), []).append((person, value))

    @rule(person=people, fault=st.sampled_from(FAULTS))
    def sync(self, person: str, fault: str | None) -> None:
        self.wires[person].fault = fault
        report = self.devices[person].sync()
        if fault in (None, "repeat request"):
            assert report.outcome is SyncOutcome.COMPLETE, report
        else:
            assert report.outcome is SyncOutcome.OFFLINE, report

    @rule()
    def seal(self) -> None:
        self.loop.seal()

    @rule(seconds=st.sampled_from([60, 3600, 10 * 3600]))
    def wait(self, seconds: int) -> None:
        self.loop.clock.wall += seconds

    @rule(record=children, given=st.sampled_from(VALUES["name.given"]))
    def load(self, record: str, given: str) -> None:
        self.loop.load(child(record, name={"family": "Okafor", "given": given}))
        self.written.setdefault((record, "name.given"), []).append(("server", given))

    @rule(record=children)
    def shield(self, record: str) -> None:
        raise_shield(
            self.loop.platform,
            authority=AUTHORITY,
            record_id=record,
            actor="test",
            reason="test",
            now=self.loop.clock.wall,
        )

    @rule(person=st.sampled_from(PEOPLE[:2]), given=st.booleans())
    def move(self, person: str, given: bool) -> None:
        """What is typed while one does not hold the caseload is refused when it comes."""
        status = self.devices[person].status()
        (grant if given else take)(
            self.loop.platform,
            partition="caseload",
            device=status.device,
            practitioner=person,
            **self.command(),
        )

    @rule(admitted=st.booleans())
    def decide(self, admitted: bool) -> None:
        """A person decides the refused edit that has waited longest."""
        for item in list_inbox(self.loop.platform, AUTHORITY, limit=1):
            decision = admit if admitted else decline
            decision(self.loop.platform, number=item.number, **self.command())

    @rule(first=st.booleans())
    def settle(self, first: bool) -> None:
        """A person says which of several values stands."""
        for conflict in list_conflicts(self.loop.platform, AUTHORITY)[:1]:
            chosen = conflict.values[0 if first else -1].value
            settle(
                self.loop.platform,
                record=conflict.record_id,
                path=conflict.path,
                shown=[value.number for value in conflict.values],
                value=chosen,
                **self.command(),
            )
            self.written.setdefault((conflict.record_id, conflict.path), []).append(
                ("server", chosen)
            )

    @rule(person=people)
    def read_notices(self, person: str) -> None:
        self.devices[person].mark_read(*self.devices[person].notices())

    def command(self) -> dict[str, Any]:
        now = self.loop.clock.wall
        return {"authority": AUTHORITY, "actor": "test", "reason": "test", "now": now}

    @rule(person=people)
    def restart(self, person: str) -> None:
        self.devices[person].close()
        self.devices[person] = self.loop.reopen(person, self.wires[person])

    @invariant()
    def no_accepted_edit_is_forgotten_by_the_device_before_its_verdict(self) -> None:
        for person, device in self.devices.items():
            status = device.status()
            assert status.pending_edits <= self.accepted[person]

    def teardown(self) -> None:
        try:
            self.settle_down()
            for person in PEOPLE:
                self.every_accepted_edit_is_with_the_server(person)
            for record in RECORDS:
                self.everybody_sees_what_the_server_shows(record)
            self.whoever_wrote_alone_sees_what_they_wrote_last()
            self.what_was_let_in_is_in_its_record_once()
            self.nobody_is_told_of_what_is_hidden()
            assert not self.loop.misfiled()
        finally:
            for device in self.devices.values():
                device.close()
            self.resources.close()

    def settle_down(self) -> None:
        for person in PEOPLE:
            self.devices[person].sync()
        self.loop.seal()
        for person in PEOPLE:
            report = self.devices[person].sync()
            assert report.outcome is SyncOutcome.COMPLETE, report
            assert self.devices[person].status().pending_edits == 0

    def every_accepted_edit_is_with_the_server(self, person: str) -> None:
        status = self.devices[person].status()
        actor = device_actor(status.device, status.generation)
        with self.loop.platform.storage.reading() as transaction:
            merged = {
                edit.counter
                for record in RECORDS
                for edit in edits.of_record(transaction, AUTHORITY, record)
                if edit.actor == actor
            }
            refused = {
                item.counter for item in edits.inbox(transaction, AUTHORITY) if item.actor == actor
            }
        assert not merged & refused
        assert len(merged | refused) == self.accepted[person]

    def what_was_let_in_is_in_its_record_once(self) -> None:
        with self.loop.platform.storage.reading() as transaction:
            known = find_records(transaction, AUTHORITY, RECORDS)
        admitted = [
            edit.admits
            for record in known.values()
            for edit in record.record.edits.values()
            if edit.admits is not None
        ]
        decided = list_inbox(self.loop.platform, AUTHORITY, which="all")
        expected = [(i.actor, i.counter) for i in decided if i.decision == "admitted"]
        assert sorted((dot.actor, dot.counter) for dot in admitted) == sorted(expected)

    def nobody_is_told_of_what_is_hidden(self) -> None:
        for device in self.devices.values():
            for notice in device.notices():
                if notice.path is not None:
                    assert notice.path in self.loop.view(notice.record_id).by_path()

    def whoever_wrote_alone_sees_what_they_wrote_last(self) -> None:
        with self.loop.platform.storage.reading() as transaction:
            refused = {item.practitioner for item in edits.inbox(transaction, AUTHORITY)}
            for (record, path), written in self.written.items():
                writers = {person for person, _ in written}
                if len(writers) > 1 or writers & ({"server"} | refused):
                    continue
                known = find_records(transaction, AUTHORITY, [record])[record]
                if is_shielded(known.record):
                    continue  # what is hidden stays beside what is written: nobody was shown it
                assert [live.value for live in known.record.live[path]] == [written[-1][1]]

    def everybody_sees_what_the_server_shows(self, record: str) -> None:
        with self.loop.platform.storage.reading() as transaction:
            stored = records.find(transaction, AUTHORITY, record)
        assert stored is not None
        view = View.read(stored.view)
        expected = {
            path: sorted({str(value.value) for value in values})
            for path, values in view.by_path().items()
            if any(value.value is not None for value in values)
        }
        for person in PEOPLE:
            with self.devices[person].session(reason="record-correction") as session:
                try:
                    shown = session.open(record)
                except CallerMistake:
                    assert person != "cleo", "the whole authority is held, so this record is"
                    continue
            assert shown.shielded == view.shielded
            seen = {path: [str(value)] for path, value in shown.values.items()}
            seen |= {path: sorted(map(str, values)) for path, values in shown.conflicts.items()}
            assert seen == expected
