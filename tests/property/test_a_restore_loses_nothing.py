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

from fieldward_server.services.look_ups.journals import verify_journals
from loop_machine import TheLoop, step
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
        keys = {world.authority: world.secrets.root_private for world in self.worlds}
        self.loop.restore(backup, root_keys=keys)
        self.offered.clear()  # they have lapsed
        self.each_child_is_with_exactly_one_authority()
        for post in (*self.posts.values(), *self.left):
            post.gone += post.fragile
            post.fragile = []
            if post.came_back or post.end == "wiped":
                post.looked = 0

    def settle_down(self) -> None:
        self.restore(age=1)
        super().settle_down()
        if not any(post.came_back for post in (*self.posts.values(), *self.left)):
            assert not CUT_OFF & {kind for world in self.worlds for kind in world.incidents()}
        for post in self.posts.values():
            self.check(post.hand.sync(), None)
            status = post.hand.status()
            journals = verify_journals(
                self.loop.platform, post.world.authority, device=status.device
            )
            report = journals[-1]
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
