"""Merging two records that are of the same child (H5, invariant 1).

The survivor gets what stands in the other as edits of the server's that name their origin. Values
that differ are conflicts for a person; what is raised in either stays raised. From then on the
other record is in no partition, found by nobody, and each edit of it that still comes reaches the
survivor. Nothing that a device is told names both (H6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
from fieldward_server.services.records.redirections import LATER, MEMBER_ID_BYTES, Redirection
from fieldward_server.storage import Transaction, authorities, events, likenesses, merges
from fieldward_server.storage.likenesses import SAME
from fieldward_server.storage.merges import StoredMerge
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import split_member
from fieldward_sync.limits import RAISED
from fieldward_sync.projection import SHIELD, conflicts, is_shielded, settled_by_rule
from fieldward_sync.records import Change, Edit, LiveValue, same
from fieldward_sync.sealing import Entropy
from fieldward_sync.versions import Dot

SECRET_BYTES = 16
NUMBER, WITHHELD = "nhs_number", "nhs_number_withheld"


@dataclass(frozen=True)
class MergePreview:
    """What a merge would come to. No value is repeated here."""

    record_id: str
    into_id: str
    coming: tuple[str, ...]
    """The paths at which the survivor gets a value it does not have, as the other record calls
    them: what its members are called there is drawn when they are merged."""
    conflicts: tuple[str, ...]
    """The paths that would wait for a person in the survivor."""
    shielded: bool
    """Whether the survivor would be shielded."""
    partitions: tuple[str, ...]
    """The partitions that the other record would leave."""


def preview_merge(platform: Platform, *, authority: str, record: str, into: str) -> MergePreview:
    """What it would come to to merge ``record`` into another; ``CallerMistake`` as ``merge``."""
    with platform.storage.reading() as transaction:
        known_authority(authorities.find(transaction, authority), authority)
        found = find_records(transaction, authority, {record, into})
        loser, survivor = _both(found.get(record), found.get(into), record, into)
    redirection = _redirection(loser, survivor, platform.entropy)
    after = survivor
    changes = _coming(loser, survivor, redirection)
    called_here = {there: here for here, there in redirection.members.items()}
    for number, edit in enumerate(changes, start=1):
        after = after.with_edit(_edit(edit, redirection, Dot("server.0", number)), origin=SERVER)
    return MergePreview(
        record_id=record,
        into_id=into,
        coming=tuple(
            sorted(
                f"{called_here.get(group, group)}{dot}{name}"
                for group, dot, name in {
                    c.path.partition(".") for edit in changes for c in edit.changes
                }
            )
        ),
        conflicts=conflicts(after.record),
        shielded=is_shielded(loser.record) or is_shielded(survivor.record),
        partitions=tuple(sorted(loser.elements)),
    )


def merge(
    platform: Platform,
    *,
    authority: str,
    record: str,
    into: str,
    actor: str,
    reason: str,
    now: int,
) -> None:
    """Have a record go on in another of the same child.

    ``CallerMistake``: "unknown-record", "record-moved", "same-record", "already-merged", or
    "record-full" where the survivor would become larger than a view may be; then nothing is
    changed.
    """
    with platform.storage.transaction() as transaction:
        book = Book(platform, transaction, locked(transaction, authority), now=now)
        book.read((record, into))
        loser, survivor = _both(book.find(record), book.find(into), record, into)
        if is_shielded(survivor.record) and not is_shielded(loser.record):
            loser = _shield(book, loser, actor=actor, reason=reason)
        redirection = _redirection(loser, survivor, platform.entropy)
        for edit in _coming(loser, survivor, redirection):
            brought = _edit(edit, redirection, book.next_dot, actor=actor, reason=reason)
            book.accept(book.known(into), NewEdit(brought, SERVER))
        book.close(loser, loser.going_on(redirection))
        merges.add(
            transaction,
            StoredMerge(
                authority,
                record,
                into,
                pack(dict(redirection.members)),
                pack(tuple(sorted(redirection.partitions))),
                now,
            ),
        )
        book.write()  # now that a raise in the survivor finds the other
        _judge(transaction, authority, record, into, now=now)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="records-merged",
            subject=f"{record} {into}",
            reason=reason,
        )


def _both(
    found: KnownRecord | None, there: KnownRecord | None, record: str, into: str
) -> tuple[KnownRecord, KnownRecord]:
    loser, survivor = responsible_for(found, record), responsible_for(there, into)
    if record == into:
        raise CallerMistake("same-record", "A record is not merged into itself.")
    for each in (loser, survivor):
        if each.redirection is not None:
            raise CallerMistake(
                "already-merged",
                f"{each.record.record_id} goes on in {each.redirection.into_id}.",
                next_step="Name that one.",
            )
    return loser, survivor


def _shield(book: Book, loser: KnownRecord, *, actor: str, reason: str) -> KnownRecord:
    """What a device has of it shows where the shielded child lives: it is a redaction, not a
    removal that may take a day."""
    live = tuple(value.dot for value in loser.record.live.get(SHIELD, ()))
    book.accept_as_server(
        loser,
        [Change(SHIELD, RAISED, live)],
        administrator=actor,
        basis=reason,
    )
    return book.known(loser.record.record_id)


def _redirection(loser: KnownRecord, survivor: KnownRecord, entropy: Entropy) -> Redirection:
    """Members get another id there, except those that are the same in both: files number theirs
    from one, and the survivor's may come to the same number later (D4)."""
    called, there = {LATER: entropy(SECRET_BYTES).hex()}, _members(survivor)
    for name, values in _members(loser).items():
        container = name.partition("/")[0]
        is_same = there.get(name) == values
        called[name] = name if is_same else f"{container}/{entropy(MEMBER_ID_BYTES).hex()}"
    return Redirection(survivor.record.record_id, called, frozenset(loser.elements))


