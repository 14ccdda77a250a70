"""``fieldward`` as a program of its own, as shells and service managers start it."""

from __future__ import annotations

import os
import sys

FIELDWARD = (sys.executable, "-m", "fieldward_server.cli")


def environment(**settings: str) -> dict[str, str]:
    """This process's own, without any setting that happens to be there."""
    kept = {name: value for name, value in os.environ.items() if "FIELDWARD" not in name}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), **settings}
