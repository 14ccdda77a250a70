"""A client's process whose memory is measured: it opens its copy, waits, and takes a new one.

    python -m bench.client_life HOME

Prints a line once the copy is open; after a line on standard input it syncs, searches, and prints
the most memory it ever took, in megabytes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bench.stage import PASSPHRASE
from fieldward_client import Device


def live(home: Path) -> None:
    """The whole life."""
    with Device.open(home, passphrase=PASSPHRASE) as device:
        _search(device)
        _tell("open")
        sys.stdin.readline()
        report = device.sync()
        if not report.updated:
            raise RuntimeError(f"no new image came: {report}")
        _search(device)
        _tell(str(_peak_megabytes()))


def _search(device: Device) -> None:
    with device.session(reason="home-visit") as session:
        session.search(family="Smith")


def _peak_megabytes() -> float:
    # Not getrusage: what it says can be the parent's.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024 / 1e6


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    live(Path(sys.argv[1]))
