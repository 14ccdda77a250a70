"""The loop again, with backups at any moment and restores of either of the last two of them.

Each life begins with a backup and ends with a restore: what lies between was acknowledged and lost.

Whatever happened: every edit that a device accepted ends with the server, every look-up stands in a
journal that verifies from its first entry to its last, and no shield comes off (invariants 1, 5, 8
and 11).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import precondition, run_state_machine_as_test

from children import AUTHORITY
from fieldward_server.services.journals import verify_journals
from loop_machine import RECORDS, TheLoop, step
from loop_outcome import is_shielded_now
from postgres import Cluster, fresh_database

CUT_OFF = frozenset({"journal-fork", "dot-reused", "edit-unreadable", "journal-damaged"})
"""What a history that was cut off must not look like."""


class TheRestoredLoop(TheLoop):
    """What was loaded or shielded since a backup is commanded again, or held by the register."""

    def __init__(self) -> None:
        super().__init__()
        self.backups: list[Path] = []
        self.back_up()

    @precondition(lambda self: len(self.backups) < 4)
    @step()
    def back_up(self) -> None:
        self.backups.append(self.loop.back_up(f"backup-{len(self.backups)}"))

    @step(age=(1, 1, 2))
    def restore(self, age: int) -> None:
        """What no disk has any more may be lost with the database that had it."""
        backup = self.backups[-min(age, len(self.backups))]
        self.loop.lose_database(self.resources.enter_context(self.new_database()))
        self.loop.restore(backup)
        assert self.shielded <= {each for each in RECORDS if is_shielded_now(self.loop, each)}
        for post in (*self.posts.values(), *self.left):
            post.gone += post.fragile
            post.fragile = []
            if post.came_back or post.end == "wiped":
                post.looked = 0

    def settle_down(self) -> None:
        self.restore(age=1)
        super().settle_down()
        if not any(post.came_back for post in (*self.posts.values(), *self.left)):
            assert not CUT_OFF & set(self.loop.incidents())
        for post in self.posts.values():
            self.check(post.hand.sync(), None)
            status = post.hand.status()
            report = verify_journals(self.loop.platform, AUTHORITY, device=status.device)[-1]
            assert report.size == report.sealed_size == status.look_ups


def test_a_restore_at_any_moment_loses_nothing() -> None:
    run_state_machine_as_test(
        TheRestoredLoop, settings=settings(max_examples=6, stateful_step_count=25, deadline=None)
    )


def test_a_restore_at_any_moment_loses_nothing_on_postgresql(postgres: Cluster) -> None:
    class OnPostgres(TheRestoredLoop):
        @contextmanager
        def new_database(self) -> Iterator[str | None]:
            with fresh_database(postgres) as url:
                yield url

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=2, stateful_step_count=25, deadline=None)
    )
