"""The most memory that processes ever took, while they run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from bench.processor import Process, processes

_LOOK_EVERY_SECONDS = 0.2
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


class Peaks:
    """The peak of each process that was seen, in megabytes."""

    def __init__(self) -> None:
        self._by_process: dict[int, float] = {}

    @property
    def largest(self) -> float:
        """Of one process."""
        return max(self._by_process.values(), default=0.0)

    @property
    def together(self) -> float:
        """Of all of them, as if each had its peak at the same time."""
        return sum(self._by_process.values())

    def look(self, counts: Callable[[Process], bool]) -> None:
        """See what each process has come to."""
        for each in processes():
            if counts(each):
                try:
                    status = Path(f"/proc/{each.process}/status").read_text()
                except OSError:  # it has just ended
                    continue
                if found := _PEAK.search(status):
                    self._by_process[each.process] = int(found[1]) * 1024 / 1e6


@contextmanager
def watched(counts: Callable[[Process], bool]) -> Iterator[Peaks]:
    """Watch the processes that count for the length of the block."""
    peaks, over = Peaks(), Event()

    def watch() -> None:
        while not over.is_set():
            peaks.look(counts)
            time.sleep(_LOOK_EVERY_SECONDS)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()
