"""``fieldward field``: the passphrase of whoever works with the device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldwork import PHONE
from health_visitor import PASSPHRASE, HealthVisitor, synced_at

NEW = "another four words entirely"


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[HealthVisitor]:
    with synced_at(tmp_path) as ann:
        yield ann


def test_a_passphrase_is_changed_and_the_old_one_opens_nothing(ann: HealthVisitor) -> None:
    said = ann.does("passphrase", keys=f"short\n{NEW}\nanother one\n{NEW}\n{NEW}\n")
    assert "the new passphrase opens this device" in said
    refused = ann.fails("sync")
    assert "[passphrase-wrong]" in refused.stderr
    assert "9 more wrong ones erase the lease" in refused.stderr
    assert "1 wrong passphrase" in ann.does("status")
    assert ann.types("sync", keys=f"{NEW}\n").exit_code == 0
    assert "wrong" not in ann.does("status")


def test_nobody_changes_it_who_does_not_know_it(ann: HealthVisitor) -> None:
    said = ann.types("passphrase", keys=f"not {PASSPHRASE}\n{NEW}\n{NEW}\n")
    assert "[passphrase-wrong]" in said.stderr
    assert ann.does("sync")


def joins(ann: HealthVisitor, who: str, passphrase: str) -> str:
    ann.loop.practitioner(who)
    code = ann.loop.code("west", practitioner=who)
    said = ann.types("join", keys=f"{code}\n{passphrase}\n{passphrase}\n")
    assert said.exit_code == 0, said.output
    return said.stdout


def test_a_colleague_joins_and_says_who_is_working(ann: HealthVisitor) -> None:
    """P27, P30, P31"""
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    assert "This device is for ben too" in joins(ann, "ben", NEW)
    assert "1 edit waits" in ann.does("status", "--as", "p-1")
    status = ann.does("status", "--as", "ben")
    assert "edit waits" not in status
    assert "Never synced in full" in status
    assert ann.types("sync", "--as", "ben", keys=f"{NEW}\n").exit_code == 0
    asked = ann.types("search", "--reason=clinic", "--family=Okafor", keys=f"ben\n{NEW}\n")
    assert asked.exit_code == 0, asked.output
    assert "Who are you" in asked.stderr
    assert "2 p-1" in asked.stderr
    wrong = ann.types("sync", "--as", "p-1", keys=f"{NEW}\n")
    assert "[passphrase-wrong]" in wrong.stderr


def test_a_forgotten_passphrase_is_replaced_by_an_invitation(ann: HealthVisitor) -> None:
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    code = ann.loop.code(practitioner="p-1")
    said = ann.types("join", code, keys=f"{NEW}\n{NEW}\n")
    assert said.exit_code == 0, said.output
    sent = ann.types("sync", keys=f"{NEW}\n")
    assert sent.exit_code == 0, sent.output
    assert ann.loop.view("r-ada").text(PHONE) == "07700 900123"
    assert "[passphrase-wrong]" in ann.fails("sync").stderr
