"""From an edit as a device worded it to one that can merge here."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from fieldward_server.storage import Transaction, incarnations
from fieldward_server.storage.authorities import Authority
from fieldward_sync.records import Change, Edit, Proposal


def in_this_incarnation(
    transaction: Transaction, authority: Authority, proposal: Proposal
) -> Proposal:
    """The edit, replacing of what its author was shown only what has the same number here.

    A restore cuts a history off, and what came after it was numbered anew. What an author saw of
    the part cut off is delivered again by whoever wrote it, and stands beside this edit.
    """
    if proposal.incarnation == authority.incarnation:
        return proposal
    limit = incarnations.carried_over(
        transaction, authority.authority, proposal.record_id, since=proposal.incarnation
    )
    return naming_only(proposal, lambda number: number <= limit, base=min(proposal.base, limit))


def naming_only(proposal: Proposal, names: Callable[[int], bool], *, base: int) -> Proposal:
    """The edit, naming of the numbers that its author was shown only some, and of its author's own
    only earlier ones."""
    changes = (
        msgspec.structs.replace(
            change,
            shown=tuple(n for n in change.shown if names(n)),
            own=tuple(counter for counter in change.own if counter < proposal.counter),
        )
        for change in proposal.changes
    )
    return msgspec.structs.replace(proposal, changes=tuple(changes), base=base)


def sparing(edit: Edit, hidden: frozenset[str]) -> Edit:
    """The edit, replacing nothing of what is hidden: whoever guesses a number, or was shown the
    value before a shield, writes beside it, and a person settles (design §5)."""
    if not hidden:
        return edit
    return msgspec.structs.replace(
        edit,
        changes=tuple(
            Change(change.path, change.value) if change.path in hidden else change
            for change in edit.changes
        ),
    )
