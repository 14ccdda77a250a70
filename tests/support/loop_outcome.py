"""What became of it: what the server has of a device, and what the loop must have come to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fieldward_client.copies.files import PARTIAL
from fieldward_server.services.exchange.inbox import list_inbox
from fieldward_server.services.look_ups.journals import verify_journals
from fieldward_server.services.records.known_records import find_records
from fieldward_server.storage import edits, grants, holders, partitions, records
from fieldward_sync.encoding import unpack
from fieldward_sync.journal import EntryItem, JournalItem
from fieldward_sync.projection import is_shielded
from fieldward_sync.views import View
from fieldward_sync.ways import KEPT, Way
from held_keys import keys_of
from loop_hand import Hand, Shown
from service_world import World

Dot = tuple[int, int]
"""A device's generation, and the number of an edit."""


def merged_and_refused(
    world: World, device: str, record_ids: tuple[str, ...]
) -> tuple[set[Dot], set[Dot]]:
    """The edits that a device made in all its generations: those in records, those in the inbox."""
    with world.platform.storage.reading() as transaction:
        merged = {
            (edit.actor, edit.counter)
            for record in record_ids
            for edit in edits.of_record(transaction, world.authority, record)
        }
        refused = {(each.actor, each.counter) for each in edits.inbox(transaction, world.authority)}
    return _of(device, merged), _of(device, refused)


def look_ups_on_record(world: World, device: str) -> int:
    """How many of a device's look-ups the server has, those of an old copy of it included; each of
    its journals must verify from its first entry to its last."""
    reports = verify_journals(world.platform, world.authority, device=device)
    assert not [report for report in reports if report.damage]
    with world.platform.storage.reading() as transaction:
        rows = transaction.execute(
            "SELECT item FROM journal_fork WHERE authority = :authority AND device = :device",
            authority=world.authority,
            device=device,
        )
    items: list[JournalItem] = [unpack(JournalItem, row["item"]) for row in rows]
    beside = sum(isinstance(item, EntryItem) for item in items)
    return sum(report.size for report in reports) + beside


def require_shown_as_granted(
    world: World, hand: Hand, record_id: str, practitioner: str, shown: Shown | None
) -> None:
    """Somebody is shown exactly the records of the partitions that they may hold on a device, and
    of them what the server shows (invariants 4 and 7)."""
    status = hand.status()
    with world.platform.storage.reading() as transaction:
        known = find_records(transaction, world.authority, [record_id]).get(record_id)
        holder = holders.find(
            transaction, world.authority, status.device, status.generation, practitioner
        )
        assert holder is not None
        granted = {
            each.partition_id
            for each in grants.of_holder(transaction, holder)
            if KEPT[Way(each.way)].files
        }
    assert (shown is not None) == bool(known and granted & known.elements.keys())
    assert shown in (None, as_the_server_shows(world, record_id))


def require_nothing_left(world: World, hand: Hand, up_to_date: set[str]) -> None:
    """Of partitions that are held otherwise than off line a device has no key on its disk once its
    practitioner has synced, and no file of those that are tethered once all have, and there are
    files of the others: after a restore they have to be made first (design §7)."""
    with world.platform.storage.reading() as transaction:
        found = partitions.of_authority(transaction, world.authority)
        ways = {each.partition_id: KEPT[Way(each.way)] for each in found}
        rows = transaction.execute(
            "SELECT name, partition_id FROM sealed_file WHERE authority = :authority",
            authority=world.authority,
        )
        made = partitions.manifests(transaction, world.authority, [*ways])
    on_disk = hand.keys_on_disk()
    for partition, kept in ways.items():
        assert kept.keys_on_disk or not on_disk & keys_of(world, partition), partition
    if {*hand.people()} <= up_to_date and len(made) == len(ways):
        on_line = {row["name"] for row in rows if not ways[row["partition_id"]].files}
        assert not on_line & {name.removesuffix(PARTIAL) for name in hand.files()}


def as_the_server_shows(world: World, record_id: str) -> Shown | None:
    """A record as an ordinary reader sees it now."""
    with world.platform.storage.reading() as transaction:
        found = records.find(transaction, world.authority, record_id)
    if found is None:
        return None
    view = View.read(found.view)
    values = {
        path: sorted({str(value.value) for value in values})
        for path, values in view.by_path().items()
        if any(value.value is not None for value in values)
    }
    return Shown(view.shielded, values)


def responsible(worlds: Iterable[World], record_id: str) -> World:
    """The one authority that is responsible for a record, and finds it (D6)."""
    found = []
    for world in worlds:
        with world.platform.storage.reading() as transaction:
            known = find_records(transaction, world.authority, [record_id]).get(record_id)
            keys = transaction.execute(
                "SELECT key FROM search_key WHERE authority = :authority AND record_id = :record",
                authority=world.authority,
                record=record_id,
            )
        is_here = known is not None and not known.is_closed
        assert is_here == bool(keys)
        if is_here:
            found.append(world)
    (only,) = found
    return only


def is_shielded_now(world: World, record_id: str) -> bool:
    """Whether no shield has come off a record."""
    with world.platform.storage.reading() as transaction:
        known = find_records(transaction, world.authority, [record_id])
    return record_id in known and is_shielded(known[record_id].record)


def require_admitted_once(worlds: Iterable[World], record_ids: tuple[str, ...]) -> None:
    """What was let in from an inbox is in its record once, wherever that is now."""
    worlds = tuple(worlds)
    admitted, expected = list[tuple[str, int]](), list[tuple[str, int]]()
    for record_id in record_ids:
        home = responsible(worlds, record_id)
        with home.platform.storage.reading() as transaction:
            known = find_records(transaction, home.authority, [record_id])[record_id]
        admitted += (
            (_anywhere(edit.admits.actor, home), edit.admits.counter)
            for edit in known.record.edits.values()
            if edit.admits is not None
        )
    for world in worlds:
        decided = list_inbox(world.platform, world.authority, which="all")
        expected += (
            (_anywhere(item.actor, world), item.counter or 0)
            for item in decided
            if item.decision in ("admitted", "forwarded")
        )
    assert sorted(admitted) == sorted(expected)


def _anywhere(actor: str, world: World) -> str:
    """What an actor is called in any authority but its own."""
    name, _, life = actor.rpartition(".")
    has_code = re.search("-e[0-9]{8}$", name)
    return actor if has_code else f"{name}-{world.authority.lower()}.{life}"


def _of(device: str, dots: set[tuple[str, int]]) -> set[Dot]:
    found = set()
    for actor, counter in dots:
        name, _, generation = actor.rpartition(".")
        if name == device:
            found.add((int(generation), counter))
    return found
