"""Rows: a figure, what was promised of it, and whether the promise holds; printed and kept."""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

LATEST = Path(__file__).parent / "results" / "latest.json"
NATIONAL = LATEST.with_name("national.json")
COUNTRY = LATEST.with_name("country.json")
DAY = LATEST.with_name("day.json")
WIDTH = 60
LIBRARIES = ("cryptography", "Flask", "gunicorn", "msgspec", "psycopg", "rapidfuzz")


@dataclass(frozen=True)
class Row:
    """One figure. ``baseline`` is the plain stream's, measured in the same run."""

    row: str
    value: float
    unit: str
    budget: float | None = None
    holds: bool | None = None
    baseline: float | None = None


def at_most(
    row: str, value: float, unit: str, budget: float, *, baseline: float | None = None
) -> Row:
    """A figure that must not be larger than its budget."""
    return Row(row, value, unit, budget, value <= budget, baseline)


def at_least(
    row: str, value: float, unit: str, budget: float, *, baseline: float | None = None
) -> Row:
    """A figure that must not be smaller than its budget."""
    return Row(row, value, unit, budget, value >= budget, baseline)


def as_lines(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as a table for people."""
    width = max(WIDTH, *(len(row.row) for row in rows))
    yield f"{'':{width}}  {'value':>10} {'budget':>10} {'baseline':>10}"
    for row in rows:
        held = {True: "", False: "  DOES NOT HOLD", None: ""}[row.holds]
        figures = (shown(row.value), shown(row.budget), shown(row.baseline))
        yield (
            f"{row.row:{width}}  "
            + " ".join(f"{each:>10}" for each in figures)
            + (f" {row.unit}{held}")
        )


def write(rows: Iterable[Row], file: Path) -> None:
    """Keep a run's rows, with what it ran on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = {
        "machine": _machine(),
        "versions": _versions(),
        "rows": [asdict(row) | {"value": float(f"{row.value:.4g}")} for row in rows],
    }
    file.write_text(json.dumps(kept, indent=1) + "\n")


def shown(figure: float | None) -> str:
    """A figure for people: three digits that count; nothing where there is none."""
    if figure is None:
        return ""
    return f"{figure:,.0f}" if abs(figure) >= 1000 or figure == 0 else f"{figure:.3g}"


def _machine() -> dict[str, str | int | float]:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.platform(),
        "processor": found[1] if found else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
    }


def _versions() -> dict[str, str]:
    return {
        "fieldward": version("fieldward"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{library: version(library) for library in LIBRARIES},
    }
