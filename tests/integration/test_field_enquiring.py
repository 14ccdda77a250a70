"""``fieldward field enquire``: the authority's whole index, on line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from children import AUTHORITY, child
from health_visitor import PASSPHRASE, HealthVisitor, synced_at

ZOE = child("r-zoe", name={"family": "Whitcombe", "given": "Zoë"}, born="2019-11-30")


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    """Somebody whose device has not got Zoë, who was loaded after it synced."""
    with synced_at(tmp_path) as ann:
        ann.loop.load(ZOE)
        yield ann


def test_who_is_not_on_the_device_is_found_on_line_and_why_is_said(ann: HealthVisitor) -> None:
    asked = ("--family", "whitcomb", "--given", "zoe", "--reason", "clinic")
    assert "Not on this device." in ann.does("search", *asked)
    said = ann.does("enquire", *asked)
    for words in ("Whitcombe, Zoë", "2019-11-30", "M14", "r-zoe", "family name"):
        assert words in said
    (hit,) = ann.reads("enquire", *asked)
    assert (hit["record_id"], hit["agreement"]["given"]) == ("r-zoe", "exact")


def test_an_entry_that_is_opened_on_line_is_read_and_not_kept(ann: HealthVisitor) -> None:
    said = ann.does("enquire", "--open", "r-zoe", "--reason", "clinic")
    assert "Zoë Whitcombe" in said
    assert "1 High Street, M14 5AB" in said
    assert "not kept on this device, and cannot be edited here" in said
    (read,) = ann.reads("enquire", "--open", "r-zoe", "--reason", "clinic")
    assert read["values"]["born"] == "2019-11-30"
    for command in ("show", "edit"):
        assert "[not-held]" in ann.fails(command, "r-zoe", "--reason", "clinic").stderr


def test_no_such_child_is_another_answer_than_not_on_this_device(ann: HealthVisitor) -> None:
    said = ann.does("enquire", "--family", "Nobody", "--reason", "clinic")
    assert f"There is no such child in the index of {AUTHORITY}." in said
    assert "Not on this device" not in said
    (answer,) = ann.reads("enquire", "--family", "Nobody", "--reason", "clinic")
    assert answer == {"answer": "no-such-child", "add": [], "unsearched": []}
    assert "[not-found]" in ann.fails("enquire", "--open", "r-x", "--reason", "clinic").stderr


def test_of_too_many_in_the_index_none_is_listed(ann: HealthVisitor) -> None:
    ann.loop.load(*(child(f"r-{number}") for number in range(30)))
    said = ann.does("enquire", "--family", "okafor", "--reason", "clinic")
    assert "Too many fit, so none is listed." in said
    assert "Add the given name" in said


def test_what_is_remembered_is_asked_for_if_nothing_is_said(ann: HealthVisitor) -> None:
    usual = "whitcombe\n\n30/11/2019\n\n\n"
    said = ann.types("enquire", "--reason", "clinic", keys=f"{PASSPHRASE}\n{usual}")
    assert "Whitcombe, Zoë" in said.stdout
    both = ann.fails("enquire", "--open", "r-zoe", "--family", "whitcombe", "--reason", "clinic")
    assert both.exit_code == 2


def test_without_signal_it_is_told_calmly_with_the_exit_code_of_a_sync(ann: HealthVisitor) -> None:
    ann.loop.signal = False
    asked = ("enquire", "--family", "whitcombe", "--reason", "clinic")
    said = ann.fails(*asked)
    assert (said.exit_code, said.stderr) == (3, "")
    assert said.stdout.startswith("Offline")
    for_programs = ann.fails(*asked, "--json")
    assert (for_programs.exit_code, for_programs.stdout) == (3, "")
    assert "[offline]" in for_programs.stderr


def test_after_the_lease_nothing_is_asked_either(ann: HealthVisitor) -> None:
    """Invariant 3: what a closed device may not read it may not ask for."""
    ann.loop.clock.wall += 4 * 24 * 3600
    said = ann.fails("enquire", "--family", "whitcombe", "--reason", "clinic")
    assert "[lease-over]" in said.stderr
    assert "Whitcombe" not in said.output
