"""Where a run of the tests writes: a folder of its own, in memory where there is room for it.

No test cuts the power, so nothing has to reach a disk, and most of them wait for one at every
commit. ``TMPDIR`` names another place.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 3 << 30
_PREFIX = "fieldward-run-"


def enter() -> None:
    """Let this process, and those it starts, have their temporary files in a folder of this run.

    What runs that were killed have left is removed. Database servers may be among it: PostgreSQL
    ends by itself, within a minute, where its folder is gone.
    """
    place = Path(tempfile.gettempdir())
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        place = MEMORY
    for left in place.glob(f"{_PREFIX}*"):
        _, _, pid, _ = left.name.split("-")
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place)
    os.chmod(folder, 0o711)  # the database's user passes through it
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def _has_room(memory: Path) -> bool:
    """Whether a run fits in there, and may start programs from there."""
    if not os.access(memory, os.W_OK):
        return False
    found = os.statvfs(memory)
    return found.f_bavail * found.f_frsize >= ROOM_BYTES and not found.f_flag & os.ST_NOEXEC
