"""Real devices and the real service, with messages lost, repeated and out of step.

Whatever happened: once everybody has synced in peace, all devices and the server hold the same
values, and every edit that a device accepted is merged or in the inbox (invariants 1, 7 and 9).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from loop_machine import TheLoop
from postgres import Cluster, fresh_database


def test_devices_and_server_converge_whatever_the_signal() -> None:
    run_state_machine_as_test(
        TheLoop, settings=settings(max_examples=8, stateful_step_count=25, deadline=None)
    )


def test_devices_and_server_converge_on_postgresql(postgres: Cluster) -> None:
    class OnPostgres(TheLoop):
        @contextmanager
        def new_database(self) -> Iterator[str | None]:
            with fresh_database(postgres) as url:
                yield url

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=3, stateful_step_count=25, deadline=None)
    )
