"""The outbox: edits that were accepted, until what became of them is known and held (design §7),
and until the server's backups hold it too (§8).

Edits are sealed to the authority and to their author's store key; box, number and verdict of an
edit stand beside it in the open, so that a locked device can deliver it and take its verdict.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from fieldward_client.boxes import OpenBox, read_box
from fieldward_client.folder import Folder
from fieldward_client.frames import FrameFile
from fieldward_sync.encoding import Part, pack, unpack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.messages import Verdict
from fieldward_sync.names import Count
from fieldward_sync.outbox import BoxId
from fieldward_sync.signing import Signed

OUTBOX = "outbox"
KEPT_BYTES = 256 * 1024
"""Edits that are done with are kept until the file is this long, and half of it is theirs."""
MOST_BYTES = 16 << 20
"""From here on they go, whether or not a backup holds them: nobody seems to make any."""


class _Box(Part, frozen=True, tag="box"):
    header: Signed


class SealedEdit(Part, frozen=True, tag="edit"):
    """An edit as it waits: whose box, which place in it, which number, and its sealed bytes."""

    box: BoxId
    index: Count
    counter: Count
    sealed: bytes


class _Settled(Part, frozen=True, tag="settled"):
    verdict: Verdict
    backup: Count
    """The last backup begun when it was given."""


class _Decided(Part, frozen=True, tag="decided"):
    counter: Count
    """Of a refused edit that its author knows to have been let in later, or not."""


class _Incarnation(Part, frozen=True, tag="incarnation"):
    """The server came back from a backup: verdicts before this count no further than ``held``."""

    incarnation: Count
    held: Count


class _Mark(Part, frozen=True, tag="mark"):
    counter: Count
    """The highest number of an edit that was ever here."""


_Frame = _Box | SealedEdit | _Settled | _Decided | _Incarnation | _Mark


class Outbox:
    """A device's open outbox."""

    def __init__(self, folder: Folder) -> None:
        self._file = FrameFile(folder, OUTBOX)
        self._boxes: dict[bytes, Signed] = {}
        self._edits: dict[int, SealedEdit] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._backups: dict[int, int] = {}
        """The last backup begun when each of the verdicts was given."""
        self._decided: frozenset[int] = frozenset()
        self._incarnation = 0
        self._last = 0
        self.is_whole = not (self._file.broken or self._file.torn_bytes)
        """Whether nothing was torn or damaged; otherwise a number may be missing here."""
        for payload in self._file.payloads:
            try:
                self._take(unpack(_Frame, payload))
            except PeerBrokeProtocol:
                self.is_whole = False

    @classmethod
    def create(cls, folder: Folder) -> None:
        """An empty outbox."""
        FrameFile.create(folder, OUTBOX, [pack(_Mark(0))]).close()

    @property
    def last_counter(self) -> int | None:
        """The highest number of an edit; ``None`` if damage leaves that in doubt."""
        return self._last if self.is_whole else None

    @property
    def edits(self) -> Mapping[int, SealedEdit]:
        """All edits that are kept, by number."""
        return self._edits

    @property
    def verdicts(self) -> Mapping[int, Verdict]:
        """What became of them, as far as that is known."""
        return self._verdicts

    @property
    def refused(self) -> Mapping[int, str]:
        """Why edits were refused, by number: those that nobody has decided since."""
        return {
            counter: verdict.code
            for counter, verdict in self._verdicts.items()
            if verdict.outcome == "refused" and counter not in self._decided
        }

    @property
    def boxes(self) -> Mapping[bytes, Signed]:
        """The headers of their boxes, by the boxes' ids."""
        return self._boxes

    def is_of(self, counter: int, practitioner: str | None) -> bool:
        """Whether an edit was made by this practitioner; ``None`` stands for all of them."""
        if practitioner is None:
            return True
        edit = self._edits.get(counter)
        header = self._boxes.get(edit.box) if edit is not None else None
        return header is not None and read_box(header).practitioner == practitioner

    def undelivered(self) -> tuple[SealedEdit, ...]:
        """The edits without a verdict, in the order of their numbers."""
        return tuple(
            self._edits[counter]
            for counter in sorted(self._edits)
            if counter not in self._verdicts and self._edits[counter].box in self._boxes
        )

    def is_covered(self, kept_until: int) -> bool:
        """Whether all verdicts were given before a backup that is in the server's last two."""
        return all(backup < kept_until for backup in self._backups.values())

    def add(self, plaintext: bytes, counter: int, box: OpenBox) -> None:
        """Make an edit durable; ``LocalDataDamaged`` if it cannot be, and then it is not there."""
        index, sealed = box.seal_next(plaintext)
        frames: list[_Frame] = [] if box.id in self._boxes else [_Box(box.signed_header)]
        frames.append(SealedEdit(box=box.id, index=index, counter=counter, sealed=sealed))
        self._append(frames)

    def settle(self, verdicts: Iterable[Verdict], *, backup: int) -> tuple[Verdict, ...]:
        """Make verdicts on our edits durable; those that are new are returned.

        ``backup`` is the last one that was begun when they were given: a later one holds them.
        """
        new = tuple(
            verdict
            for verdict in verdicts
            if verdict.counter in self._edits and verdict.counter not in self._verdicts
        )
        if new:
            self._append([_Settled(verdict, backup) for verdict in new])
        return new

    def decide(self, counters: Iterable[int]) -> None:
        """Make durable that somebody decided these refused edits, and their author knows."""
        new = [_Decided(counter) for counter in counters if counter in self.refused]
        if new:
            self._append(new)

    def begin_incarnation(self, incarnation: int, *, held: int) -> frozenset[int]:
        """The server came back from a backup, and has every edit up to ``held``: the others wait
        for delivery again. Their numbers; none where this incarnation has been begun before."""
        if incarnation <= self._incarnation:
            return frozenset()
        lost = frozenset(counter for counter in self._verdicts if counter > held)
        self._append([_Incarnation(incarnation, held)])
        return lost

    def prune(self, done: Container[int], *, kept_until: int) -> None:
        """Let go of edits that are done with, once they are half of a long file.

        ``done`` are those that were merged and that have come back in the store; they are kept all
        the same until they are in the server's backups (``SyncAnswer.kept_until``).
        """
        if len(self._file) < KEPT_BYTES or not self.is_whole:
            return
        at_once = len(self._file) >= MOST_BYTES
        go = {
            counter
            for counter, backup in self._backups.items()
            if counter in done and (at_once or backup < kept_until)
        }
        if len(go) * 2 < len(self._edits):
            return
        self._edits = {c: e for c, e in self._edits.items() if c not in go}
        self._keep_verdicts(frozenset(self._edits))
        used = {edit.box for edit in self._edits.values()}
        self._boxes = {box: header for box, header in self._boxes.items() if box in used}
        self._file.rewrite(pack(frame) for frame in self._frames())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _frames(self) -> Iterator[_Frame]:
        yield _Mark(self._last)
        yield from (_Box(header) for header in self._boxes.values())
        yield from self._edits.values()
        yield _Incarnation(self._incarnation, self._last)
        yield from (_Settled(v, self._backups[c]) for c, v in self._verdicts.items())
        yield from (_Decided(counter) for counter in sorted(self._decided))

    def _keep_verdicts(self, counters: frozenset[int]) -> None:
        self._verdicts = {c: v for c, v in self._verdicts.items() if c in counters}
        self._backups = {c: backup for c, backup in self._backups.items() if c in counters}
        self._decided &= counters

    def _append(self, frames: Sequence[_Frame]) -> None:
        self._file.append(*(pack(frame) for frame in frames))
        for frame in frames:
            self._take(frame)

    def _take(self, frame: _Frame) -> None:
        match frame:
            case _Box():
                self._boxes[read_box(frame.header).box] = frame.header
            case SealedEdit():
                self._edits[frame.counter] = frame
                self._last = max(self._last, frame.counter)
            case _Settled():
                self._verdicts[frame.verdict.counter] = frame.verdict
                self._backups[frame.verdict.counter] = frame.backup
            case _Decided():
                self._decided |= {frame.counter}
            case _Incarnation():
                self._incarnation = frame.incarnation
                self._keep_verdicts(frozenset(c for c in self._verdicts if c <= frame.held))
            case _Mark():
                self._last = max(self._last, frame.counter)
