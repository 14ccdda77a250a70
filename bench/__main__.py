"""``python -m bench``: measure, print a table, keep it.

    python -m bench [--only first-sync --only wipe] [--small] [--output FILE]

Without ``--only`` the rows are kept in ``bench/results/latest.json``. ``--small`` shows that all of
it runs; its figures mean nothing. Exit code 1 if a budget does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import (
    delivering,
    distributing,
    enquiring,
    erasing,
    growth,
    intake,
    quiet_sync,
    reading,
    rushing,
    searching,
    ten_years,
)
from bench.page import keep
from bench.results import LATEST, Row, as_lines
from bench.run import Run
from bench.scale import FULL, SMALL

GROUPS: dict[str, Callable[[Run], Iterator[Row]]] = {
    "population": intake.population_rows,
    "loading": intake.loading_rows,
    "edits": delivering.edit_rows,
    "image": distributing.image_rows,
    "first-sync": distributing.first_sync_rows,
    "rush": rushing.rush_rows,
    "growth": growth.growth_rows,
    "changes": distributing.change_rows,
    "unlock": reading.unlock_rows,
    "look-ups": reading.look_up_rows,
    "search": searching.quality_rows,
    "search-abroad": searching.abroad_rows,
    "search-keys": searching.key_rows,
    "typing": reading.typing_rows,
    "enquiries": enquiring.enquiry_rows,
    "wipe": erasing.wipe_rows,
    "revocation": erasing.revocation_rows,
    "memory": reading.memory_rows,
    "ten-years": ten_years.ten_year_rows,
    "quiet-sync": quiet_sync.quiet_sync_rows,
}
"""In an order in which none disturbs the next: the last makes the large partition larger."""


def measure(names: Sequence[str], *, small: bool) -> list[Row]:
    """The rows of these groups. Each group is printed at once: a later failure takes none away."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="fieldward-bench-") as folder,
        ExitStack() as resources,
    ):
        run = Run(SMALL if small else FULL, Path(folder), resources)
        for name in names:
            began = time.perf_counter()
            measured = list(GROUPS[name](run))
            _tell(f"\n{name}, measured in {time.perf_counter() - began:.0f} s")
            for line in as_lines(measured):
                _tell(line)
            rows += measured
    return rows


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group; can be repeated")
    parser.add_argument("--small", action="store_true", help="tiny sizes: does it run?")
    parser.add_argument("--output", type=Path, help="where to keep the rows")
    asked = parser.parse_args(arguments)
    rows = measure(asked.only or list(GROUPS), small=asked.small)
    output = asked.output or (None if asked.only or asked.small else LATEST)
    if output is not None:
        keep(rows, output)
    return 0 if asked.small or all(row.holds is not False for row in rows) else 1


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
