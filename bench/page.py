"""``python -m bench.page``: ``docs/benchmarks.md``, written from the results that are kept.

Whatever keeps results writes it anew; a test holds the page to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.results import COUNTRY, DAY, LATEST, NATIONAL, Row, shown, write

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

_BEGINNING = """# What is measured

Written by `python -m bench.page` from `bench/results/`, and by each run that keeps its rows
there: what stands here is what a run has found, what does not hold included. *Budget* is what was
promised; *baseline* was measured in the same run, of what the row is to be compared with. Times
depend on who else uses the machine; processor time (CPU), bytes and counts hardly do.
"""
_PARTS = (
    (LATEST, "The budgets", "make bench"),
    (COUNTRY, "A country's records, made and loaded", "python -m bench.country --folder FOLDER"),
    (DAY, "A national day", "python -m bench.national_day"),
    (NATIONAL, "Enquiries over eleven million records", "python -m bench.national --folder FOLDER"),
)


def page() -> str:
    """The page as it should be."""
    parts = (_part(*part) for part in _PARTS if part[0].exists())
    return "\n".join((_BEGINNING, *parts))


def keep(rows: Iterable[Row], file: Path) -> None:
    """Keep a run's rows; the page follows where it shows them."""
    write(rows, file)
    if file in (shows for shows, _, _ in _PARTS):
        PAGE.write_text(page())


def _part(file: Path, title: str, command: str) -> str:
    kept = json.loads(file.read_text())
    return "\n".join(
        (
            f"## {title}",
            f"`{command}`, kept in `bench/results/{file.name}`. {_said_of(kept)}",
            "",
            *_table(kept["rows"]),
            "",
        )
    )


def _said_of(kept: dict[str, Any]) -> str:
    machine, versions = kept["machine"], kept["versions"]
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gb']:.0f} GB; {told}."
    )


def _table(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield "| what | value | unit | budget | holds | baseline |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        holds = {True: "yes", False: "**no**", None: ""}[row["holds"]]
        figures = [shown(row[name]) for name in ("value", "budget", "baseline")]
        value, budget, baseline = figures
        yield f"| {row['row']} | {value} | {row['unit']} | {budget} | {holds} | {baseline} |"


if __name__ == "__main__":
    PAGE.write_text(page())
