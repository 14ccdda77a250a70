"""Which entries of the shield register open something, and which close.

A restore carries out whatever the register says. What hides a child or closes a door, it may carry
out once too often: so that is written before its commit, and no commit that is acknowledged lacks
it. What shows or lets somebody in it must not carry out unless it has happened: that is written
after its commit, and whoever asked for it goes on once it is (``registering``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from fieldward_server.register_entries import (
    AccessChange,
    AdministratorRemoved,
    Begun,
    CapChange,
    Enrolment,
    Entry,
    GrantChange,
    HandOverPrepared,
    Joined,
    KeysRenewed,
    Moved,
    RulesChange,
    Shield,
    SuspensionChange,
    WayChange,
    WipeOrder,
    WipeReceipt,
    WipeWithdrawn,
    Withdrawal,
    WrittenAt,
)
from fieldward_server.services.membership import chosen_by_both
from fieldward_sync.access import RIGHTS, Access
from fieldward_sync.ways import Way


@dataclass(frozen=True)
class Kind:
    """What entries of a kind do."""

    opens: Callable[[Any, Any], bool]
    """Whether one opens something. Its second argument is an entry of the same kind that says how
    it was before, for the kinds that have to know."""
    why: str


def _opens(_entry: Entry, _before: Entry | None) -> bool:
    return True


def _closes(_entry: Entry, _before: Entry | None) -> bool:
    return False


def _gives_a_right(entry: AccessChange, before: AccessChange) -> bool:
    had, has = (astuple(RIGHTS[Access(each.access)]) for each in (before, entry))
    return any(now and not was for was, now in zip(had, has, strict=True))


def _chooses_more(entry: RulesChange, before: RulesChange) -> bool:
    return set(chosen_by_both(before.rules, entry.rules)) != set(entry.rules)


KINDS: Mapping[type[Entry], Kind] = {
    WrittenAt: Kind(_closes, "It comes with what follows it, and does nothing by itself."),
    Shield: Kind(
        lambda entry, _: not entry.raised,
        "A raise hides a child; a release that never was would show one.",
    ),
    Withdrawal: Kind(_closes, "It hides who is involved; nothing releases one."),
    Enrolment: Kind(
        _opens,
        "It lets a device in. One that had no answer asks again, and one that no register knows"
        " is invited again.",
    ),
    HandOverPrepared: Kind(_opens, "It lets somebody in who comes with a code nobody was given."),
    Joined: Kind(_opens, "It lets somebody in. Who had no answer asks again."),
    AccessChange: Kind(_gives_a_right, "Resuming gives back what pausing took."),
    SuspensionChange: Kind(
        lambda entry, _: not entry.suspended,
        "It shuts somebody out; lifting it gives back what it took.",
    ),
    WipeOrder: Kind(_closes, "What is wiped reads no more, and loses nothing typed."),
    WipeWithdrawn: Kind(_opens, "A stolen device would read on."),
    WipeReceipt: Kind(_closes, "The device has signed it, whatever becomes of the commit."),
    GrantChange: Kind(lambda entry, _: entry.given, "It gives a partition, or takes it."),
    CapChange: Kind(
        lambda entry, before: entry.record_cap > before.record_cap,
        "A higher cap lets more records onto a device.",
    ),
    RulesChange: Kind(_chooses_more, "Rules that choose more bring records onto devices."),
    WayChange: Kind(
        lambda entry, before: Way(before.way).is_stricter(Way(entry.way)),
        "A way that is less strict leaves more on devices.",
    ),
    Moved: Kind(
        _opens, "The giver's copy closes and the taker's opens: a child would be with nobody."
    ),
    AdministratorRemoved: Kind(_closes, "A key signs nothing any more."),
    Begun: Kind(_closes, "A number that may have been given out never comes again."),
    KeysRenewed: Kind(
        _closes,
        "It opens nothing that the keys before it did not, and devices seal to it from the commit"
        " on: without it nobody could read what they typed.",
    ),
}


def opens(entry: Entry, before: Entry | None = None) -> bool:
    """Whether an entry is written after the commit of what it says; ``before`` as in ``Kind``."""
    return KINDS[type(entry)].opens(entry, before)
