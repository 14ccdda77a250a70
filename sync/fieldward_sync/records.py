"""A record is a set of edits, and merging is their union (design §5).

An edit sets one or more paths of one record, all or none, and names at each path the edits whose
values its author was shown there. Live values are those that no edit replaces, so order, gaps and
repetition do not matter and no clock decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from fieldward_sync.encoding import Message, Part, encode, pack
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.names import (
    Code,
    Count,
    PersonId,
    PractitionerId,
    RecordId,
    Seconds,
    device_actor,
)
from fieldward_sync.versions import Dot
from fieldward_sync.worked_out import worked_out

MAX_PATH_CHARACTERS = 80
MAX_VALUE_CHARACTERS = 200
MAX_CHANGES_IN_AN_EDIT = 2048
"""A whole record is loaded as one edit; a whole childhood's involvements fit."""
MAX_CHANGES_IN_A_PROPOSAL = 64
MAX_REPLACED_AT_A_PATH = 64
"""Of each kind that a proposal names: what was shown, and edits of one's own."""
MAX_REPLACED_BY_A_CHANGE = 1024
"""Both kinds of a proposal together; or all that stands at a path when a person settles it."""

Text = Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)]
Value = (
    Text
    | int
    | bool
    | None
    | Annotated[
        dict[Text, Text | Annotated[list[Text], Meta(max_length=8)]],
        Meta(max_length=8),
    ]
)
"""A field's value. ``None`` is *removed*, a value like any other; a mapping is an address."""

Path = Annotated[str, Meta(min_length=1, max_length=MAX_PATH_CHARACTERS)]


class Change(Part, frozen=True):
    """One path set by an edit, and the dots whose values its author was shown there."""

    path: Path
    value: Value
    replaces: Annotated[tuple[Dot, ...], Meta(max_length=MAX_REPLACED_BY_A_CHANGE)] = ()


class Edit(Message, frozen=True):
    """A change of one or more paths of one record by one actor; its dot is its name for ever."""

    marker: ClassVar[bytes] = b"fieldward/edit/1"
    dot: Dot
    record_id: RecordId
    changes: Annotated[tuple[Change, ...], Meta(min_length=1, max_length=MAX_CHANGES_IN_AN_EDIT)]
    practitioner: PersonId | None
    made_at: Seconds
    """When its author says it was made: provenance for people, never used to decide (R1)."""
    administrator: PersonId | None = None
    """Whose command it was, where it is the server's own."""
    basis: Code = ""
    """On what ground: the reason of its author's session, or of the command."""
    base: Count = 0
    """The number of the latest of the record's edits that its author had been shown."""
    admits: Dot | None = None
    """The refused edit that it lets in later. Whoever replaces that one replaces this."""


def under_another_dot(encoded: bytes, was: Dot, becomes: Dot) -> bytes:
    """An edit's bytes once it is called otherwise: its name stands first in them."""
    begins = len(Edit.marker) + 2  # after it a newline, and how many fields there are
    return encoded[:begins] + pack(becomes) + encoded[begins + len(pack(was)) :]


class ProposedChange(Part, frozen=True):
    """A change as a device words it: what it was shown, by the record's own small numbers."""

    path: Path
    value: Value
    shown: Annotated[tuple[Count, ...], Meta(max_length=MAX_REPLACED_AT_A_PATH)] = ()
    own: Annotated[tuple[Count, ...], Meta(max_length=MAX_REPLACED_AT_A_PATH)] = ()
    """Counters of the author's own earlier edits that stood there."""


class Proposal(Message, frozen=True):
    """An edit as it leaves a device. It names values by the numbers its image gave them, because
    dots stay out of images: who edited a shielded child is nobody's business."""

    marker: ClassVar[bytes] = b"fieldward/proposal/1"
    counter: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    incarnation: Count
    record_id: RecordId
    changes: Annotated[
        tuple[ProposedChange, ...], Meta(min_length=1, max_length=MAX_CHANGES_IN_A_PROPOSAL)
    ]
    practitioner: PractitionerId
    made_at: Seconds
    reason: Code
    base: Count = 0
    """The revision of the record in the view that its author was shown."""

    def as_edit(self, *, device: str, generation: int, shown: Mapping[int, Dot]) -> Edit:
        """The edit meant, with dots for numbers; ``CallerMistake("unknown-version")`` for a number
        that the record never gave out, or a counter of its author's that is not an earlier one: an
        edit that replaced itself would be nowhere, and take with it what it replaced."""
        actor = device_actor(device, generation)

        def dots(change: ProposedChange) -> tuple[Dot, ...]:
            unknown = [number for number in change.shown if number not in shown]
            if unknown:
                raise CallerMistake(
                    "unknown-version",
                    f"The edit replaces version {unknown[0]} of {change.path}; there is none.",
                )
            if max(change.own, default=0) >= self.counter:
                raise CallerMistake(
                    "unknown-version",
                    f"The edit replaces one of its own author's at {change.path} that is later.",
                )
            named = {shown[number] for number in change.shown}
            named |= {Dot(actor, counter) for counter in change.own}
            return tuple(sorted(named))

        return Edit(
            dot=Dot(actor, self.counter),
            record_id=self.record_id,
            changes=tuple(Change(c.path, c.value, dots(c)) for c in self.changes),
            practitioner=self.practitioner,
            made_at=self.made_at,
            basis=self.reason,
            base=self.base,
        )


DECIDING_FIELDS = ("shield", "consent_withdrawn", "service", "sensitive_ground", "team", "path")
"""The last parts of the paths whose values decide about a whole member, or a whole record: what is
shown of it, who works with it, what it is about."""


