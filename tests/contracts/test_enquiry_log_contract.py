"""On-line enquiries are on record before they are answered."""

from __future__ import annotations

import re

import pytest

from children import AUTHORITY, child
from enquiring import ADA, asking_device, found, on_record
from field_device import FieldDevice
from fieldward_server.services.authentication import NotAuthenticated
from fieldward_server.services.look_ups import enquiry_log, journals
from fieldward_server.services.look_ups.enquiries import enquire
from fieldward_server.services.look_ups.journals import (
    POSITION,
    JournalReport,
    list_sealed_look_ups,
    verify_journals,
)
from fieldward_server.services.look_ups.sealed_look_ups import open_look_ups
from fieldward_server.storage import enquiries
from fieldward_sync.errors import RetryLater
from fieldward_sync.journal import LookUp
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    return asking_device(world)


def test_what_was_shown_is_on_record_before_it_is_answered(
    world: World, device: FieldDevice
) -> None:
    """U1, A3: who, for whom, why, when, what was asked, and whom it showed."""
    asked = device.enquiry(ADA, on_behalf_of="p-9", reason="safeguarding")
    hits = found(device.ask(asked))
    opening = device.enquiry(record_id="ada", query=asked.query)
    view = device.ask(opening).view
    assert view is not None
    searched, opened = on_record(world)
    assert [(it.device, it.generation, it.sequence, it.online) for it in (searched, opened)] == [
        (device.name, 1, 0, True),
        (device.name, 1, 1, True),
    ]
    assert searched.look_up == LookUp(
        action="search",
        outcome="shown",
        practitioner="p-1",
        on_behalf_of="p-9",
        reason="safeguarding",
        at=world.now,
        terms=ADA,
        records=tuple(hits),
        fields=(),
        query=asked.query,
    )
    assert opened.look_up is not None
    assert (opened.look_up.action, opened.look_up.query) == ("open", asked.query)
    assert opened.look_up.records == ("ada",)
    assert set(opened.look_up.fields) == {value.path for value in view.values}


def test_an_empty_result_is_on_record(world: World, device: FieldDevice) -> None:
    device.enquire(family="Featherstonehaugh", born="2018-01-01")
    device.open_on_line("nobody")
    first, second = (it.look_up for it in on_record(world))
    assert first is not None
    assert second is not None
    assert (first.outcome, first.records) == ("nothing", ())
    assert (second.outcome, second.records) == ("nothing", ("nobody",))


def test_a_record_of_more_fields_than_a_look_up_names_takes_several(
    world: World, device: FieldDevice
) -> None:
    involvement = {"service": "health-visiting", "since": "2021-04-01", "phone": "07700 900001"}
    world.load(child("many", involvements={f"i{n}": involvement for n in range(100)}))
    view = device.open_on_line("many").view
    assert view is not None
    look_ups = [it.look_up for it in on_record(world)]
    assert len(look_ups) == 2
    named = [path for it in look_ups if it is not None for path in it.fields]
    assert named == list(view.by_path())


def test_without_its_entry_an_enquiry_is_not_answered(
    world: World, device: FieldDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 2, on the server: and its counter is not spent either."""
    real = enquiries.append

    def full(*_: object, **__: object) -> None:
        raise RetryLater("database-busy", "The disk is full.")

    monkeypatch.setattr(enquiries, "append", full)
    before = world.written()
    with pytest.raises(RetryLater):
        device.enquire(**ADA)
    assert world.written() == before
    monkeypatch.setattr(enquiries, "append", real)
    assert found(device.ask(device.enquiry(ADA), counter=device.counter)) == ["ada"]


def test_an_enquiry_is_taken_once(world: World, device: FieldDevice) -> None:
    """Two workers may let the same request in; only one answers it."""
    caller, request = device.handed_in(device.enquiry(ADA))
    enquire(world.platform, caller, request, now=world.now)
    with pytest.raises(NotAuthenticated) as refusal:
        enquire(world.platform, caller, request, now=world.now)
    assert refusal.value.code == "counter-used"
    assert len(on_record(world)) == 1


def test_the_servers_workers_cannot_read_what_was_asked(world: World, device: FieldDevice) -> None:
    device.enquire(**ADA)
    with world.platform.storage.reading() as transaction:
        (row,) = transaction.execute("SELECT * FROM enquiry")
    assert b"Okafor" not in row["body"] + row["header"]
    page = list_sealed_look_ups(world.platform, AUTHORITY)
    assert [it.look_up for it in open_look_ups(page, [bytes(32)])] == [None]


def own_log(world: World) -> JournalReport:
    (report,) = [it for it in verify_journals(world.platform, AUTHORITY) if it.device == "server"]
    return report


def test_the_log_is_checked_with_the_journals(world: World, device: FieldDevice) -> None:
    assert [it.device for it in verify_journals(world.platform, AUTHORITY)] == [device.name]
    for _ in range(3):
        device.enquire(**ADA)
    report = own_log(world)
    assert (report.size, report.generation, report.damage) == (3, 1, "")
    assert [it.device for it in verify_journals(world.platform, AUTHORITY, device=device.name)] == [
        device.name
    ]


TAMPERED = [
    "UPDATE enquiry SET body = :bytes WHERE sequence = 1",
    "UPDATE enquiry SET header = :bytes WHERE sequence = 1",
    "UPDATE enquiry SET header = (SELECT header FROM enquiry WHERE sequence = 0)"
    " WHERE sequence = 1",
    "DELETE FROM enquiry WHERE sequence = 1",
    "DELETE FROM enquiry WHERE sequence = 2",
    "DELETE FROM enquiry",
    "DELETE FROM enquiry_log",
    "UPDATE enquiry_log SET head = :bytes",
]


@pytest.mark.parametrize("statement", TAMPERED)
def test_what_an_administrator_changes_in_the_log_is_found(
    world: World, device: FieldDevice, statement: str
) -> None:
    """Invariant 8."""
    for _ in range(3):
        device.enquire(**ADA)
    with world.platform.storage.transaction() as transaction:
        given = {"bytes": b"another"} if ":bytes" in statement else {}
        transaction.execute(statement, **given)
    assert own_log(world).damage


def test_entries_of_one_device_are_asked_for_alone(world: World, device: FieldDevice) -> None:
    other = world.device()
    for each in (device, other, device):
        each.enquire(**ADA)
    assert [it.sequence for it in on_record(world, device.name)] == [0, 2]
    assert [it.sequence for it in on_record(world, other.name)] == [1]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_look_ups_made_on_line_come_in_pages_behind_those_that_were_delivered(
    world: World, device: FieldDevice, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ENTRIES_OF_A_PAGE", size)
    monkeypatch.setattr(enquiry_log, "ENTRIES_AT_A_TIME", 2)
    device.sync(journal=device.journalled(3))
    for _ in range(4):
        device.enquire(**ADA)
    seen, after = [], None
    while True:
        page = list_sealed_look_ups(world.platform, AUTHORITY, after=after)
        assert len(page.items) + len(page.enquiries) <= size
        seen += [(it.online, it.sequence) for it in open_look_ups(page, [world.secrets.audit_seed])]
        if page.after is None:
            break
        assert re.fullmatch(POSITION, page.after)
        after = page.after
    assert seen == [(False, n) for n in range(3)] + [(True, n) for n in range(4)]
