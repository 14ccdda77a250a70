"""Merging by example: what becomes of values when several people write (design §5)."""

from __future__ import annotations

import pytest

from fieldward_sync.encoding import decode, encode
from fieldward_sync.errors import CallerMistake, PeerBrokeProtocol
from fieldward_sync.records import (
    MAX_REPLACED_AT_A_PATH,
    Change,
    Edit,
    Proposal,
    ProposedChange,
    Record,
    Value,
)
from fieldward_sync.versions import Dot

LOADED = Dot("server.1", 1)
ADA = Dot("d-ada.1", 1)
BEN = Dot("d-ben.1", 1)
PHONE = "involvements/8f2c.phone"


def edit(dot: Dot, value: Value, *replaces: Dot, path: str = PHONE) -> Edit:
    return Edit(dot, "r-1", (Change(path, value, replaces),), "p-1", 1_000)


def values(record: Record, path: str = PHONE) -> set[Value]:
    return {live.value for live in record.live.get(path, ())}


def test_an_edit_replaces_what_its_author_was_shown() -> None:
    record = Record.of("r-1", [edit(LOADED, "0161"), edit(ADA, "0114", LOADED)])
    assert values(record) == {"0114"}
    assert record.conflicts == ()


def test_two_edits_of_the_same_value_conflict_until_a_person_replaces_both() -> None:
    record = Record.of(
        "r-1", [edit(LOADED, "0161"), edit(ADA, "0114", LOADED), edit(BEN, "0207", LOADED)]
    )
    assert values(record) == {"0114", "0207"}
    assert record.conflicts == (PHONE,)
    settled = record.with_edit(edit(Dot("d-ada.1", 2), "0114", ADA, BEN))
    assert values(settled) == {"0114"}
    assert settled.conflicts == ()


def test_the_same_value_written_twice_is_no_conflict() -> None:
    record = Record.of("r-1", [edit(ADA, "0114"), edit(BEN, "0114")])
    assert record.conflicts == ()


def test_an_edit_that_says_a_path_twice_conflicts_with_itself() -> None:
    both = Edit(ADA, "r-1", (Change(PHONE, "0114"), Change(PHONE, "0207")), "p-1", 1_000)
    assert values(Record.of("r-1", [both])) == {"0114", "0207"}
    assert Record.of("r-1", [both]).conflicts == (PHONE,)


def test_a_removal_is_a_value_that_can_conflict_like_any_other() -> None:
    record = Record.of(
        "r-1", [edit(LOADED, "0161"), edit(ADA, None, LOADED), edit(BEN, "0207", LOADED)]
    )
    assert values(record) == {None, "0207"}
    assert record.conflicts == (PHONE,)


def test_what_an_author_was_not_shown_stays() -> None:
    record = Record.of("r-1", [edit(LOADED, "hidden"), edit(ADA, "0114")])
    assert values(record) == {"hidden", "0114"}


def test_an_edit_may_come_before_what_it_replaces() -> None:
    late = [edit(ADA, "0114", LOADED), edit(LOADED, "0161")]
    assert values(Record.of("r-1", late)) == {"0114"}


def test_two_edits_that_replace_each_other_leave_nothing_behind_what_was_looked_at() -> None:
    record = Record.of("r-1", [edit(ADA, "0114", BEN)])
    assert values(record) == {"0114"}
    assert record.with_edit(edit(BEN, "0207", ADA)).live == {}


def test_an_address_is_replaced_as_one() -> None:
    record = Record.of(
        "r-1",
        [
            edit(LOADED, {"kind": "current", "lines": ["1 Moss Lane"]}, path="address"),
            edit(ADA, {"kind": "no-known-address"}, LOADED, path="address"),
        ],
    )
    (address,) = record.live["address"]
    assert address.value == {"kind": "no-known-address"}


def test_the_same_edit_again_changes_nothing() -> None:
    record = Record.of("r-1", [edit(ADA, "0114")])
    assert record.with_edit(edit(ADA, "0114")) is record


def test_a_dot_used_twice_for_different_edits_is_refused() -> None:
    record = Record.of("r-1", [edit(ADA, "0114")])
    with pytest.raises(PeerBrokeProtocol) as refusal:
        record.with_edit(edit(ADA, "0207"))
    assert refusal.value.code == "dot-reused"


def test_an_edit_of_another_record_is_refused() -> None:
    with pytest.raises(CallerMistake) as refusal:
        Record("r-2").with_edit(edit(ADA, "0114"))
    assert refusal.value.code == "wrong-record"


def proposal(*changes: ProposedChange) -> Proposal:
    return Proposal(3, 1, "r-1", changes, "p-1", 1_000, "home-visit")


def test_a_proposal_names_what_was_shown_by_numbers_and_own_edits_by_counters() -> None:
    meant = proposal(ProposedChange(PHONE, "0114", shown=(7,), own=(2,))).as_edit(
        device="d-ada", generation=1, shown={7: LOADED}
    )
    assert meant.dot == Dot("d-ada.1", 3)
    assert set(meant.changes[0].replaces) == {LOADED, Dot("d-ada.1", 2)}


def test_a_proposal_naming_a_number_nobody_gave_out_is_refused() -> None:
    with pytest.raises(CallerMistake) as refusal:
        proposal(ProposedChange(PHONE, "0114", shown=(8,))).as_edit(
            device="d-ada", generation=1, shown={7: LOADED}
        )
    assert refusal.value.code == "unknown-version"


def test_an_edit_over_all_that_a_proposal_may_name_can_be_read_again() -> None:  # invariant 9
    """What is stored and cannot be read would stop every later edit of its record."""
    most = tuple(range(1, MAX_REPLACED_AT_A_PATH + 1))
    change = ProposedChange(PHONE, "0114", shown=most, own=most)
    proposal = Proposal(65, 1, "r-1", (change,), "p-1", 1_000, "home-visit")
    shown = {number: Dot("server.1", number) for number in most}
    made = proposal.as_edit(device="d-ada", generation=1, shown=shown)
    assert len(made.changes[0].replaces) == 2 * MAX_REPLACED_AT_A_PATH
    assert decode(Edit, encode(made), max_bytes=1 << 20) == made
