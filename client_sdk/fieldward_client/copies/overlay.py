"""One's own pending edits laid over a view, and the wording of the next edit (design §5).

Pure functions. A caller never sees numbers: what an edit replaces is read from what was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from fieldward_sync.encoding import pack
from fieldward_sync.records import MAX_REPLACED_AT_A_PATH, Proposal, ProposedChange, Value, differ
from fieldward_sync.views import View, ViewValue

NO_NUMBER = 0
"""Stands in a view where a value is masked, and here where an edit has no number yet: what has
none cannot be named, and so is never replaced by number."""


@dataclass(frozen=True)
class LaidValue:
    """A value that stands at a path: from the view, or from a pending edit of one's own."""

    value: Value
    number: int = NO_NUMBER
    counter: int | None = None
    change: ProposedChange | None = None


@dataclass(frozen=True)
class Shown:
    """A record as its reader sees it."""

    view: View
    at: Mapping[str, tuple[LaidValue, ...]]

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[Value, ...]]:
        """The paths with several different values, and those values, each once."""
        several = {path: laid for path, laid in self.at.items() if differ(v.value for v in laid)}
        return {
            path: tuple({pack(each.value): each.value for each in laid}.values())
            for path, laid in several.items()
        }

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """The paths with one value, and that value; what was removed is not there."""
        return {
            path: laid[0].value
            for path, laid in self.at.items()
            if laid and path not in self.conflicts and laid[0].value is not None
        }

    @property
    def pending(self) -> frozenset[str]:
        """The paths at which an edit of one's own stands that the view does not hold yet."""
        return frozenset(
            path for path, laid in self.at.items() if any(each.change for each in laid)
        )

    def as_view(self) -> View:
        """What is shown, as a view that can be searched."""
        values = (
            ViewValue(path, v.number, v.value)
            for path, laid in sorted(self.at.items())
            for v in laid
        )
        return View(self.view.record_id, self.view.revision, self.view.shielded, tuple(values))

    def with_edit(self, edit: Proposal, numbers: Mapping[int, int]) -> Shown:
        """What is shown once an edit of one's own lies on top (see ``lay_over``)."""
        laid = dict(self.at)
        for change in edit.changes:
            replaced = {*change.shown, *(numbers[own] for own in change.own if own in numbers)}
            kept = (
                each
                for each in laid.get(change.path, ())
                if each.number not in replaced and each.counter not in change.own
            )
            on_top = LaidValue(change.value, counter=edit.counter, change=change)
            laid[change.path] = (*kept, on_top)
        return Shown(self.view, laid)

    def propose(self, path: str, value: Value) -> ProposedChange:
        """A change that replaces everything shown at a path, and nothing that was not.

        Edits of one's own that stand there are named together with what they replace: should one
        of them be refused, what it replaced is replaced all the same.
        """
        laid = self.at.get(path, ())
        shown = {each.number for each in laid} - {NO_NUMBER}
        own = {each.counter for each in laid if each.counter is not None}
        for each in laid:
            if each.change is not None:
                shown.update(each.change.shown)
                own.update(each.change.own)
        return ProposedChange(path, value, _latest(shown), _latest(own))


def lay_over(view: View, edits: Iterable[Proposal], numbers: Mapping[int, int]) -> Shown:
    """The view with one's own edits over it, in the order in which they were made.

    ``numbers`` says which of one's own edits have become which numbers of the record. Where one of
    these is shown, the next edit names it by both: its own counter holds after a restore too.
    """
    counters = {number: counter for counter, number in numbers.items()}
    laid = {
        path: tuple(LaidValue(v.value, v.number, counters.get(v.number)) for v in values)
        for path, values in view.by_path().items()
    }
    shown = Shown(view, laid)
    for edit in sorted(edits, key=lambda edit: edit.counter):
        shown = shown.with_edit(edit, numbers)
    return shown


def _latest(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(numbers)[-MAX_REPLACED_AT_A_PATH:])
