"""Journals: what is acknowledged stays, what is missing stops the lease (invariant 8)."""

from __future__ import annotations

import msgspec
import pytest

from children import AUTHORITY
from field_device import FieldDevice
from fieldward_server.api.reports import by_name
from fieldward_server.services.look_ups import journals
from fieldward_server.services.look_ups.journals import (
    JournalReport,
    list_sealed_look_ups,
    verify_journals,
)
from fieldward_server.services.look_ups.sealed_look_ups import (
    SealedPage,
    open_look_ups,
    require_audit_seed,
)
from fieldward_sync.encoding import decode, encode, pack, unpack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.journal import BoxItem, EntryItem, EpochSeal, SealItem
from fieldward_sync.leases import NOTHING_SPENT
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed, public_key, sign, signing_key
from service_world import World


@pytest.fixture
def device(world: World) -> FieldDevice:
    return world.device()


def verified(device: FieldDevice) -> JournalReport:
    (report,) = verify_journals(device.world.platform, AUTHORITY, device=device.name)
    return report


def look_ups(device: FieldDevice) -> list[tuple[int, str]]:
    """Sequence and searched name of all that was delivered."""
    page = list_sealed_look_ups(device.world.platform, AUTHORITY)
    found = open_look_ups(page, [device.world.secrets.audit_seed])
    return [(f.sequence, f.look_up.terms["family"] if f.look_up else "?") for f in found]


def test_look_ups_are_stored_sealed_verified_and_read_with_the_audit_seed_alone(
    device: FieldDevice,
) -> None:
    answer = device.sync(journal=(*device.journalled(3), device.look_up()))
    assert (answer.journal_next, answer.journal_epoch) == (4, 1)
    report = verified(device)
    assert (report.size, report.sealed_size, report.epochs, report.forks) == (4, 3, 1, 0)
    assert report.last_seal_at == device.world.now
    assert look_ups(device) == [(n, f"name {n}") for n in range(4)]
    page = list_sealed_look_ups(device.world.platform, AUTHORITY)
    assert [found.look_up for found in open_look_ups(page, [bytes(32)])] == [None] * 4


def pages(world: World, size: int, monkeypatch: pytest.MonkeyPatch) -> list[SealedPage]:
    """All delivered look-ups, so many at a time, as they come over the wire."""
    monkeypatch.setattr(journals, "ENTRIES_OF_A_PAGE", size)
    found: list[SealedPage] = []
    after = None
    while not found or after:
        page = list_sealed_look_ups(world.platform, AUTHORITY, after=after)
        sent = msgspec.json.decode(msgspec.json.encode(by_name(page)))
        found.append(msgspec.convert(sent, type=SealedPage))
        assert found[-1] == page
        after = page.after
    return found