def _members(known: KnownRecord) -> dict[str, dict[str, object]]:
    members = defaultdict[str, dict[str, object]](dict)
    for path, live in known.record.live.items():
        if member := split_member(path):
            container, member_id, name = member
            members[f"{container}/{member_id}"][name] = [value.value for value in live]
    return members


def _coming(
    loser: KnownRecord, survivor: KnownRecord, redirection: Redirection
) -> tuple[Edit, ...]:
    """The loser's edits, cut down to what the survivor gets of them."""
    changes = defaultdict[Dot, list[Change]](list)
    for path, live in loser.record.live.items():
        to = redirection.path(path)
        there = survivor.record.live.get(to, ())
        for value in live:
            if _comes(path, value, there, survivor.values):
                changes[value.dot].append(Change(to, redirection.value(path, value.value)))
            if path == NUMBER and value.value is not None:
                # The reason why there is no number is none any more (D7).
                reasons = survivor.record.live.get(WITHHELD, ())
                changes[value.dot] += [
                    Change(WITHHELD, None, tuple(each.dot for each in reasons)) for _ in reasons[:1]
                ]
    return tuple(
        _cut(loser.record.edits[dot], changes[dot])
        for dot in sorted(changes, key=loser.numbers.__getitem__)
        if changes[dot]
    )


def _comes(
    path: str,
    value: LiveValue,
    there: tuple[LiveValue, ...],
    values: Mapping[str, object],
) -> bool:
    if settled_by_rule(path):
        return value.value == RAISED  # every raise holds in the survivor (H5)
    if value.value is None or (path == WITHHELD and values.get(NUMBER) is not None):
        return False
    return not any(same(value.value, each.value) for each in there)


def _cut(edit: Edit, changes: list[Change]) -> Edit:
    return Edit(
        dot=edit.dot,
        record_id=edit.record_id,
        changes=tuple(changes),
        practitioner=edit.practitioner,
        made_at=edit.made_at,
    )


def _edit(
    edit: Edit, redirection: Redirection, dot: Dot, *, actor: str = "", reason: str = ""
) -> Edit:
    return Edit(
        dot=dot,
        record_id=redirection.into_id,
        changes=edit.changes,
        practitioner=edit.practitioner,
        made_at=edit.made_at,
        administrator=actor or None,
        basis=reason,
        admits=edit.dot,
    )


def _judge(transaction: Transaction, authority: str, record: str, into: str, *, now: int) -> None:
    """Whoever merges two records says that they are of the same child."""
    for row in _between(transaction, authority, record, into):
        likenesses.decide(transaction, row, SAME, at=now)


def _between(
    transaction: Transaction, authority: str, one: str, other: str
) -> Iterator[likenesses.StoredLikeness]:
    for pair in ((one, other), (other, one)):
        if row := likenesses.find(transaction, authority, *pair):
            yield row
