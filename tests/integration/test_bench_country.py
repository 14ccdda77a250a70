"""The country and its day can be measured: at sizes that say nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from bench import country, national_day
from bench.day_events import DEVICES, ENQUIRIES, HOURS, SYNCS_A_DEVICE, busiest_hour, day_events
from bench.day_load import ENQUIRY, KINDS


@pytest.mark.parametrize("main", [national_day.main, country.main], ids=["day", "country"])
def test_it_runs_on_both_databases_and_every_row_is_kept(
    main: Callable[[Sequence[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    folder = [] if main is national_day.main else ["--folder", str(tmp_path)]
    assert main(["--small", "--output", str(kept), *folder]) == 0
    printed = capsys.readouterr().out
    rows = {row["row"]: row["value"] for row in json.loads(kept.read_text())["rows"]}
    assert all(row in printed for row in rows)
    for database in ("SQLite", "PostgreSQL"):
        assert [row for row in rows if database in row]
    assert all(value == 0 for row, value in rows.items() if "without an answer" in row)
    if main is national_day.main:
        assert all(any(row.startswith(f"{kind}, ") for row in rows) for kind in KINDS)


def test_a_days_requests_are_the_countrys_in_so_large_a_part() -> None:
    events = list(day_events(HOURS, part=1 / 1000, devices=330))
    assert sum(HOURS.values()) == 100
    assert len(events) == pytest.approx((DEVICES * SYNCS_A_DEVICE + ENQUIRIES) / 1000, rel=0.1)
    assert max(event.due for event in events) < len(HOURS) * 3.6
    morning = [event for event in events if 3.6 < event.due < 3 * 3.6]
    assert len(morning) == pytest.approx(0.42 * len(events), rel=0.1)


def test_the_busiest_hour_has_the_peak_of_enquiries_and_can_be_raised() -> None:
    asked = {
        times: [it for it in busiest_hour(10, times=times, devices=9) if it.kind == ENQUIRY]
        for times in (1, 3)
    }
    assert len(asked[1]) == pytest.approx(500, rel=0.15)
    assert len(asked[3]) == pytest.approx(1_500, rel=0.15)
