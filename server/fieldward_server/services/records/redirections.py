"""Where the edits of a merged record go on. Pure: edits in, edits out."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from fieldward_server.storage.merges import StoredMerge
from fieldward_sync.encoding import unpack
from fieldward_sync.field_classes import split_member
from fieldward_sync.records import Change, Edit, Record, Value
from fieldward_sync.versions import Dot

MEMBER_ID_BYTES = 8
LATER = ""
"""Beside the members of a redirection: a secret, which those that come later get their ids from."""


@dataclass(frozen=True)
class Redirection:
    """Another record of the same authority, which is of the same child."""

    into_id: str
    members: Mapping[str, str] = field(default_factory=dict)
    """What the members of sets that it had when it was merged are called there: ``carers/c1`` is
    ``carers/9f31``."""
    partitions: frozenset[str] = frozenset()
    """The partitions that the record was in: who holds one of these may have edits of it yet."""

    @classmethod
    def read(cls, stored: StoredMerge) -> Redirection:
        """The one that was stored."""
        return cls(
            stored.into_id,
            unpack(dict[str, str], stored.members),
            frozenset(unpack(tuple[str, ...], stored.partitions)),
        )

    def path(self, path: str) -> str:
        """What a path is called there."""
        member = split_member(path)
        if member is None:
            return path
        container, member_id, name = member
        here = f"{container}/{member_id}"
        return f"{self.members.get(here) or self._coming_later(container, member_id)}.{name}"

    def _coming_later(self, container: str, member_id: str) -> str:
        """What a member is called there that was added here since: files number theirs from one, so
        the id may be another member's there by then (D4). It is always the same, and tells nobody
        who does not know the secret which record it came from (H6)."""
        secret = bytes.fromhex(self.members.get(LATER, ""))
        drawn = hmac.digest(secret, f"{container}/{member_id}".encode(), "sha256")
        return f"{container}/{drawn[:MEMBER_ID_BYTES].hex()}"

    def value(self, path: str, value: Value) -> Value:
        """What a value is there: a dispute names a path."""
        member = split_member(path)
        is_path = member is not None and (member[0], member[2]) == ("disputes", "path")
        return self.path(value) if is_path and isinstance(value, str) else value

    def edit(self, edit: Edit, source: Record, *, dot: Dot) -> Edit:
        """An edit of the record as the server makes it there: it names its origin, and replaces
        what came of the values that its author replaced here."""
        return msgspec.structs.replace(
            edit,
            dot=dot,
            record_id=self.into_id,
            changes=tuple(
                Change(self.path(c.path), self.value(c.path, c.value), called(source, c.replaces))
                for c in edit.changes
            ),
            base=0,
            admits=edit.dot,
        )


def called(record: Record, dots: Iterable[Dot]) -> tuple[Dot, ...]:
    """These edits by every name that they have: what was brought here is known by its origin too,
    and what is brought on from here by its name here."""
    named = set(dots)
    return tuple(sorted(named | {dot for dot in record.edits if record.origin(dot) in named}))
