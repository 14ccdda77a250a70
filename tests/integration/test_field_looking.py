"""``fieldward field search`` and ``show``: what is told of a child, and what never is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from children import AUTHORITY, PHONE, child
from fieldward_server.services.distribution.ways import set_way
from health_visitor import DAY, PASSPHRASE, HealthVisitor, synced_at

TERMINAL_COLUMNS = 80


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    with synced_at(tmp_path) as ann:
        yield ann


def test_a_search_tells_twins_apart_and_fits_a_terminal(ann: HealthVisitor) -> None:
    said = ann.does("search", "--family", "okafr", "--reason", "clinic")
    assert "Your copy ends" in said
    for words in ("Okafor, Ada", "Okafor, Eve", "2021-03-04", "M14", "r-ada", "r-eve"):
        assert words in said
    assert "like 1" in said
    assert "like 2" in said
    assert "Some are alike" in said
    assert max(map(len, said.splitlines())) <= TERMINAL_COLUMNS


def test_long_names_and_many_namesakes_still_fit_a_terminal(ann: HealthVisitor) -> None:
    name = {
        "family": "Oluwaseun-Montgomery Kazlauskas-Wiśniewski",
        "given": "Maximiliana Anastasia Róisín Philomena",
    }
    ann.loop.load(*(child(f"r-{10**20 + n}", name=name, shield="raised") for n in range(5)))
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("search", "--family", "kazlauskas", "--reason", "clinic")
    assert max(map(len, said.splitlines())) <= TERMINAL_COLUMNS
    assert "…" not in said
    assert f"r-{10**20 + 4}" in said  # what is to be typed is never broken in two
    assert "like 4" in said


def test_a_search_asks_for_what_is_remembered_and_why_and_nothing_stays_in_a_history(
    ann: HealthVisitor,
) -> None:
    reason, terms = "3\n", "okafor\nAda\n\n\n\n"
    said = ann.types("search", keys=f"{PASSPHRASE}\n{reason}{terms}")
    assert said.exit_code == 0, said.output
    assert "This goes on record" in said.stderr
    assert "Okafor, Ada" in said.stdout
    assert ann.reads("status")[0]["look_ups"] == 1


def test_the_status_says_how_many_look_ups_are_left(ann: HealthVisitor) -> None:
    assert "Look-ups left until the next renewal: 500 of 500" in ann.does("status")
    ann.does("search", "--family", "okafor", "--reason", "clinic")
    ann.does("show", "r-ada", "--reason", "clinic")
    assert "Look-ups left until the next renewal: 498 of 500" in ann.does("status")
    (status,) = ann.reads("status")
    assert (status["lease"]["look_ups"], status["lease"]["look_ups_left"]) == (500, 498)


def test_what_is_held_warm_is_synced_before_it_is_searched_and_without_signal_that_is_said(
    ann: HealthVisitor,
) -> None:
    """Each command unlocks anew, and the keys of the one before are gone with it."""
    command: dict[str, Any] = {"actor": "mo", "reason": "in-hiding", "now": ann.loop.now}
    set_way(ann.loop.platform, authority=AUTHORITY, partition="west", way="warm", **command)
    ann.does("sync")
    assert "Okafor, Ada" in ann.does("search", "--given", "ada", "--reason", "clinic")
    assert "west: held warm, opens with a sync" in ann.does("status")
    ann.loop.signal = False
    said = " ".join(ann.does("search", "--given", "ada", "--reason", "clinic").split())
    assert "Not searched, it opens once a sync has brought its keys: west" in said


def test_not_on_this_device_is_another_answer_than_no_such_child(ann: HealthVisitor) -> None:
    said = ann.does("search", "--family", "Nobody", "--reason", "clinic")
    assert "Not on this device." in said
    assert "does not mean that there is no such child" in " ".join(said.split())
    assert "fieldward field enquire" in said
    missing = ann.fails("show", "r-nobody", "--reason", "clinic").stderr
    assert "[not-held]" in missing
    assert "fieldward field enquire --open" in missing
    (answer,) = ann.reads("search", "--family", "Nobody", "--reason", "clinic")
    assert answer == {"answer": "not-on-this-device", "add": [], "unsearched": []}


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ("--family okator --given ada", "family name one letter off"),
        ("--family okafer --born 2021-03-04", "family name sounds alike"),
        ("--family okafor --born 3/4/2021", "day and month swapped"),
        ("--family ada --given okafor", "names the other way round"),
        ("--family adeyemi --given ada", "a former name"),
        ("--carer ngozi --family okafor", "part of the carer fits"),
    ],
)
def test_a_hit_says_what_does_not_agree_exactly(ann: HealthVisitor, terms: str, why: str) -> None:
    ann.loop.load(
        child(
            "r-zoe",
            name={"family": "Okafor", "given": "Ada"},
            former_names={"f1": {"family": "Adeyemi", "given": "Ada"}},
            carers={"c1": {"family": "Okafor", "given": "Ngozi", "relation": "mother"}},
        )
    )
    ann.loop.seal()
    ann.does("sync")
    assert why in " ".join(ann.does("search", *terms.split(), "--reason", "clinic").split())


def test_of_what_agrees_exactly_nothing_is_said(ann: HealthVisitor) -> None:
    said = ann.does("search", "--family=okafor", "--born=2021-03-04", "--reason=clinic")
    (row,) = (line for line in said.splitlines() if "r-ada" in line)
    assert row.split()[-2:] == ["like", "2"]


def test_of_too_many_none_is_listed_and_what_to_add_is_said(ann: HealthVisitor) -> None:
    ann.loop.load(*(child(f"r-{number}") for number in range(30)))
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("search", "--family", "okafor", "--born", "2021", "--reason", "clinic")
    assert "Too many fit, so none is listed." in said
    assert "Add the given name, the whole birth date, the postcode or the NHS number." in said
    assert "Okafor" not in said
    (answer,) = ann.reads("search", "--family", "okafor", "--reason", "clinic")
    assert answer["answer"] == "too-many"
    assert answer["add"][0] == "given"


def test_what_is_rarely_remembered_is_asked_for_only_if_it_is(ann: HealthVisitor) -> None:
    usual, rarely = "okafor\n\n\n\n", "shoe size\nage\nforty\n5\n\n"
    said = ann.types("search", "--reason", "clinic", keys=f"{PASSPHRASE}\n{usual}{rarely}")
    assert said.exit_code == 0, said.output
    assert "Type one of: age," in said.stderr  # a shoe size is not among them
    assert "An age is in whole years" in said.stderr  # forty was asked for again
    assert "Okafor, Ada" in said.stdout
    assert ann.reads("status")[0]["look_ups"] == 1


def test_a_list_is_shown_for_each_line_while_a_name_is_typed(ann: HealthVisitor) -> None:
    said = ann.does("search", "--typing", "--reason", "clinic", keys="o\nok\nok a\n1\n")
    heading = "Note"
    assert said.count(heading) == 2  # one letter is too little
    before, both, ada_alone = said.split(heading)
    assert "Okafor" not in before
    assert "r-eve" in both
    assert "r-eve" not in ada_alone
    assert "1 High Street" in ada_alone  # and was opened by its number
    assert ann.reads("status")[0]["look_ups"] == 3
    lines = ann.reads("search", "--typing", "--reason", "clinic", keys="ok\nzz\n")
    assert [line["answer"] for line in lines] == ["shown", "not-on-this-device"]
    assert ann.fails("search", "--typing", "--family=ok", "--reason=clinic").exit_code == 2


def test_each_look_up_is_on_record_before_it_is_shown_the_refused_ones_too(
    ann: HealthVisitor,
) -> None:
    """Invariant 2"""
    ann.does("search", "--family", "okafor", "--reason", "clinic")
    ann.does("show", "r-ada", "--reason", "clinic", "--on-behalf-of", "p-9")
    ann.loop.clock.wall += 4 * DAY
    assert "[lease-over]" in ann.fails("show", "r-ada", "--reason", "clinic").stderr
    assert ann.reads("status")[0]["look_ups"] == 3


def test_an_entry_is_shown_by_the_paths_that_change_it(ann: HealthVisitor) -> None:
    said = ann.does("show", "r-ada", "--reason", "clinic")
    for words in ("Ada Okafor", "1 High Street, M14 5AB", "involvements/a1", ".phone", "As at"):
        assert words in said
    (read,) = ann.reads("show", "r-ada", "--reason", "clinic")
    assert read["values"][PHONE] == "07700 900001"


def test_a_shielded_card_says_what_may_be_said_and_whom_to_call(ann: HealthVisitor) -> None:
    """H1"""
    said = ann.does("show", "r-ben", "--reason", "clinic")
    assert "SHIELDED" in said
    assert f"Call the management team of {AUTHORITY}" in said
    assert "High Street" not in said
    assert "involvements" not in said
    assert "shielded" in ann.does("search", "--family", "obrien", "--reason", "clinic")


def test_a_sensitive_service_is_mentioned_and_not_named(ann: HealthVisitor) -> None:
    """C2"""
    ann.loop.load(
        child(
            "r-zoe",
            involvements={
                "b1": {
                    "service": "mental-health",
                    "sensitive_ground": "consent",
                    "organisation": "Elm House",
                    "since": "2023-01-01",
                }
            },
        )
    )
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("show", "r-zoe", "--reason", "clinic")
    assert "ask the management team" in said
    assert "mental" not in said
    assert "Elm House" not in said


def test_what_has_ended_is_shown_last_and_said_to_have_ended(ann: HealthVisitor) -> None:
    """D4"""
    ann.loop.load(
        child(
            "r-zoe",
            involvements={
                "a1": {"service": "portage", "since": "2022-01-01", "ended": "2023-01-01"},
                "b1": {"service": "health-visiting", "since": "2021-01-01"},
            },
        )
    )
    ann.loop.seal()
    ann.does("sync")
    said = ann.does("show", "r-zoe", "--reason", "clinic")
    assert said.index("involvements/b1") < said.index("involvements/a1  (ended)")


def test_a_copy_that_is_a_day_old_says_so(ann: HealthVisitor) -> None:
    ann.loop.clock.wall += DAY + 3600
    said = ann.does("show", "r-ada", "--reason", "clinic")
    assert "1 d 1 h old" in said
    assert "Synced 1 d 1 h ago" in said


def test_after_the_lease_nothing_is_shown_and_the_status_says_what_to_do(
    ann: HealthVisitor,
) -> None:
    """Invariant 3"""
    ann.loop.clock.wall += 4 * DAY
    said = ann.fails("search", "--family", "okafor", "--reason", "clinic")
    assert said.exit_code == 1
    assert "Okafor" not in said.output
    assert "Sync to open it again" in said.stderr
    assert "Your copy closed" in ann.does("status")
    ann.does("sync")
    assert "Okafor, Ada" in ann.does("search", "--family", "okafor", "--reason", "clinic")
