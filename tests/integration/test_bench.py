"""What ``make bench`` measures can be measured: every group, at sizes that say nothing."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from bench.__main__ import GROUPS, main
from bench.results import Row, as_lines, at_least, at_most

from fieldward_sync.keys import ARGON2_FLOOR

OF_A_RUN = {"machine", "versions", "rows"}
OF_A_ROW = {"row", "value", "unit", "budget", "holds", "baseline"}


def test_every_group_of_rows_runs_and_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "latest.json"
    """Among them a first sync and searches (P13, P14)."""
    # A passphrase costs what it has to, and no more because this machine is quick.
    with patch("fieldward_client.keys.passphrases.calibrated", return_value=ARGON2_FLOOR):
        assert main(["--small", "--output", str(kept)]) == 0
    printed, run = capsys.readouterr().out, json.loads(kept.read_text())
    assert [name for name in GROUPS if f"\n{name}, measured in" not in printed] == []
    assert run.keys() == OF_A_RUN
    assert len(run["rows"]) > 2 * len(GROUPS)
    for row in run["rows"]:
        assert row.keys() == OF_A_ROW
        assert row["value"] >= 0
        assert row["row"] in printed
        assert (row["holds"] is None) == (row["budget"] is None)


def test_a_budget_that_does_not_hold_is_said_and_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GROUPS, "wipe", lambda _: iter([at_most("a wipe", 101, "ms", 100)]))
    assert main(["--only", "wipe"]) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().out


def test_a_figure_holds_on_the_right_side_of_its_budget() -> None:
    assert at_most("a", 1.0, "s", 1.0).holds
    assert not at_most("a", 1.1, "s", 1.0).holds
    assert at_least("a", 5.0, "times", 5.0).holds
    assert not at_least("a", 4.9, "times", 5.0).holds


def test_the_table_shows_every_row_with_its_baseline() -> None:
    heading, first, second = as_lines(
        [Row("plain", 0.1234, "s"), at_most("synced", 2, "s", 1, baseline=73_000)]
    )
    assert heading.split() == ["value", "budget", "baseline"]
    assert first.split() == ["plain", "0.123", "s"]
    assert second.split() == ["synced", "2", "1", "73,000", "s", "DOES", "NOT", "HOLD"]
