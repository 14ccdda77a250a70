"""Splitting a record in which two children had become one (H5, invariant 1).

What is of the other child stands in a record of its own from then on, as edits of the server's
that name their origin. What is shielded or withdrawn stays so on both sides. An edit of what was
moved that still comes waits for a person: beside its absence or, where its member is gone, in the
inbox. Nothing that a device is told names both (H6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from fieldward_server.services.authorities import known as known_authority
from fieldward_server.services.authorities import locked
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.book import Book, NewEdit
from fieldward_server.services.records.known_records import (
    SERVER,
    KnownRecord,
    find_records,
    responsible_for,
)
from fieldward_server.storage import authorities, events
from fieldward_sync.disputes import is_of_dispute
from fieldward_sync.errors import CallerMistake
from fieldward_sync.limits import RAISED
from fieldward_sync.projection import SHIELD, disputed, is_shielded, settled_by_rule
from fieldward_sync.records import Change, Edit
from fieldward_sync.versions import Dot


@dataclass(frozen=True)
class SplitPreview:
    """What a split would come to. No value is repeated here."""

    record_id: str
    new_id: str
    moving: tuple[str, ...]
    """The paths that the record would have no more."""
    copying: tuple[str, ...]
    """The paths that both would have."""
    shielded: bool
    """Whether both would be shielded."""


@dataclass(frozen=True)
class _Parts:
    """What the new record gets."""

    moving: frozenset[str]
    copying: frozenset[str]

    @property
    def paths(self) -> frozenset[str]:
        return self.moving | self.copying


def preview_split(
    platform: Platform,
    *,
    authority: str,
    record: str,
    new: str,
    moving: Sequence[str],
    copying: Sequence[str],
) -> SplitPreview:
    """What it would come to; ``CallerMistake`` as ``split``."""
    with platform.storage.reading() as transaction:
        known_authority(authorities.find(transaction, authority), authority)
        found = find_records(transaction, authority, {record, new})
    source = _source(found.get(record), found.get(new), record, new)
    parts = _parts(source, moving, copying)
    return SplitPreview(
        record_id=record,
        new_id=new,
        moving=tuple(sorted(parts.moving)),
        copying=tuple(sorted(parts.copying)),
        shielded=is_shielded(source.record),
    )


def split(
    platform: Platform,
    *,
    authority: str,
    record: str,
    new: str,
    moving: Sequence[str],
    copying: Sequence[str],
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Have fields and members of a record stand in a new one: those that move leave it, those
    that are copied stay as well.

    ``CallerMistake``: "unknown-record", "record-moved", "already-merged", "record-exists" for the
    new one's id, "nothing-there" for a field or member that the record does not have, "not-movable"
    for a shield or a dispute, which go where they belong by themselves, "named-twice" for what
    would move and be copied.
    """
    with platform.storage.transaction() as transaction:
        book = Book(platform, transaction, locked(transaction, authority), now=now)
        book.read((record, new))
        source = _source(book.find(record), book.find(new), record, new)
        parts = _parts(source, moving, copying)
        if is_shielded(source.record):  # before there is anything to be shown (H3)
            book.accept_as_server(
                KnownRecord.new(new),
                [Change(SHIELD, RAISED)],
                administrator=actor,
                basis=reason,
            )
        for edit, changes in _coming(source, parts.paths):
            there = book.find(new) or KnownRecord.new(new)
            carried = msgspec.structs.replace(
                edit,
                dot=book.next_dot,
                record_id=new,
                changes=changes,
                administrator=actor,
                basis=reason,
                base=0,
                admits=edit.dot,
            )
            book.accept(there, NewEdit(carried, SERVER))
        if leaving := _leaving(source, parts.moving):
            book.accept_as_server(source, leaving, administrator=actor, basis=reason)
        book.write()
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="record-split",
            subject=f"{record} {new}",
            reason=reason,
        )


def _source(
    found: KnownRecord | None, there: KnownRecord | None, record: str, new: str
) -> KnownRecord:
    source = responsible_for(found, record)
    if there is not None:
        raise CallerMistake(
            "record-exists", f"There is a record {new} already.", next_step="Give a new id."
        )
    if source.redirection is not None:
        raise CallerMistake(
            "already-merged",
            f"{record} goes on in {source.redirection.into_id}.",
            next_step="Name that one.",
        )
    return source


def _parts(source: KnownRecord, moving: Sequence[str], copying: Sequence[str]) -> _Parts:
    if twice := {*moving} & {*copying}:
        raise CallerMistake(
            "named-twice",
            f"{min(twice)} cannot both leave the record and stay in it.",
            next_step="Name it once: to be moved, or to be copied.",
        )
    moved = frozenset[str]().union(*(_paths_of(source, name) for name in moving))
    copied = frozenset[str]().union(*(_paths_of(source, name) for name in copying))
    return _Parts(moved | _disputes_about(source, moved), copied)


def _paths_of(source: KnownRecord, name: str) -> frozenset[str]:
    """The path of a field, or those of a set's member, which goes whole: its service and its
    consent say what may be seen of the rest."""
    if name == SHIELD or is_of_dispute(name) or settled_by_rule(name):
        raise CallerMistake(
            "not-movable",
            f"{name} goes where it belongs by itself.",
            next_step="Name the fields and members that are of the other child.",
        )
    found = frozenset(
        path
        for path, live in source.record.live.items()
        if _named(path) == name and any(each.value is not None for each in live)
    )
    if not found:
        raise CallerMistake(
            "nothing-there",
            f"The record has no field or member {name[:80]!r}.",
            next_step="`fieldward records history` shows what it has; a member goes whole.",
        )
    return found


def _named(path: str) -> str:
    """What a split calls that which a path is of: ``school.name``, ``carers/c1``."""
    return path.partition(".")[0] if "/" in path else path


def _disputes_about(source: KnownRecord, moved: Collection[str]) -> frozenset[str]:
    """A dispute follows what it is about."""
    following = {
        member
        for member, about in disputed(source.record).items()
        if about and {*about} <= {*moved}
    }
    return frozenset(path for path in source.record.live if path.rpartition(".")[0] in following)


def _coming(
    source: KnownRecord, paths: Collection[str]
) -> tuple[tuple[Edit, tuple[Change, ...]], ...]:
    """Each edit that has a say there, and what it says: values that differ go on differing."""
    changes: Mapping[Dot, list[Change]] = defaultdict(list)
    for path in sorted(paths):
        for live in source.record.live[path]:
            changes[live.dot].append(Change(path, live.value))
    return tuple(
        (source.record.edits[dot], tuple(changes[dot]))
        for dot in sorted(changes, key=source.numbers.__getitem__)
    )


def _leaving(source: KnownRecord, moved: Collection[str]) -> list[Change]:
    """What takes the place of what was moved: nothing. A raise stays, for whatever still comes."""
    return [
        Change(path, None, tuple(live.dot for live in source.record.live[path]))
        for path in sorted(moved)
        if not settled_by_rule(path)
    ]
