"""A child's entry as one session opened it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fieldward_client.copies.overlay import Shown
from fieldward_sync.disputes import Dispute, disputes_in, new_dispute
from fieldward_sync.errors import CallerMistake
from fieldward_sync.field_classes import Writer, check_fixed, check_writer, field_rule
from fieldward_sync.records import Proposal, ProposedChange, Value
from fieldward_sync.schema import check_edit

Write = Callable[[str, int, int, tuple[ProposedChange, ...]], Proposal]
"""Makes an edit durable, given the record, the incarnation its numbers are of, the revision that
was shown, and the changes."""

NameDispute = Callable[[], tuple[str, str]]
"""What a dispute that begins now is called, and today's date."""


class Child:
    """What was shown of a record, and one's own edits since; it does not change by itself.

    ``child["name.family"]`` is the one value at a path. Where several stand, nothing is chosen for
    anybody: look at ``conflicts``, and ``settle``.
    """

    def __init__(
        self,
        shown: Shown,
        *,
        incarnation: int,
        as_at: int,
        write: Write,
        name_dispute: NameDispute,
    ) -> None:
        self._shown = shown
        self._incarnation = incarnation
        self._write = write
        self._name_dispute = name_dispute
        self.as_at = as_at
        """When this was last known to be the server's state, in seconds since 1970 UTC."""

    def __repr__(self) -> str:
        return f"<Child {self.record_id}>"

    @property
    def record_id(self) -> str:
        """What the record is called."""
        return self._shown.view.record_id

    @property
    def revision(self) -> int:
        """The record's revision on this device."""
        return self._shown.view.revision

    @property
    def shielded(self) -> bool:
        """Whether it is hidden where this child can be found: then little is shown."""
        return self._shown.view.shielded

    @property
    def values(self) -> Mapping[str, Value]:
        """Every path with one value."""
        return self._shown.values

    @property
    def conflicts(self) -> Mapping[str, tuple[Value, ...]]:
        """Every path at which several values stand, because nobody who wrote one had been shown the
        other; ``None`` stands for *removed*."""
        return self._shown.conflicts

    @property
    def disputes(self) -> Mapping[str, tuple[Dispute, ...]]:
        """Every path whose value is, or was, disputed: by whom, since when, with what outcome, the
        oldest first. Show it beside the value; a disputed value is not a wrong one (R2)."""
        found: dict[str, tuple[Dispute, ...]] = {}
        for dispute in disputes_in(self._first_shown):
            found[dispute.path] = (*found.get(dispute.path, ()), dispute)
        return found

    @property
    def pending(self) -> frozenset[str]:
        """The paths at which an edit made here has not come back from the server yet."""
        return self._shown.pending

    @property
    def fields(self) -> tuple[str, ...]:
        """Every path that is shown."""
        return tuple(self._shown.at)

    __iter__ = None  # with ``__getitem__`` alone, ``in`` would ask for a path called 0

    def __getitem__(self, path: str) -> Value:
        """The value at a path; ``CallerMistake`` where there is none, or more than one."""
        self._refuse_conflict(path)
        if path not in self.values:
            raise CallerMistake("no-value", f"Nothing is shown at {path[:80]!r}.")
        return self.values[path]

    def get(self, path: str) -> Value:
        """The value at a path, ``None`` where there is none; ``CallerMistake`` for several."""
        self._refuse_conflict(path)
        return self.values.get(path)

    def edit(self, path: str, value: Value) -> None:
        """Set one field; ``None`` removes it. Durable when this returns.

        Raises ``CallerMistake`` for a value or field that cannot be, ``"in-conflict"`` where
        several values stand, ``AccessClosed`` once the device may not show records any more, and
        ``LocalDataDamaged`` if the disk does not take it. After an error nothing was changed.
        """
        self.edit_together({path: value})

    def edit_together(self, changes: Mapping[str, Value]) -> None:
        """Set several fields, all or none: what belongs together is accepted together."""
        for path in changes:
            self._refuse_conflict(path)
        self._change(changes)

    def settle(self, path: str, value: Value) -> None:
        """End a conflict: this value replaces all that are shown at the path. It may be a new one.

        Raises as ``edit``, and ``CallerMistake("not-in-conflict")`` where there is none.
        """
        if path not in self.conflicts:
            raise CallerMistake("not-in-conflict", f"At {path[:80]!r} there is no conflict.")
        self._change({path: value})

    def dispute(self, path: str, *, by: str) -> None:
        """Say that what stands at a path is disputed by the ``subject`` (the child), a ``carer``,
        a ``professional`` or ``other``. Durable when this returns; the value stays as it is.

        Raises as ``edit``, and ``CallerMistake``: "not-disputable", "no-value" where nothing is
        shown, "already-disputed" while the same party's dispute of it is open. The authority
        decides, and the outcome is here after a sync.
        """
        if not field_rule(path).disputable:
            raise CallerMistake("not-disputable", f"{path} cannot be disputed.")
        if path not in self.values and path not in self.conflicts:
            raise CallerMistake("no-value", f"Nothing is shown at {path[:80]!r}.")
        if any(each.by == by and each.is_open for each in self.disputes.get(path, ())):
            raise CallerMistake("already-disputed", f"{path} is disputed already, by the same.")
        member, today = self._name_dispute()
        self._change(new_dispute(member, path=path, since=today, by=by))

    @property
    def _first_shown(self) -> Mapping[str, Value]:
        return {path: laid[0].value for path, laid in self._shown.at.items()}

    def _change(self, changes: Mapping[str, Value]) -> None:
        checked = check_edit(changes, shown=self._first_shown)
        for path, value in checked.items():
            check_writer(path, value, Writer.PRACTITIONER)
            check_fixed(path, self._shown.at)
        proposed = tuple(self._shown.propose(path, value) for path, value in checked.items())
        proposal = self._write(self.record_id, self._incarnation, self.revision, proposed)
        self._shown = self._shown.with_edit(proposal, {})

    def _refuse_conflict(self, path: str) -> None:
        if path in self.conflicts:
            raise CallerMistake(
                "in-conflict",
                f"Several values stand at {path}.",
                next_step="Show them all to the person and settle it with the one they choose.",
            )
