"""What an outbox's frames add up to, and what is missing among them (design §7, U4).

Every edit has the number after the one before it, or a mark says why not: so a frame that was cut
out, changed or moved shows itself by the numbers of the others. What is gone at the end shows
itself by the highest number that was ever made durable, which lies beside the outbox. Nothing here
touches a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from fieldward_client.logs.boxes import read_box
from fieldward_sync.encoding import Part, pack, unpack
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.messages import Verdict
from fieldward_sync.names import Count
from fieldward_sync.outbox import BoxId
from fieldward_sync.signing import Signed

MAX_LOST = 1024
"""Beyond so many missing numbers nobody knows how many edits there were."""


class BoxFrame(Part, frozen=True, tag="box"):
    """The header of a box, before the first of its edits."""

    header: Signed


class SealedEdit(Part, frozen=True, tag="edit"):
    """An edit as it waits: whose box, which place in it, which number, and its sealed bytes."""

    box: BoxId
    index: Count
    counter: Count
    sealed: bytes


class Settled(Part, frozen=True, tag="settled"):
    """What became of an edit."""

    verdict: Verdict
    backup: Count
    """The last backup begun when it was given."""


class Decided(Part, frozen=True, tag="decided"):
    """A refused edit that its author knows to have been let in later, or not."""

    counter: Count


class Incarnation(Part, frozen=True, tag="incarnation"):
    """The server came back from a backup: verdicts before this count no further than ``held``."""

    incarnation: Count
    held: Count


class Mark(Part, frozen=True, tag="mark"):
    """No edit is missing here up to this number: the others are done with, or elsewhere."""

    counter: Count


class Lost(Part, frozen=True, tag="lost"):
    """The numbers of edits that were accepted here and are gone."""

    counters: Annotated[tuple[Count, ...], Meta(max_length=MAX_LOST)]


class Arrived(Part, frozen=True, tag="arrived"):
    """The server has every edit up to this number, whether or not it is still here."""

    counter: Count


Frame = BoxFrame | SealedEdit | Settled | Decided | Incarnation | Mark | Lost | Arrived


class OutboxContent:
    """An outbox as its frames tell it."""

    def __init__(self, payloads: Sequence[bytes], *, made: int | None, broken: bool) -> None:
        """``made`` is the highest number that was ever made durable, ``None`` if that is not known;
        ``broken`` says that frames are damaged."""
        self.boxes: dict[bytes, Signed] = {}
        self.edits: dict[int, SealedEdit] = {}
        self.verdicts: dict[int, Verdict] = {}
        self.backups: dict[int, int] = {}
        """The last backup begun when each of the verdicts was given."""
        self.decided: frozenset[int] = frozenset()
        self.incarnation = 0
        self.last = 0
        """The highest number in these frames."""
        self.is_whole = not broken
        """Whether no frame is damaged."""
        self.is_in_order = True
        """Whether the edits came in the order of their numbers, each once."""
        self.made = made
        self._arrived = 0
        self._missing: set[int] = set()
        self._has_beginning = False
        self._too_many_missing = False
        for place, payload in enumerate(payloads):
            try:
                frame = unpack(Frame, payload)
                self.take(frame)
            except PeerBrokeProtocol:
                self.is_whole = False
                continue
            self._has_beginning |= place == 0 and isinstance(frame, Mark)

    def take(self, frame: Frame) -> None:
        """Count a frame that is durable."""
        match frame:
            case BoxFrame():
                self.boxes[read_box(frame.header).box] = frame.header
            case SealedEdit():
                self._take_edit(frame)
            case Settled():
                self.verdicts[frame.verdict.counter] = frame.verdict
                self.backups[frame.verdict.counter] = frame.backup
            case Decided():
                self.decided |= {frame.counter}
            case Incarnation():
                self.incarnation = frame.incarnation
                self._arrived = min(self._arrived, frame.held)
                self.keep_verdicts(frozenset(c for c in self.verdicts if c <= frame.held))
            case Mark():
                self.last = max(self.last, frame.counter)
            case Lost():
                self._missing |= set(frame.counters)
            case Arrived():
                self._arrived = max(self._arrived, frame.counter)

    def keep_verdicts(self, counters: frozenset[int]) -> None:
        """Forget all other verdicts."""
        self.verdicts = {c: v for c, v in self.verdicts.items() if c in counters}
        self.backups = {c: backup for c, backup in self.backups.items() if c in counters}
        self.decided &= counters

    @property
    def refused(self) -> Mapping[int, str]:
        """Why edits were refused, by number: those that nobody has decided since."""
        return {
            counter: verdict.code
            for counter, verdict in self.verdicts.items()
            if verdict.outcome == "refused" and counter not in self.decided
        }

    @property
    def undelivered(self) -> tuple[SealedEdit, ...]:
        """The edits without a verdict, in the order of their numbers."""
        return tuple(
            self.edits[counter]
            for counter in sorted(self.edits)
            if counter not in self.verdicts and self.edits[counter].box in self.boxes
        )

    def is_of(self, counter: int, practitioner: str | None) -> bool:
        """Whether an edit was made by this practitioner; ``None`` stands for all of them."""
        if practitioner is None:
            return True
        edit = self.edits.get(counter)
        header = self.boxes.get(edit.box) if edit is not None else None
        return header is not None and read_box(header).practitioner == practitioner

    @property
    def lost_count(self) -> int | None:
        """How many accepted edits can no longer be delivered from here, as far as the server is not
        known to have them; ``None``: some may be, and nobody knows how many (U4)."""
        return len(self.lost) if self.is_lost_count_known else None

    @property
    def lost(self) -> tuple[int, ...]:
        """The numbers of edits that were accepted and can no longer be delivered, as far as nobody
        has heard that the server has them; their boxes' loss counts."""
        beyond = range(self.last + 1, min(self.made or 0, self.last + MAX_LOST) + 1)
        boxless = {c for c, edit in self.edits.items() if edit.box not in self.boxes}
        gone = self._missing | set(beyond) | boxless
        return tuple(sorted(c for c in gone if c > self._arrived and c not in self.verdicts))

    @property
    def is_lost_count_known(self) -> bool:
        """Whether ``lost`` are all: not if the beginning is gone, or the highest number."""
        if self.made is None:
            return False
        if self._arrived >= max(self.made, self.last):
            return True
        in_doubt = self._too_many_missing or self.made > self.last + MAX_LOST
        return self._has_beginning and not in_doubt

    def is_news(self, held: int) -> bool:
        """Whether it tells something of a loss that the server has every edit up to ``held``."""
        is_all = held >= max(self.last, self.made or 0)
        return any(c <= held for c in self.lost) or (is_all and not self.is_lost_count_known)

    @property
    def next_frames(self) -> tuple[Frame, ...]:
        """What keeps the numbers after a loss explained, before the next edit is written."""
        lost = self.lost
        return (Lost(lost[:MAX_LOST]), Mark(max(self.last, self.made or 0))) if lost else ()

    def frames(self) -> Iterator[Frame]:
        """All that has to be kept, in an order in which nothing seems to be missing."""
        yield Mark(min(self.edits, default=1) - 1)
        yield from (BoxFrame(header) for header in self.boxes.values())
        before = None
        for counter in sorted(self.edits):
            if before is not None and counter != before + 1:
                yield Mark(counter - 1)
            yield self.edits[counter]
            before = counter
        yield Mark(self.last)
        yield Incarnation(self.incarnation, self.last)
        yield Arrived(self._arrived)
        yield from (Settled(v, self.backups[c]) for c, v in self.verdicts.items())
        yield from (Decided(counter) for counter in sorted(self.decided))
        if self.lost:
            yield Lost(self.lost[:MAX_LOST])

    def _take_edit(self, edit: SealedEdit) -> None:
        known = self.edits.get(edit.counter)
        if known is not None and known != edit:
            self.is_whole = False
            return
        if edit.counter <= self.last:
            self.is_in_order = False
            self._missing.discard(edit.counter)
        elif edit.counter - self.last > MAX_LOST:
            self._too_many_missing = True
        else:
            self._missing |= set(range(self.last + 1, edit.counter))
        self.edits[edit.counter] = edit
        self.last = max(self.last, edit.counter)


def packed(frames: Sequence[Frame]) -> list[bytes]:
    """The frames' payloads."""
    return [pack(frame) for frame in frames]
