"""One's own edits laid over a view, and what the next edit replaces (design §5)."""

from __future__ import annotations

from fieldward_client.copies.overlay import lay_over
from fieldward_sync.records import Proposal, ProposedChange
from fieldward_sync.views import View, ViewValue

PHONE, NAME = "involvements/a.phone", "name.given"


def view(*values: tuple[str, int, str]) -> View:
    return View("r-1", 7, False, tuple(ViewValue(*value) for value in values))


def edit(counter: int, *changes: ProposedChange) -> Proposal:
    return Proposal(counter, 1, "r-1", changes, "p-1", 0, "clinic")


def test_a_pending_edit_stands_in_place_of_what_it_was_shown() -> None:
    shown = lay_over(view((PHONE, 1, "old"), (NAME, 1, "Ada")), (), {})
    laid = lay_over(shown.view, [edit(1, shown.propose(PHONE, "new"))], {})
    assert laid.values == {PHONE: "new", NAME: "Ada"}
    assert laid.pending == {PHONE}
    assert laid.as_view().text(PHONE) == "new"


def test_what_is_searched_has_its_values_in_the_order_of_their_paths() -> None:
    shown = lay_over(view((PHONE, 1, "old")), [edit(1, ProposedChange("born", "2020-01-01"))], {})
    assert [value.path for value in shown.as_view().values] == ["born", PHONE]


def test_a_value_that_arrived_meanwhile_stays_beside_it_as_a_conflict() -> None:
    change = lay_over(view((PHONE, 1, "old")), (), {}).propose(PHONE, "mine")
    laid = lay_over(view((PHONE, 2, "theirs")), [edit(1, change)], {})
    assert laid.conflicts == {PHONE: ("theirs", "mine")}
    assert PHONE not in laid.values


def test_settling_replaces_everything_that_is_shown() -> None:
    shown = lay_over(view((PHONE, 1, "one"), (PHONE, 2, "two")), (), {})
    settled = shown.propose(PHONE, "two")
    assert settled.shown == (1, 2)
    assert lay_over(shown.view, [edit(1, settled)], {}).values == {PHONE: "two"}


def test_a_second_edit_names_the_first_and_what_the_first_replaced() -> None:
    """Should the first be refused, what it replaced is replaced all the same."""
    shown = lay_over(view((PHONE, 4, "old")), (), {})
    first = edit(1, shown.propose(PHONE, "first"))
    second = shown.with_edit(first, {}).propose(PHONE, "second")
    assert (second.shown, second.own) == ((4,), (1,))
    third = shown.with_edit(first, {}).with_edit(edit(2, second), {}).propose(PHONE, "third")
    assert (third.shown, third.own) == ((4,), (1, 2))


def test_an_edit_whose_forerunner_has_arrived_replaces_it_by_its_number() -> None:
    second = edit(2, ProposedChange(PHONE, "second", (4,), (1,)))
    arrived = view((PHONE, 5, "first"))
    assert lay_over(arrived, [second], {1: 5}).values == {PHONE: "second"}
    assert lay_over(arrived, [second], {}).conflicts, "without the number it could not be known"


def test_what_is_masked_is_never_replaced() -> None:
    service = "involvements/a.service"
    shown = lay_over(view((service, 0, "sensitive")), (), {})
    assert shown.propose(service, "portage").shown == ()


def test_equal_values_are_no_conflict_and_are_replaced_together() -> None:
    shown = lay_over(view((PHONE, 1, "same"), (PHONE, 2, "same")), (), {})
    assert shown.values == {PHONE: "same"}
    assert shown.propose(PHONE, "new").shown == (1, 2)


def test_what_was_removed_is_not_shown_but_conflicts_with_a_new_value() -> None:
    removed = View("r-1", 1, False, (ViewValue(PHONE, 1, None),))
    assert lay_over(removed, (), {}).values == {}
    mine = edit(1, ProposedChange(PHONE, "mine"))
    assert lay_over(removed, [mine], {}).conflicts == {PHONE: (None, "mine")}


def test_a_hundred_edits_of_one_field_can_still_be_worded() -> None:
    shown = lay_over(view((PHONE, 4, "old")), (), {})
    for counter in range(1, 101):
        shown = shown.with_edit(edit(counter, shown.propose(PHONE, str(counter))), {})
    last = shown.propose(PHONE, "last")
    assert len(last.own) == 64
    assert last.own[-1] == 100
