"""Under which other records devices may have what a record holds (H5, H7).

Those that were merged into it, those that it was split from, and theirs in turn. What is hidden in
the one is to be gone under all of these names. Nothing that a device is told names two (H6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldward_server.services.records.known_records import KnownRecord
from fieldward_server.storage import Transaction, edits, merges

Find = Callable[[str], KnownRecord | None]
"""Finds a record by its id."""


def other_entries(
    transaction: Transaction, authority: str, known: KnownRecord, find: Find
) -> tuple[KnownRecord, ...]:
    """The records under which devices may have what this one holds."""
    found = {known.record.record_id: known}
    unread = [known]
    while unread:
        for record_id in _next_to(transaction, authority, unread.pop()):
            if record_id not in found and (other := find(record_id)) is not None:
                found[record_id] = other
                unread.append(other)
    del found[known.record.record_id]
    return tuple(found.values())


def called_before(entry: KnownRecord, path: str, find: Find) -> str:
    """What the field of a member is called in a record that was merged, directly or through
    others, where it is called ``path`` in the end; empty if there is none."""
    _, _, name = path.rpartition(".")
    members = {here.partition(".")[0] for here in entry.record.live if "/" in here}
    there = (f"{member}.{name}" for member in sorted(members))
    return next((each for each in there if _called_in_the_end(entry, each, find) == path), "")


def _called_in_the_end(entry: KnownRecord, path: str, find: Find) -> str:
    here: KnownRecord | None = entry
    while here is not None and here.redirection is not None:
        path = here.redirection.path(path)
        here = find(here.redirection.into_id)
    return path


def _next_to(transaction: Transaction, authority: str, known: KnownRecord) -> Iterator[str]:
    """What was merged into a record, and what its edits were made of."""
    yield from merges.into(transaction, authority, known.record.record_id)
    for edit in known.record.edits.values():
        if edit.admits is not None:
            origin = edits.find(transaction, authority, edit.admits.actor, edit.admits.counter)
            if origin is not None:
                yield origin.record_id
