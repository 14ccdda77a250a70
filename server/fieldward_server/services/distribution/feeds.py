"""A partition's feed while it is written: numbers without holes, and a digest kept per change."""

from __future__ import annotations

from fieldward_server.services.distribution.partition_keys import begin_epoch, digest_key
from fieldward_server.services.distribution.partitions import find_partition
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, feed_changes, memberships, partitions, redactions
from fieldward_server.storage.feed_changes import FeedEntry
from fieldward_server.storage.memberships import Member
from fieldward_server.storage.redactions import Redaction
from fieldward_sync import digest


class Feed:
    """What one transaction adds to the feed of one partition, until ``write`` writes it.

    The authority's lock is held, so nobody else takes the numbers after those there are.
    """

    def __init__(
        self, platform: Platform, transaction: Transaction, authority: str, partition: str
    ) -> None:
        self._platform = platform
        self._transaction = transaction
        self._before = find_partition(transaction, authority, partition)
        self._digest_key = digest_key(platform, self._before)
        self._came: list[bytes] = []
        self._went: list[bytes] = []
        self._records = self._before.records
        self._redaction_feed = self._before.redaction_feed
        self._entries: list[FeedEntry] = []
        self._redactions: list[Redaction] = []
        self._elements: dict[str, bytes | None] = {}
        self._stored: set[str] = set()
        """The records that the database has as members."""

    def put(
        self,
        record_id: str,
        revision: int,
        view: bytes,
        *,
        before: bytes | None,
        hides: bool,
        now: int,
    ) -> tuple[int, bytes]:
        """A record's new state: the change's number, and what it contributes to the digest now.

        ``before`` is what it contributed, ``None`` if it was not in the partition; ``hides`` says
        that something was shown before that must not be shown any more.
        """
        element = digest.element(self._digest_key, record_id, revision, view)
        if before is None:
            self._records += 1
        else:
            self._went.append(before)
        self._came.append(element)
        self._note(record_id, before, element)
        return self._append(record_id, False, hides and before is not None, now), element

    def remove(self, record_id: str, *, before: bytes, hides: bool, now: int) -> int:
        """A record's removal from the partition: the change's number."""
        self._records -= 1
        self._went.append(before)
        self._note(record_id, before, None)
        return self._append(record_id, True, hides, now)

    def redact(self, record_id: str, *, now: int) -> None:
        """Hide what an image still has of a record that has left the partition."""
        self._append(record_id, True, True, now)

    def has_left(self, record_id: str) -> bool:
        """Whether the last that was put into this feed of a record is its removal."""
        return self._elements.get(record_id, b"") is None

    def write(self) -> None:
        """Write it all. Where something was hidden, a new key epoch begins (design §6)."""
        partitions.advance(
            self._transaction,
            self._before,
            feed=self._number,
            records=self._records,
            digest=digest.removed(digest.added(self._before.digest, *self._came), *self._went),
            redaction_feed=self._redaction_feed,
        )
        feed_changes.append(self._transaction, self._entries)
        redactions.add(self._transaction, self._redactions)
        self._write_members()
        if self._redaction_feed > self._before.redaction_feed:
            begin_epoch(self._platform, self._transaction, self._before)

    def _note(self, record_id: str, before: bytes | None, element: bytes | None) -> None:
        if record_id not in self._elements and before is not None:
            self._stored.add(record_id)
        self._elements[record_id] = element

    def _write_members(self) -> None:
        authority, partition = self._before.authority, self._before.partition_id
        present = [
            Member(authority, partition, record_id, element)
            for record_id, element in self._elements.items()
            if element is not None
        ]
        stored = self._stored
        memberships.add(
            self._transaction, [member for member in present if member.record_id not in stored]
        )
        memberships.change(
            self._transaction, [member for member in present if member.record_id in stored]
        )
        memberships.remove(
            self._transaction,
            authority,
            partition,
            [record_id for record_id in stored if self._elements[record_id] is None],
        )

    @property
    def _number(self) -> int:
        return self._before.feed + len(self._entries)

    def _append(self, record_id: str, removed: bool, hides: bool, now: int) -> int:
        authority, partition = self._before.authority, self._before.partition_id
        self._entries.append(
            FeedEntry(authority, partition, self._number + 1, record_id, int(removed), now)
        )
        if hides:
            self._redaction_feed = self._number
            self._redactions.append(Redaction(authority, partition, self._number, record_id, now))
        return self._number
