"""Notices: what became of one's edits after their verdicts, until one has read it.

They are the server's state, as partitions are: each answer brings all that is unread, in place of
what was here, so that what may not be told any more goes. They lie sealed with the store key;
their ids, which are random, stand beside them for a locked device.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import Identity
from fieldward_sync import messages
from fieldward_sync.encoding import Message, decode, encode
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.keys import label
from fieldward_sync.messages import MAX_NOTICES, NoticeId
from fieldward_sync.names import device_actor
from fieldward_sync.sealing import Entropy, open_sealed, seal

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Notice:
    """What became of an edit after its verdict."""

    id: bytes
    kind: Literal["settled", "admitted", "declined"]
    """A conflict was settled with another value than this edit's; or the edit, which was refused,
    was let in later, or will not be."""
    record_id: str
    path: str | None
    """Of the conflict; ``None`` for the whole edit."""
    edit: int | None
    """The edit's number, as in ``Device.pending``; ``None`` if it was made on another device."""
    reason: str
    at: int
    """When it was decided, in seconds since 1970 UTC."""


class _Told(Message, frozen=True):
    marker: ClassVar[bytes] = b"fieldward/notices/1"
    notices: Annotated[tuple[messages.Notice, ...], Meta(max_length=MAX_NOTICES)]


_Ids = Annotated[tuple[NoticeId, ...], Meta(max_length=MAX_NOTICES)]


class KeptNotices(Message, frozen=True):
    """The notices of one practitioner as they are stored."""

    marker: ClassVar[bytes] = b"fieldward/kept-notices/1"
    told: _Ids
    read: _Ids
    """Those of them that were shown, until the server knows."""
    sealed: Annotated[bytes, Meta(max_length=_MAX_BYTES)]


def notices_file(practitioner: str) -> str:
    """Where a practitioner's notices lie."""
    return f"practitioners/{practitioner}/notices"


class Notices:
    """One practitioner's notices on a device. Every change is durable when the call returns."""

    def __init__(self, folder: Folder, identity: Identity, practitioner: str) -> None:
        self._folder = folder
        self._identity = identity
        self._file = notices_file(practitioner)
        self._context = label(
            "notices", identity.authority, identity.device, identity.generation, practitioner
        )

    @property
    def unread(self) -> int:
        """How many wait to be read; known while locked."""
        kept = self._kept()
        return len(kept.told) - len(kept.read) if kept else 0

    @property
    def read(self) -> tuple[bytes, ...]:
        """The ids to tell the server of."""
        kept = self._kept()
        return kept.read if kept else ()

    def take(self, told: Sequence[messages.Notice], store_key: bytes, *, entropy: Entropy) -> None:
        """These are all that are unread, as far as the server knows."""
        kept, ids = self._kept(), tuple(notice.id for notice in told)
        if (kept.told if kept else ()) == ids:
            return
        sealed = seal(store_key, self._context, encode(_Told(tuple(told))), entropy=entropy)
        read = tuple(each for each in kept.read if each in ids) if kept else ()
        self._folder.store(self._file, KeptNotices(ids, read, sealed))

    def open(self, store_key: bytes) -> tuple[Notice, ...]:
        """What has not been read, the oldest first."""
        kept = self._kept()
        if kept is None:
            return ()
        try:
            opened = open_sealed(store_key, self._context, kept.sealed)
            told = decode(_Told, opened, max_bytes=_MAX_BYTES).notices
        except PeerBrokeProtocol:
            return ()  # the next answer brings them again
        return tuple(self._worded(each) for each in told if each.id not in kept.read)

    def mark_read(self, ids: Collection[bytes]) -> None:
        """These were shown: the server is told with the next sync."""
        kept = self._kept()
        if kept is not None:
            read = tuple(each for each in kept.told if each in kept.read or each in ids)
            self._folder.store(self._file, KeptNotices(kept.told, read, kept.sealed))

    def _kept(self) -> KeptNotices | None:
        with suppress(LocalDataDamaged):  # the next answer brings them again
            return self._folder.load(self._file, KeptNotices)
        return None

    def _worded(self, told: messages.Notice) -> Notice:
        here = device_actor(self._identity.device, self._identity.generation)
        return Notice(
            id=told.id,
            kind=told.kind,
            record_id=told.record_id,
            path=told.path,
            edit=told.counter if told.actor == here else None,
            reason=told.reason,
            at=told.at,
        )
