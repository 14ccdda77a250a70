"""``fieldward field edit``: nothing is replaced unseen, and nothing is chosen for anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from children import AUTHORITY, PHONE
from fieldward_server.services.records.conflicts import list_conflicts, settle
from health_visitor import PASSPHRASE, HealthVisitor, edit_by_a_colleague, synced_at


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    with synced_at(tmp_path) as ann:
        yield ann


def in_conflict(ann: HealthVisitor) -> None:
    """Ann and a colleague have written Ada's phone number, neither knowing of the other."""
    edit_by_a_colleague(ann.loop, "07700 900555")
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    ann.does("sync")
    ann.loop.seal()
    ann.does("sync")


def test_an_edit_says_what_it_replaces_and_is_kept_until_it_is_sent(ann: HealthVisitor) -> None:
    said = ann.types(
        *("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic"), keys=f"{PASSPHRASE}\nyes\n"
    )
    assert "Ada Okafor: Replace 07700 900001 by 07700 900123" in said.stderr
    assert "it was 07700 900001" in said.stdout
    assert "1 edit waits to be sent" in ann.does("status")
    assert "(not sent yet)" in ann.does("show", "r-ada", "--reason", "clinic")
    assert PHONE in ann.does("pending")
    ann.does("sync")
    assert ann.reads("pending") == []
    assert ann.loop.view("r-ada").text(PHONE) == "07700 900123"


def test_an_edit_is_not_made_without_a_typed_yes(ann: HealthVisitor) -> None:
    """P24: Enter alone chooses nothing."""
    edit = ("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic")
    assert "[not-confirmed]" in ann.fails(*edit, keys="no\n").stderr
    assert ann.fails(*edit, keys="\n").exit_code == 2
    assert ann.reads("pending") == []


def test_a_conflict_is_shown_and_settled_only_by_a_choice(ann: HealthVisitor) -> None:
    """P24, P25: nobody's value is chosen for them."""
    in_conflict(ann)
    assert "1 child in conflict" in ann.does("search", "--family=okafor", "--reason=clinic")
    said = ann.does("show", "r-ada", "--reason", "clinic")
    assert "in conflict" in said
    assert "≠ 07700 900123" in said
    assert "≠ 07700 900555" in said
    edit = ("edit", "r-ada", PHONE, "--reason=clinic")
    ann.fails(*edit, keys="\nyes\n")
    ann.fails(*edit, keys="1\nno\n")
    assert ann.reads("pending") == []
    ann.does(*edit, keys="3\n07700 900777\nyes\n")
    ann.does("sync")
    ann.loop.seal()
    ann.does("sync")
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert (read["conflicts"], read["values"][PHONE]) == ({}, "07700 900777")


def test_a_program_names_what_it_was_shown_and_replaces_nothing_else(ann: HealthVisitor) -> None:
    edit = ("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", "--json", "--replaces")
    assert "[not-as-shown]" in ann.fails(*edit, "07700 900999").stderr
    assert "[not-as-shown]" in ann.fails(*edit, "").stderr
    assert json.loads(ann.does(*edit, "07700 900001"))["replaced"] == ["07700 900001"]


def test_a_program_settles_a_conflict_by_naming_every_value_of_it(ann: HealthVisitor) -> None:
    in_conflict(ann)
    edit = ("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", "--replaces=07700 900123")
    assert "[not-as-shown]" in ann.fails(*edit).stderr
    ann.does(*edit, "--replaces=07700 900555")
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert read["conflicts"] == {}


def test_where_nobody_can_be_asked_an_edit_says_how_to_answer_beforehand(
    ann: HealthVisitor,
) -> None:
    said = ann.fails("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic")
    assert (said.exit_code, "--replaces" in said.stderr) == (2, True)


def test_a_birth_date_that_is_yet_to_come_is_doubted_before_it_is_asked_about(
    ann: HealthVisitor,
) -> None:
    edit = ("edit", "r-ada", "born", "--reason=clinic")
    ann.does("sync")
    for born, doubted in (("2098-01-02", True), ("2021-03-05", False)):
        asked = ann.fails(*edit, born, keys="no\n").stderr
        assert ("is yet to come. Replace 2021-03-04 by" in asked) == doubted


def test_an_address_is_asked_for_part_by_part(ann: HealthVisitor) -> None:
    """A slip is told at once, and only what it is in is typed again."""
    ann.does(
        *("edit", "r-ada", "address", "--reason=clinic"),
        keys="last-known\n2 Low Road\nSheffield\n\nS1 2\ns12ab\nyes\n",
    )
    said = ann.does("show", "r-ada", "--reason", "clinic")
    assert "last known: 2 Low Road, Sheffield, S1 2AB" in said
    asked = ann.types("edit", "r-ada", "address", "--reason=clinic", keys=f"{PASSPHRASE}\n")
    assert "address is last known: 2 Low Road" in asked.stderr  # told before it is replaced
    ann.does("edit", "r-ada", "address", "--reason=clinic", keys="4\n3\nyes\n")
    assert "left England" in ann.does("show", "r-ada", "--reason", "clinic")


def test_a_slip_in_a_path_or_a_value_is_told_and_typed_again(ann: HealthVisitor) -> None:
    said = ann.types(
        *("edit", "r-ada", "--reason=clinic"),
        keys=f"{PASSPHRASE}\nphone\n{PHONE}\n07700 9001x\n07700-900-123\nyes\n",
    )
    assert "A record has no field 'phone'." in said.stderr
    assert "Write a telephone number in digits" in said.stderr
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert read["values"][PHONE] == "07700 900 123"


def test_a_value_is_removed_in_so_many_words(ann: HealthVisitor) -> None:
    ann.does("edit", "r-ada", PHONE, "--remove", "--reason=clinic", keys="yes\n")
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert PHONE not in read["values"]
    said = ann.fails("edit", "r-ada", PHONE, "0114 496 0000", "--remove", "--reason=clinic")
    assert said.exit_code == 2


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("shoe_size", "12", "unknown-field"),
        ("sex", "blue", "invalid-value"),
        ("nhs_number_withheld", "detrimental-to-child", "server-only"),
        ("involvements/a1.lead", "perhaps", "not-yes-or-no"),
        ("address", "1 High Street", "not-an-address"),
        ("carers/c9.phone", "07700 900123", "not-in-entry"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(
    path: str, value: str, code: str, ann: HealthVisitor
) -> None:
    said = ann.fails("edit", "r-ada", path, value, "--reason=clinic", keys="yes\n")
    assert (said.exit_code, f"[{code}]" in said.stderr) == (1, True)
    assert ann.reads("pending") == []


def test_whoever_is_overruled_reads_it_once(ann: HealthVisitor) -> None:
    """R1: what one wrote does not give way in silence."""
    in_conflict(ann)
    (conflict,) = list_conflicts(ann.loop.platform, AUTHORITY)
    settle(
        ann.loop.platform,
        authority=AUTHORITY,
        record="r-ada",
        path=PHONE,
        shown=[value.number for value in conflict.values],
        value="07700 900555",
        actor="jo",
        reason="confirmed-by-family",
        now=ann.loop.now,
    )
    assert "1 notice: see pending" in ann.does("sync")
    assert "1 notice" in ann.does("status")
    told = " ".join(ann.does("pending").split())
    assert f"Edit 1: {PHONE} of r-ada was in conflict, and another value than yours" in told
    assert "confirmed-by-family" in told
    assert "notice" not in ann.does("status")
    assert ann.reads("pending") == []
