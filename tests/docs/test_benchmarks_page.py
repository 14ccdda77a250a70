"""The page of benchmarks is what the kept results say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench import page
from bench.results import LATEST, Row, at_most


def test_the_page_is_the_one_that_the_results_make() -> None:
    assert page.PAGE.read_text() == page.page(), "write it anew: python -m bench.page"


def test_every_row_of_the_last_run_is_on_the_page_with_whether_it_holds() -> None:
    lines = page.PAGE.read_text().splitlines()
    for row in json.loads(LATEST.read_text())["rows"]:
        (line,) = {line for line in lines if line.startswith(f"| {row['row']} | ")}
        assert ("**no**" in line) == (row["holds"] is False)


def test_what_is_kept_elsewhere_leaves_the_page_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "benchmarks.md")
    page.keep([Row("a row", 1, "ms"), at_most("another", 2, "ms", 1)], tmp_path / "mine.json")
    assert len(json.loads((tmp_path / "mine.json").read_text())["rows"]) == 2
    assert not page.PAGE.exists()
