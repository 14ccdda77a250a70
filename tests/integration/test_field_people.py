"""``fieldward field``: the passphrase of whoever works with the device, and the time it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from children import AUTHORITY, PHONE
from fieldward_client.terminal import asking
from fieldward_server.services.custody.hand_overs import prepare_hand_over
from fieldward_server.services.custody.time_codes import tell_time
from fieldward_sync.time_codes import read_challenge
from health_visitor import DAY, PASSPHRASE, HealthVisitor, synced_at

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
    assert "9 more wrong ones shut the copy until a sync" in refused.stderr
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
    assert "edit waits to be sent" not in status
    assert "1 edit waits of others here" in status
    assert "Never synced in full" in status
    assert ann.types("sync", "--as", "ben", keys=f"{NEW}\n").exit_code == 0
    asked = ann.types("search", "--reason=clinic", "--family=Okafor", keys=f"ben\n{NEW}\n")
    assert asked.exit_code == 0, asked.output
    assert "Who are you" in asked.stderr
    assert "2 p-1" in asked.stderr
    wrong = ann.types("sync", "--as", "p-1", keys=f"{NEW}\n")
    assert "[passphrase-wrong]" in wrong.stderr


def test_who_has_no_keys_on_the_device_is_told_who_has(ann: HealthVisitor) -> None:
    joins(ann, "ben", NEW)
    for command in (("status",), ("pending", "--locked"), ("sync",)):
        refused = ann.fails(*command, "--as", "bne")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "Nobody called 'bne' has keys on this device. Here are: ben, p-1." in refused.stderr


def test_a_colleague_takes_the_device_over_with_a_code_and_no_signal(ann: HealthVisitor) -> None:
    """P6: typed on the device itself, a slip of the pen and all."""
    ann.loop.practitioner("ben")
    code = prepare_hand_over(
        ann.loop.platform,
        authority=AUTHORITY,
        device=device_of(ann),
        practitioner="ben",
        partitions=["west"],
        valid_seconds=DAY,
        actor="mo",
        reason="on-leave",
        now=ann.loop.now,
    ).code
    assert "[hand-over-not-here]" in ann.types("join", code, keys=f"{NEW}\n{NEW}\n").stderr
    ann.does("sync")
    ann.loop.signal = False
    assert "A hand-over waits here for its code until" in ann.does("status")
    slip = ("0" if code[0] != "0" else "1") + code[1:]
    mistyped = ann.types("join", slip, keys=f"{NEW}\n{NEW}\n")
    assert mistyped.exit_code != 0
    joined = ann.types("join", keys=f"{code}\n{NEW}\n{NEW}\n")
    assert joined.exit_code == 0, joined.output
    looked = ann.types(
        "search", "--as=ben", "--reason=clinic", "--family=Okafor", "--given=Ada", keys=f"{NEW}\n"
    )
    assert "Ada" in looked.stdout, looked.output
    typed = ann.types(
        "edit", "r-ada", PHONE, "07700 900123", "--as=ben", "--reason=clinic", keys=f"{NEW}\nyes\n"
    )
    assert typed.exit_code == 0, typed.output
    assert "[hand-over-not-here]" in ann.types("join", code, keys=f"{NEW}\n{NEW}\n").stderr
    ann.loop.signal = True
    synced = ann.types("sync", "--as=ben", keys=f"{NEW}\n")
    assert synced.exit_code == 0, synced.output
    assert ann.loop.view("r-ada").text(PHONE) == "07700 900123"


def test_a_forgotten_passphrase_is_replaced_by_an_invitation(ann: HealthVisitor) -> None:
    ann.does("edit", "r-ada", PHONE, "07700 900123", "--reason=clinic", keys="yes\n")
    code = ann.loop.code(practitioner="p-1")
    said = ann.types("join", code, keys=f"{NEW}\n{NEW}\n")
    assert said.exit_code == 0, said.output
    sent = ann.types("sync", keys=f"{NEW}\n")
    assert sent.exit_code == 0, sent.output
    assert ann.loop.view("r-ada").text(PHONE) == "07700 900123"
    assert "[passphrase-wrong]" in ann.fails("sync").stderr


def device_of(ann: HealthVisitor) -> str:
    (said,) = ann.reads("status")
    return str(said["device"])


def told_by_the_office(ann: HealthVisitor) -> list[str]:
    """The lines of a code that answers what Ann's device shows now."""
    (asked,) = ann.reads("time", "ask")
    given = tell_time(
        ann.loop.platform,
        authority=AUTHORITY,
        device=asked["device"],
        challenge=read_challenge(asked["challenge"]),
        actor="mo",
        reason="no-signal",
        now=ann.loop.now,
    )
    groups = given.code.split("-")
    return [" ".join(groups[first : first + 4]) for first in range(0, len(groups), 4)]


def test_a_copy_that_the_clock_has_closed_is_opened_by_the_office(ann: HealthVisitor) -> None:
    """V5: twenty starts without signal, and a code by telephone."""
    ann.loop.signal = False
    for start in range(20):
        ann.loop.clock.boot = f"start-{start}"
        ann.does("status")
    assert "fieldward field time ask" in ann.does("status")
    (asked,) = ann.reads("time", "ask")
    assert asked["challenge"].replace("-", "  ") not in ann.does("time", "ask"), "each is new"
    lines = told_by_the_office(ann)
    slip = lines[2][:-1] + ("0" if lines[2][-1] != "0" else "1")
    entered = ann.types(
        "time", "enter", keys="\n".join([PASSPHRASE, *lines[:2], slip, *lines[2:]]) + "\n"
    )
    assert entered.exit_code == 0, entered.output
    assert "Not as it was written: group 12" in entered.stderr
    assert "The clock is trusted again." in entered.stdout
    assert "Ada" in ann.does("search", "--reason=clinic", "--family=Okafor", "--given=Ada")
    assert "[time-not-asked]" in ann.fails("time", "enter", " ".join(lines)).stderr


def test_a_device_does_not_lock_itself_while_a_code_is_dictated(
    ann: HealthVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, ask = told_by_the_office(ann), asking.ask

    def slowly(question: str, **given: Any) -> str:
        ann.loop.now += 500
        return ask(question, **given)

    monkeypatch.setattr(asking, "ask", slowly)
    assert "The clock is trusted again." in ann.does("time", "enter", keys="\n".join(lines) + "\n")
