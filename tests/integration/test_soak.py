"""A short soak: what the loop promises holds while its processes are killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from soak import soak

SEED = 11
MINUTES = 0.4


def test_nothing_is_lost_while_server_workers_and_devices_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariants 1, 2, 4, 5, 7 and 11, against real processes."""
    monkeypatch.chdir(tmp_path)  # a failure leaves its program here
    assert soak(SEED, MINUTES, "sqlite", None) == 0
