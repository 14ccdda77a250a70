"""Which entries of the shield register open something: all are sorted, and each in one sense."""

from __future__ import annotations

from dataclasses import astuple
from typing import get_args

import pytest

from fieldward_server.register_entries import AccessChange, Entry, RulesChange, WayChange
from fieldward_server.services.openings import KINDS, opens
from fieldward_sync.access import MOVES, RIGHTS, Access
from fieldward_sync.ways import Way


def test_every_kind_of_entry_is_in_the_table_with_its_reason() -> None:
    assert set(KINDS) == set(get_args(Entry))
    assert all(kind.why for kind in KINDS.values())


def access(state: Access) -> AccessChange:
    return AccessChange("E08000019", "d-1", 1, state.value)


@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before in Access for after in Access if after in MOVES[before]],
)
def test_a_move_of_access_gives_rights_or_takes_some_and_never_both(
    before: Access, after: Access
) -> None:
    """So one entry says all of it, and is written at one time."""
    pairs = list(zip(astuple(RIGHTS[before]), astuple(RIGHTS[after]), strict=True))
    gives = any(now and not was for was, now in pairs)
    takes = any(was and not now for was, now in pairs)
    assert gives is not takes
    assert opens(access(after), access(before)) is gives


def test_a_device_that_is_revoked_gets_nothing_back() -> None:
    assert not any(opens(access(Access.REVOKED), access(before)) for before in MOVES)


@pytest.mark.parametrize(
    ("before", "after", "opened"),
    [
        (("team:A",), ("team:A", "team:B"), True),
        (("team:A", "team:B"), ("team:B",), False),
        (("team:A",), ("team:B",), True),
        (("team:A",), ("all",), True),
        (("all",), ("team:A",), False),
        (("all", "team:A"), ("all",), False),
    ],
)
def test_rules_open_unless_they_choose_only_what_was_chosen(
    before: tuple[str, ...], after: tuple[str, ...], opened: bool
) -> None:
    rules = (RulesChange("E08000019", "p", each) for each in (after, before))
    assert opens(*rules) is opened


@pytest.mark.parametrize("before", Way)
@pytest.mark.parametrize("after", Way)
def test_a_way_opens_where_the_one_before_was_stricter(before: Way, after: Way) -> None:
    ways = (WayChange("E08000019", "p", each.value) for each in (after, before))
    assert opens(*ways) is before.is_stricter(after)
