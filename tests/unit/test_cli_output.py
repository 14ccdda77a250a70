"""Tables on the command line: whatever the terminal, nothing of them is cut."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from fieldward_server.cli import output, shield

CONFLICT = {
    "record": "alcm82chj8ol",
    "field": "involvements/ada0.organisation",
    "value": "Sheffield Women's and Children's Hospital",
    "on": "d-ec97cf3c43.1",
    "label": "conflict",
    "disputed": "",
}
COLUMNS: dict[str, output.Cell] = {name: name for name in CONFLICT}


def shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> list[str]:
    """The lines of two conflicts, in a terminal of so many columns."""
    monkeypatch.setattr(output, "_console", lambda **_: Console(highlight=False, width=width))
    output.show_items([CONFLICT, CONFLICT], COLUMNS, as_json=False, nothing="None.")
    return capsys.readouterr().out.splitlines()


def test_a_row_stands_in_one_line_where_there_is_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(capsys, monkeypatch, 150)
    assert all(value in lines[3] for value in CONFLICT.values())


@pytest.mark.parametrize("width", [100, 80, 60])
def test_an_id_that_is_typed_again_is_never_cut(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(capsys, monkeypatch, width)
    assert all(len(line) <= width for line in lines)
    for name in ("record", "field", "on", "label"):
        assert sum(CONFLICT[name] in line.split() for line in lines) == 2
    assert "…" not in "".join(lines)


def test_where_a_row_has_no_room_each_value_has_a_line_with_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = shown(capsys, monkeypatch, 60)
    assert lines[1].split() == ["field", CONFLICT["field"]]
    assert not any(line.startswith("disputed") for line in lines)  # there is nothing to say of it


def test_an_address_is_shown_as_commands_take_it(capsys: pytest.CaptureFixture[str]) -> None:
    address = {"kind": "current", "lines": ["4 High Street", "Leeds"], "postcode": "LS1 4AB"}
    output.show_items([{"value": address}], {"value": "value"}, as_json=False, nothing="")
    shown = capsys.readouterr().out.splitlines()[3]
    assert json.loads(shown) == address


@pytest.mark.parametrize("width", [80, 40])
def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """U4: whoever typed it could take lines off the screen, their own look-ups among them."""
    typed = {"practitioner": "p-1", "looked up": "search family=\x1b[2A\x9b2K\u202eokafor"}
    terminal = Console(highlight=False, width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(output, "_console", lambda **_: terminal)
    output.show_items([typed], {name: name for name in typed}, as_json=False, nothing="")
    shown = "".join(capsys.readouterr().out.split())
    assert r"family=\x1b[2A\x9b2K\u202eokafor" in shown
    assert shown.isprintable()


def test_json_holds_no_character_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    """And says the same to a program."""
    typed = {"given \x9b": "Ada \x1b[2A\x80\x9b2K\x9f é\xa0Â"}
    output.show_json(typed)
    shown = capsys.readouterr().out
    assert not {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))} & {*shown.rstrip("\n")}
    assert json.loads(shown) == typed


STAGES = ("gone", "hidden", "wiped", "closed", "closed", "open", "open")


def test_who_may_have_held_what_was_hidden_takes_three_lines_of_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 1_796_000_000
    reached = [
        {
            "record": "6f3kq9a2c7d1",
            "partition": "sheffield-north",
            "redacted_at": at,
            "device": "d-17",
            "generation": 2,
            "name": "Ann's tablet",
            "practitioner": "ann",
            "stage": stage,
            "sealed": number != 6,
            "gone_at": at,
            "hidden_at": at,
            "readable_until": at if number != 4 else 0,
        }
        for number, stage in enumerate(STAGES)
    ]
    monkeypatch.setattr(output, "_console", lambda **_: Console(highlight=False, width=100))
    output.show_items(reached, shield.REACHED, as_json=False, nothing="")
    _, _, _, *rows = capsys.readouterr().out.rstrip().splitlines()
    assert len(rows) <= 3 * len(reached)
    assert sum("6f3kq9a2c7d1" in row for row in rows) == len(reached), "no table"


def test_a_line_is_broken_between_words_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"when": "2026-11-29 23:44Z", "field": "carers/f155.phone", "value": "07700 900222"}
    monkeypatch.setattr(output, "_console", lambda **_: Console(highlight=False, width=42))
    output.show_items([values], {name: name for name in values}, as_json=False, nothing="")
    words = capsys.readouterr().out.split()
    assert words[4:] == ["2026-11-29", "carers/f155.phone", "07700", "23:44Z", "900222"]
