"""``fieldward field`` in a real terminal: colours, keys that are not echoed, Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from health_visitor import PASSPHRASE, HealthVisitor, newcomer_at
from program import FIELDWARD
from terminal import CTRL_C, Terminal


@pytest.fixture
def dear(tmp_path: Path) -> Iterator[HealthVisitor]:
    """Somebody whose passphrase costs what it costs, and whose device another process opens."""
    with newcomer_at(tmp_path) as dear:
        dear.loop.clock.wall = int(time.time())
        dear.enrols()
        dear.does("sync")
        yield dear


def at_a_terminal(dear: HealthVisitor, *words: str) -> Terminal:
    """A command on their device, in a process of its own."""
    data = str(dear.home / "data")
    return Terminal(*FIELDWARD, "field", *words, XDG_DATA_HOME=data, TERM="xterm")


def test_in_a_terminal_offline_is_grey_not_red_and_the_passphrase_is_not_echoed(
    dear: HealthVisitor,
) -> None:
    dear.loop.signal = False
    terminal = at_a_terminal(dear, "sync")
    terminal.wait_for("Passphrase: ")
    terminal.type(PASSPHRASE + "\n")
    assert terminal.exit_code() == 3
    grey, red = "\x1b[90m", "\x1b[31m"
    assert f"{grey}Offline" in terminal.said
    assert red not in terminal.said
    assert PASSPHRASE not in terminal.said


def test_in_a_terminal_a_hit_is_opened_by_its_number_and_each_opening_is_on_record(
    dear: HealthVisitor,
) -> None:
    terminal = at_a_terminal(dear, "search", "--family=okafor", "--given=ada", "--reason=clinic")
    terminal.wait_for("Passphrase: ")
    terminal.type(PASSPHRASE + "\n")
    terminal.wait_for("(Enter: none)")
    terminal.type("1\n")
    terminal.wait_for("07700 900001")
    terminal.type("\n")
    assert terminal.exit_code() == 0
    assert dear.reads("status")[0]["look_ups"] == 2


def test_an_interrupted_command_ends_with_exit_code_130_and_no_traceback(
    dear: HealthVisitor,
) -> None:
    terminal = at_a_terminal(dear, "search")
    terminal.wait_for("Passphrase: ")
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 130
    assert "Traceback" not in terminal.said