class LiveValue(Struct, frozen=True, gc=False):
    """A value that no accepted edit replaces, and the edit that set it."""

    dot: Dot
    value: Value


class Record(Struct, frozen=True, dict=True):
    """All that one replica knows of a record."""

    record_id: str
    edits: Mapping[Dot, Edit] = {}

    @classmethod
    def of(cls, record_id: str, edits: Iterable[Edit]) -> Record:
        """The record made of these edits, whatever their order and however often repeated."""
        record = cls(record_id)
        for edit in edits:
            record = record.with_edit(edit)
        return record

    def with_edit(self, edit: Edit) -> Record:
        """This record and one more edit.

        The same edit again changes nothing; the same dot with other content is refused as
        ``PeerBrokeProtocol("dot-reused")``: somebody's counter has run backwards.
        """
        if edit.record_id != self.record_id:
            raise CallerMistake("wrong-record", "The edit belongs to another record.")
        known = self.edits.get(edit.dot)
        if known is None:
            more = Record(self.record_id, {**self.edits, edit.dot: edit})
            self._hand_on(more, edit)
            return more
        if encode(known) != encode(edit):
            raise PeerBrokeProtocol(
                "dot-reused",
                f"Edit {edit.dot.counter} of {edit.dot.actor} is known with other content.",
            )
        return self

    def join(self, other: Record) -> Record:
        """What a replica knows that knows all of both: commutative, associative, idempotent."""
        record = self
        for edit in other.edits.values():
            record = record.with_edit(edit)
        return record

    @worked_out
    def said(self) -> Mapping[str, Value]:
        """Path to value, in the order of their paths, where one edit has said all there is and each
        once, as of most records; empty of all others."""
        if len(self.edits) != 1:
            return {}
        (edit,) = self.edits.values()
        said = {change.path: change.value for change in edit.changes if not change.replaces}
        if len(said) != len(edit.changes):
            return {}
        in_order = sorted(said)
        return said if in_order == [*said] else {path: said[path] for path in in_order}

    @worked_out
    def live(self) -> Mapping[str, tuple[LiveValue, ...]]:
        """Path to its live values, in the order of their dots; several different ones conflict."""
        if self.said:
            (dot,) = self.edits
            return {path: (LiveValue(dot, value),) for path, value in self.said.items()}
        values = self._live_at(None)
        return {path: values[path] for path in sorted(values)}

    @property
    def paths(self) -> Collection[str]:
        """Those at which there are live values, in their order."""
        return (self.said or self.live).keys()

    def values_at(self, path: str) -> Sequence[Value]:
        """The live values at a path, none where there is nothing; in the order of their dots."""
        if self.said:
            return (self.said[path],) if path in self.said else ()
        return [live.value for live in self.live.get(path, ())]

    def _live_at(self, paths: Collection[str] | None) -> dict[str, tuple[LiveValue, ...]]:
        """The live values at these paths; at all there are, for ``None``."""
        replaced = defaultdict[str, set[Dot]](set)
        for edit in self.edits.values():
            for change in edit.changes:
                if change.replaces:
                    replaced[change.path].update(change.replaces)
        values: dict[str, tuple[LiveValue, ...]] = {}
        for dot in sorted(self.edits):
            changes, names = self.edits[dot].changes, (dot, self.origin(dot))
            for change in changes if paths is None else [c for c in changes if c.path in paths]:
                path = change.path
                if path in replaced and not replaced[path].isdisjoint(names):
                    continue
                value = (LiveValue(dot, change.value),)
                values[path] = values[path] + value if path in values else value
        return values

    def _hand_on(self, more: Record, edit: Edit) -> None:
        """Let the record with one more edit have what has been worked out of this one, if there are
        the same fields in both: elsewhere than at the edit's own paths, and those of edits that let
        it in later, it makes no difference."""
        if not (vars(self).get("live") or vars(self).get("said")):
            return
        letting_in = (each for each in self.edits.values() if each.admits == edit.dot)
        paths = {change.path for each in (edit, *letting_in) for change in each.changes}
        if not paths <= self.live.keys():
            return
        changed = more._live_at(paths)
        if changed.keys() == paths:
            vars(more)["live"] = {**self.live, **changed}
            if "deciding" in vars(self):
                vars(more)["deciding"] = self.deciding

    def origin(self, dot: Dot) -> Dot:
        """What its author calls an edit: of one that was let in later, the dot it was refused
        under, unless an edit was accepted under that dot too."""
        admits = self.edits[dot].admits
        return dot if admits is None or admits in self.edits else admits

    @worked_out
    def deciding(self) -> Mapping[str, Sequence[str]]:
        """The live paths of each deciding field: they are few, and asked for again and again."""
        paths: dict[str, list[str]] = {field: [] for field in DECIDING_FIELDS}
        for path in [path for path in self.paths if path.endswith(DECIDING_FIELDS)]:
            field = path.rpartition(".")[2]
            if field in paths:
                paths[field].append(path)
        return paths

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The paths with several different live values, for a person to settle."""
        if self.said or max(map(len, self.live.values()), default=0) < 2:
            return ()
        several = [(path, values) for path, values in self.live.items() if len(values) > 1]
        return tuple(path for path, values in several if differ(v.value for v in values))


def differ(values: Iterable[Value]) -> bool:
    """Whether there are several different values among these."""
    first, *others = values
    return not all(same(first, other) for other in others)


def same(one: Value, other: Value) -> bool:
    """Whether two values are the same; not by ``==`` alone, which takes 1 for true."""
    return type(one) is type(other) and one == other
