"""What the processor has done, and for whom: seconds of it do not depend on who else is busy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One that runs, and what has been done for it and for those of its children that ended."""

    process: int
    parent: int
    group: int
    ticks: int


def cpu_seconds(counts: Callable[[Process], bool]) -> float:
    """Seconds of the processor's, for all processes that count."""
    return sum(each.ticks for each in processes() if counts(each)) / _TICKS_A_SECOND


def busy_seconds() -> float:
    """Seconds of all cores together, whoever they worked for."""
    user, nice, system, _, _, interrupts, soft, *_ = _first_line()
    return (user + nice + system + interrupts + soft) / _TICKS_A_SECOND


def _first_line() -> list[int]:
    line, _, _ = Path("/proc/stat").read_text().partition("\n")
    return [int(value) for value in line.split()[1:]]


def processes() -> Iterator[Process]:
    """All that run now."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = file.read_text().rpartition(") ")[2].split()
        except OSError:  # it has just ended
            continue
        yield Process(
            process=int(file.parent.name),
            parent=int(values[1]),
            group=int(values[2]),
            ticks=sum(map(int, values[11:15])),
        )