@pytest.mark.parametrize(("size", "number"), [(1, 7), (2, 4), (3, 3), (7, 1), (8, 1)])
def test_look_ups_come_in_pages_that_miss_and_repeat_nothing(
    world: World, size: int, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = [world.device(), world.device(), world.device()]
    for device, look_ups in zip(devices, (4, 0, 3), strict=True):
        if look_ups:
            device.sync(journal=device.journalled(look_ups))
    found = pages(world, size, monkeypatch)
    assert len(found) == number
    opened = [it for page in found for it in open_look_ups(page, [world.secrets.audit_seed])]
    assert sorted((it.device, it.sequence) for it in opened) == sorted(
        [(devices[0].name, n) for n in range(4)] + [(devices[2].name, n) for n in range(3)]
    )
    assert all(it.look_up for it in opened)
    # Nobody but who holds the audit seed reads them, the server included.
    assert b"name 0" not in msgspec.json.encode(by_name(found))


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_look_ups_of_old_copies_are_among_them(
    world: World, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U8: or whoever puts a copy back could look unseen by the family that asks."""
    monkeypatch.setattr(journals, "ENTRIES_AT_A_TIME", 2)
    devices = [world.device(), world.device()]
    for device in devices:
        epoch_key, empty = device.epoch_key, device.journal
        device.sync(journal=device.journalled(2))
        device.epoch_key, device.journal = epoch_key, empty
        assert device.sync(journal=device.journalled(5)).parted
    opened = [
        it
        for page in pages(world, size, monkeypatch)
        for it in open_look_ups(page, [world.secrets.audit_seed])
    ]
    assert all(it.look_up for it in opened)
    assert sorted((it.device, it.forked, it.sequence) for it in opened) == sorted(
        (device.name, forked, number)
        for device in devices
        for forked, entries in ((False, 2), (True, 5))
        for number in range(entries)
    )


def test_what_is_damaged_of_an_old_copy_is_seen_to_be_there(world: World) -> None:
    device = world.device()
    epoch_key, empty = device.epoch_key, device.journal
    device.sync(journal=device.journalled(1))
    device.epoch_key, device.journal = epoch_key, empty
    device.sync(journal=device.journalled(2))
    with world.platform.storage.transaction() as transaction:
        transaction.execute("UPDATE journal_fork SET item = item_hash")
    page = list_sealed_look_ups(world.platform, AUTHORITY)
    opened = list(open_look_ups(page, [world.secrets.audit_seed]))
    assert [it.look_up is None for it in opened] == [False, True, True, True]  # with the seal


def test_an_entry_more_in_an_epoch_that_was_closed_is_of_an_old_copy(world: World) -> None:
    """As of a virtual machine that is set back to a moment before a sync, and looks on."""
    device = world.device()
    delivered = (BoxItem(device.journal_box.signed_header), device.look_up(), device.look_up())
    epoch_key, before_its_seal = device.epoch_key, device.journal
    device.sync(journal=(*delivered, device.close_epoch()))
    device.epoch_key, device.journal = epoch_key, before_its_seal
    answer = device.sync(journal=(*delivered, device.look_up(), device.close_epoch()))
    assert (answer.parted, answer.journal_next, answer.journal_epoch) == (True, 2, 1)
    assert set(world.incidents()) == {"journal-fork"}
    assert (verified(device).forks, verified(device).damage) == (2, "")


def test_what_cannot_be_taken_of_an_old_copy_keeps_nothing_else_of_it_out(world: World) -> None:
    """Invariant 9: the device sends it once, and goes on as its next generation."""
    device = world.device()
    epoch_key, empty = device.epoch_key, device.journal
    device.sync(journal=device.journalled(1))
    device.epoch_key, device.journal = epoch_key, empty
    nobodys = BoxItem(sign(device.journal_box.header, signing_key(bytes(32))))
    assert device.sync(journal=(device.look_up(), nobodys, device.look_up())).parted
    assert set(world.incidents()) == {"journal-fork", "signature-wrong"}
    assert verified(device).forks == 2


def test_the_look_ups_of_one_device_are_asked_for_alone(world: World) -> None:
    one, other = world.device(), world.device()
    for device in (one, other):
        device.sync(journal=device.journalled(2))
    page = list_sealed_look_ups(world.platform, AUTHORITY, device=one.name)
    assert {it.device for it in page.items} == {it.device for it in page.boxes} == {one.name}
    for ask in (list_sealed_look_ups, verify_journals):
        with pytest.raises(CallerMistake, match="unknown-device"):
            ask(world.platform, AUTHORITY, device="nobody")


def test_a_damaged_journal_stops_no_other(world: World) -> None:
    """Invariant 9: one bad item never blocks the rest."""
    broken, sound = world.device(), world.device()
    for device in (broken, sound):
        device.sync(journal=device.journalled(2))
    with world.platform.storage.transaction() as transaction:
        for damage in (
            "UPDATE journal_box SET header = box WHERE device = :device",
            "UPDATE journal_entry SET header = body WHERE device = :device AND sequence = 1",
        ):
            transaction.execute(damage, device=broken.name)
    reports = {it.device: it.damage for it in verify_journals(world.platform, AUTHORITY)}
    assert reports[broken.name]
    assert reports[sound.name] == ""
    page = list_sealed_look_ups(world.platform, AUTHORITY)
    opened = list(open_look_ups(page, [world.secrets.audit_seed]))
    assert [it.look_up is None for it in opened if it.device == broken.name] == [True, True]
    assert [it.look_up is None for it in opened if it.device == sound.name] == [False, False]


def test_an_audit_seed_is_held_against_the_authoritys_trust(device: FieldDevice) -> None:
    require_audit_seed(device.trust, [device.world.secrets.audit_seed])
    with pytest.raises(CallerMistake, match="audit-seed-wrong"):
        require_audit_seed(device.trust, [bytes(32)])


def test_the_same_items_again_change_nothing(device: FieldDevice) -> None:
    items = device.journalled(3)
    device.sync(journal=items)
    before = verified(device)
    assert device.sync(journal=items).journal_next == 3
    assert verified(device) == before
    assert device.world.incidents() == []


def test_after_a_gap_the_answer_says_what_is_due_and_nothing_is_stored(
    device: FieldDevice,
) -> None:
    box, first, second, seal = device.journalled(2)
    answer = device.sync(journal=(box, second, seal))
    assert (answer.journal_next, answer.journal_epoch) == (0, 0)
    assert (answer.lease, answer.lease_refused) == (None, "journal-incomplete")
    answer = device.sync(journal=(first, second, seal))
    assert (answer.journal_next, answer.lease_refused) == (2, "")
    assert answer.lease is not None
    assert device.world.incidents() == []


def test_a_missing_seal_stops_the_lease(device: FieldDevice) -> None:
    *entries, seal = device.journalled(2)
    assert device.sync(journal=tuple(entries)).lease_refused == "journal-incomplete"
    assert device.sync(journal=(seal,)).lease is not None


def test_an_entry_that_was_not_delivered_stops_the_lease(device: FieldDevice) -> None:
    assert device.sync(journal=device.journalled(1)).lease is not None
    device.world.now += 86_400
    device.look_up()
    assert device.sync().lease_refused == "journal-incomplete"


def test_a_seal_by_another_key_is_refused_and_opens_an_incident(device: FieldDevice) -> None:
    box, entry = BoxItem(device.journal_box.signed_header), device.look_up()
    forged = device.close_epoch(key=signing_key(bytes(32)))
    answer = device.sync(journal=(box, entry, forged))
    assert (answer.journal_next, answer.journal_epoch) == (1, 0)
    assert answer.lease_refused == "journal-incomplete"
    assert device.world.incidents() == ["signature-wrong"]


def test_seals_over_nothing_new_are_not_stored(device: FieldDevice) -> None:
    """Or a client could fill the database with them."""
    device.sync(journal=device.journalled(1))
    closing = device.journal.closing(
        closed_at=device.world.now, next_public_key=public_key(device.epoch_key)
    )
    empty = SealItem(sign(closing, device.epoch_key))
    assert device.sync(journal=(empty,)).journal_epoch == 1
    assert verified(device).epochs == 1
    assert device.world.incidents() == ["journal-seal"]
    assert device.sync(journal=device.journalled(1)).journal_next == 2


def test_another_entry_in_the_place_of_one_is_a_fork_and_both_are_kept(
    device: FieldDevice,
) -> None:
    device.sync(journal=device.journalled(2))
    # The device comes back from a copy of its folder from before those look-ups.
    earlier = FieldDevice(device.world)
    earlier.__dict__.update(device.__dict__)
    earlier.journal = msgspec.structs.replace(
        device.journal, epoch=0, sealed_size=0, frontier=type(device.journal.frontier).empty()
    )
    for _ in range(2):
        answer = device.sync(journal=(earlier.look_up(),))
        earlier.journal = msgspec.structs.replace(
            earlier.journal, frontier=type(device.journal.frontier).empty()
        )
        assert answer.journal_next == 2
    assert set(device.world.incidents()) == {"journal-fork"}
    assert verified(device).forks == 2
    assert look_ups(device)[:2] == [(0, "name 0"), (1, "name 1")]
    assert sorted(look_ups(device)[2:]) == [(0, "name 2"), (0, "name 3")]


def test_a_journal_that_shrank_opens_an_incident_and_stops_the_lease(
    device: FieldDevice,
) -> None:
    device.sync(journal=device.journalled(3))
    device.world.now += 86_400
    assert device.sync(journal_size=2).lease_refused == "journal-incomplete"
    assert device.world.incidents() == ["journal-shrunk"]


def test_an_entry_without_its_box_is_refused(device: FieldDevice) -> None:
    _, entry, seal = device.journalled(1)
    assert device.sync(journal=(entry, seal)).journal_next == 0
    assert device.world.incidents() == ["journal-box"]


def test_an_entry_with_another_body_than_its_header_says_is_refused(device: FieldDevice) -> None:
    box, entry, _ = device.journalled(1)
    assert isinstance(entry, EntryItem)
    answer = device.sync(journal=(box, EntryItem(entry.header, entry.body + b"x")))
    assert answer.journal_next == 0
    assert device.world.incidents() == ["journal-body"]


def test_a_broken_journal_does_not_hold_up_edits(device: FieldDevice) -> None:
    _, entry, _ = device.journalled(1)
    part = device.boxed(device.proposal("nobody", "sex", "male", shown=()))
    answer = device.sync(journal=(entry,), edits=(part,))
    assert [verdict.code for verdict in answer.verdicts] == ["unknown-record"]


def test_an_entry_that_nobody_can_open_is_reported_as_such(device: FieldDevice) -> None:
    body = b"not sealed at all"
    entry = device.journal.entry(
        box=device.journal_box.header.box, index=0, spent=NOTHING_SPENT, body=body
    )
    device.sync(journal=(BoxItem(device.journal_box.signed_header), entry))
    assert look_ups(device) == [(0, "?")]


@pytest.mark.parametrize(
    "tampering",
    [
        "DELETE FROM journal_entry WHERE sequence = 1",
        "DELETE FROM journal_entry WHERE sequence = 2",
        "UPDATE journal_entry SET body = header",
        "UPDATE journal_entry SET sequence = 7 - sequence",
        "DELETE FROM journal_seal",
        "DELETE FROM journal_seal WHERE epoch = 1",
        "UPDATE journal_seal SET epoch = 7 - epoch",
    ],
)
def test_what_an_administrator_changes_in_the_database_is_found(
    device: FieldDevice, tampering: str
) -> None:
    device.sync(journal=(*device.journalled(2), *device.journalled(1)))
    assert verified(device).damage == ""
    with device.world.platform.storage.transaction() as transaction:
        transaction.execute(tampering)
    assert verified(device).damage


def test_a_seal_that_claims_more_than_was_acknowledged_is_found_without_looking_for_it(
    device: FieldDevice,
) -> None:
    device.sync(journal=device.journalled(2))
    with device.world.platform.storage.transaction() as transaction:
        (row,) = transaction.execute("SELECT signed FROM journal_seal")
        signed: Signed = unpack(Signed, row["signed"])
        seal = decode(EpochSeal, signed.payload, max_bytes=MAX_SIGNED_BYTES)
        longer = encode(msgspec.structs.replace(seal, size=2**53 - 1))
        transaction.execute(
            "UPDATE journal_seal SET signed = :signed",
            signed=pack(msgspec.structs.replace(signed, payload=longer)),
        )
    assert verified(device).damage
