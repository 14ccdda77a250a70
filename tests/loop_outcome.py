"""What became of it: what the server has of a device, and what the loop must have come to."""

from __future__ import annotations

from children import AUTHORITY
from fieldward_server.services.inbox import list_inbox
from fieldward_server.services.journals import verify_journals
from fieldward_server.services.known_records import find_records
from fieldward_server.storage import edits, grants, holders
from fieldward_sync.encoding import unpack
from fieldward_sync.journal import EntryItem, JournalItem
from fieldward_sync.projection import is_shielded
from loop import Loop
from loop_hand import Hand, Shown

Dot = tuple[int, int]
"""A device's generation, and the number of an edit."""


def merged_and_refused(
    loop: Loop, device: str, record_ids: tuple[str, ...]
) -> tuple[set[Dot], set[Dot]]:
    """The edits that a device made in all its generations: those in records, those in the inbox."""
    with loop.platform.storage.reading() as transaction:
        merged = {
            (edit.actor, edit.counter)
            for record in record_ids
            for edit in edits.of_record(transaction, AUTHORITY, record)
        }
        refused = {(each.actor, each.counter) for each in edits.inbox(transaction, AUTHORITY)}
    return _of(device, merged), _of(device, refused)


def look_ups_on_record(loop: Loop, device: str) -> int:
    """How many of a device's look-ups the server has, those of an old copy of it included; each of
    its journals must verify from its first entry to its last."""
    reports = verify_journals(loop.platform, AUTHORITY, device=device)
    assert not [report for report in reports if report.damage]
    with loop.platform.storage.reading() as transaction:
        rows = transaction.execute(
            "SELECT item FROM journal_fork WHERE authority = :authority AND device = :device",
            authority=AUTHORITY,
            device=device,
        )
    items: list[JournalItem] = [unpack(JournalItem, row["item"]) for row in rows]
    beside = sum(isinstance(item, EntryItem) for item in items)
    return sum(report.size for report in reports) + beside


def require_shown_as_granted(loop: Loop, hand: Hand, record_id: str) -> None:
    """A device shows exactly the records of the partitions that its person may hold, and of them
    what the server shows (invariants 4 and 7)."""
    status = hand.status()
    with loop.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, [record_id])[record_id]
        holder = holders.find(
            transaction, AUTHORITY, status.device, status.generation, status.practitioner or ""
        )
        assert holder is not None
        granted = {each.partition_id for each in grants.of_holder(transaction, holder)}
    shown = hand.look(record_id)
    assert (shown is not None) == bool(granted & known.elements.keys())
    assert shown in (None, as_the_server_shows(loop, record_id))


def as_the_server_shows(loop: Loop, record_id: str) -> Shown:
    """A record as an ordinary reader sees it now."""
    view = loop.view(record_id)
    values = {
        path: sorted({str(value.value) for value in values})
        for path, values in view.by_path().items()
        if any(value.value is not None for value in values)
    }
    return Shown(view.shielded, values)


def is_shielded_now(loop: Loop, record_id: str) -> bool:
    """Whether no shield has come off a record."""
    with loop.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, [record_id])
    return record_id in known and is_shielded(known[record_id].record)


def require_admitted_once(loop: Loop, record_ids: tuple[str, ...]) -> None:
    """What was let in from the inbox is in its record once."""
    with loop.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, record_ids)
    admitted = [
        edit.admits
        for record in known.values()
        for edit in record.record.edits.values()
        if edit.admits is not None
    ]
    decided = list_inbox(loop.platform, AUTHORITY, which="all")
    expected = [(i.actor, i.counter) for i in decided if i.decision == "admitted"]
    assert sorted((dot.actor, dot.counter) for dot in admitted) == sorted(expected)


def _of(device: str, dots: set[tuple[str, int]]) -> set[Dot]:
    found = set()
    for actor, counter in dots:
        name, _, generation = actor.rpartition(".")
        if name == device:
            found.add((int(generation), counter))
    return found
