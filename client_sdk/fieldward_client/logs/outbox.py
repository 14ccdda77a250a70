"""The outbox: edits that were accepted, until what became of them is known and held (design §7),
and until the server's backups hold it too (§8).

Edits are sealed to the authority and to their author's store key; box, number and verdict of an
edit stand beside it in the open, so that a locked device can deliver it and take its verdict.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from fieldward_client.disk.folder import Folder
from fieldward_client.disk.frames import FrameFile, read_frames
from fieldward_client.logs.boxes import OpenBox
from fieldward_client.logs.outbox_content import (
    Arrived,
    BoxFrame,
    Decided,
    Frame,
    Incarnation,
    Mark,
    OutboxContent,
    SealedEdit,
    Settled,
    packed,
)
from fieldward_sync.encoding import Message
from fieldward_sync.errors import LocalDataDamaged
from fieldward_sync.messages import Verdict
from fieldward_sync.names import Count
from fieldward_sync.signing import Signed

OUTBOX, MADE = "outbox", "outbox-made"
KEPT_BYTES = 256 * 1024
"""Edits that are done with are kept until the file is this long, and half of it is theirs."""
MOST_BYTES = 16 << 20
"""From here on they go, whether or not a backup holds them: nobody seems to make any."""


class Made(Message, frozen=True):
    """The highest number of an edit that was ever made durable here. It is stored after the edit:
    an edit whose number it has was accepted, and where it is not in the outbox it was cut off."""

    marker: ClassVar[bytes] = b"fieldward/outbox-made/1"
    counter: Count


class Outbox:
    """A device's open outbox."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._file = FrameFile(folder, OUTBOX)
        self._content = OutboxContent(
            self._file.payloads, made=read_made(folder), broken=self._file.broken
        )

    @classmethod
    def create(cls, folder: Folder) -> None:
        """An empty outbox."""
        folder.store(MADE, Made(0))
        FrameFile.create(folder, OUTBOX, packed([Mark(0)])).close()

    @property
    def last_counter(self) -> int | None:
        """The highest number of an edit; ``None`` if damage leaves that in doubt."""
        content = self._content
        if not content.is_lost_count_known:
            return None
        return max(content.last, content.made or 0)

    @property
    def lost(self) -> int | None:
        """``OutboxContent.lost_count``."""
        return self._content.lost_count

    @property
    def content(self) -> OutboxContent:
        """What is in it now."""
        return self._content

    @property
    def edits(self) -> Mapping[int, SealedEdit]:
        """All edits that are kept, by number."""
        return self._content.edits

    @property
    def verdicts(self) -> Mapping[int, Verdict]:
        """What became of them, as far as that is known."""
        return self._content.verdicts

    @property
    def boxes(self) -> Mapping[bytes, Signed]:
        """The headers of their boxes, by the boxes' ids."""
        return self._content.boxes

    def undelivered(self) -> tuple[SealedEdit, ...]:
        """The edits without a verdict, in the order of their numbers."""
        return self._content.undelivered

    def is_covered(self, kept_until: int) -> bool:
        """Whether all verdicts were given before a backup that is in the server's last two."""
        return all(backup < kept_until for backup in self._content.backups.values())

    def add(self, plaintext: bytes, counter: int, box: OpenBox) -> None:
        """Make an edit durable; ``LocalDataDamaged`` if it cannot be, and then it is not there."""
        index, sealed = box.seal_next(plaintext)
        frames: list[Frame] = list(self._content.next_frames)
        if counter > max(self._content.last, self._content.made or 0) + 1:
            frames.append(Mark(counter - 1))  # those between are another copy's, or in doubt
        if box.id not in self.boxes:
            frames.append(BoxFrame(box.signed_header))
        frames.append(SealedEdit(box=box.id, index=index, counter=counter, sealed=sealed))
        self._append(frames)
        # The edit is there; without this the next one says that it was.
        with suppress(LocalDataDamaged):
            self._folder.store(MADE, Made(counter))
            self._content.made = counter

    def settle(self, verdicts: Iterable[Verdict], *, backup: int) -> tuple[Verdict, ...]:
        """Make verdicts on our edits durable; those that are new are returned.

        ``backup`` is the last one that was begun when they were given: a later one holds them.
        """
        new = tuple(
            verdict
            for verdict in verdicts
            if verdict.counter in self.edits and verdict.counter not in self.verdicts
        )
        if new:
            self._append([Settled(verdict, backup) for verdict in new])
        return new

    def arrived(self, held: int) -> None:
        """The server has every edit up to ``held``: none up to there is lost."""
        if held > 0 and self._content.is_news(held):
            self._append([Arrived(held)])

    def decide(self, counters: Iterable[int]) -> None:
        """Make durable that somebody decided these refused edits, and their author knows."""
        new = [Decided(counter) for counter in counters if counter in self._content.refused]
        if new:
            self._append(new)

    def begin_incarnation(self, incarnation: int, *, held: int) -> frozenset[int]:
        """The server came back from a backup, and has every edit up to ``held``: the others wait
        for delivery again. Their numbers; none where this incarnation has been begun before."""
        if incarnation <= self._content.incarnation:
            return frozenset()
        lost = frozenset(counter for counter in self.verdicts if counter > held)
        self._append([Incarnation(incarnation, held)])
        return lost

    def prune(self, done: Container[int], *, kept_until: int) -> None:
        """Let go of edits that are done with, once they are half of a long file.

        ``done`` are those that were merged and that have come back in the store; they are kept all
        the same until they are in the server's backups (``SyncAnswer.kept_until``).
        """
        content = self._content
        if len(self._file) < KEPT_BYTES or not content.is_whole:
            return
        at_once = len(self._file) >= MOST_BYTES
        go = {
            counter
            for counter, backup in content.backups.items()
            if counter in done and (at_once or backup < kept_until)
        }
        if len(go) * 2 < len(content.edits):
            return
        content.edits = {c: e for c, e in content.edits.items() if c not in go}
        content.keep_verdicts(frozenset(content.edits))
        used = {edit.box for edit in content.edits.values()}
        content.boxes = {box: header for box, header in content.boxes.items() if box in used}
        self._file.rewrite(packed(list(content.frames())))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _append(self, frames: Sequence[Frame]) -> None:
        self._file.append(*packed(frames))
        for frame in frames:
            self._content.take(frame)


def read_content(folder: Folder) -> OutboxContent:
    """What is in an outbox that nobody opens to write; nothing where there is none."""
    scan = read_frames(folder.read(OUTBOX) or b"")
    return OutboxContent(scan.payloads, made=read_made(folder), broken=scan.broken)


def read_made(folder: Folder) -> int | None:
    """The highest number that was ever made durable; ``None`` if that is not known."""
    with suppress(LocalDataDamaged):
        made = folder.load(MADE, Made)
        return made.counter if made else None
    return None
