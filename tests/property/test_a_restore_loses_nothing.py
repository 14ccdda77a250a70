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
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from fieldward_server.services.journals import verify_journals
from fieldward_server.services.known_records import find_records
from fieldward_sync.projection import is_shielded
from fieldwork import AUTHORITY
from loop_machine import PEOPLE, RECORDS, TheLoop, children
from postgres import Cluster, fresh_database

CUT_OFF = frozenset({"journal-fork", "dot-reused", "edit-unreadable", "journal-damaged"})
"""What a history that was cut off must not look like."""


class TheRestoredLoop(TheLoop):
    """What was loaded or shielded since a backup is commanded again, or held by the register."""

    def __init__(self) -> None:
        super().__init__()
        self.backups: list[Path] = []
        self.shielded: set[str] = set()
        self.back_up()

    @rule(record=children)
    def shield(self, record: str) -> None:
        super().shield(record)
        self.shielded.add(record)

    @precondition(lambda self: len(self.backups) < 4)
    @rule()
    def back_up(self) -> None:
        self.backups.append(self.loop.back_up(f"backup-{len(self.backups)}"))

    @rule(age=st.sampled_from([1, 1, 2]))
    def restore(self, age: int) -> None:
        backup = self.backups[-min(age, len(self.backups))]
        self.loop.lose_database(self.resources.enter_context(self.new_database()))
        self.loop.restore(backup)
        assert self.shielded <= {each for each in RECORDS if self.is_shielded(each)}

    def is_shielded(self, record: str) -> bool:
        with self.loop.platform.storage.reading() as transaction:
            known = find_records(transaction, AUTHORITY, [record])
        return record in known and is_shielded(known[record].record)

    def settle_down(self) -> None:
        self.restore(age=1)
        super().settle_down()
        assert self.shielded <= {each for each in RECORDS if self.is_shielded(each)}
        assert not CUT_OFF & set(self.loop.incidents())
        for person in PEOPLE:
            self.devices[person].sync()
            status = self.devices[person].status()
            (report,) = verify_journals(self.loop.platform, AUTHORITY, device=status.device)
            assert report.size == report.sealed_size == status.look_ups


def test_a_restore_at_any_moment_loses_nothing() -> None:
    run_state_machine_as_test(
        TheRestoredLoop, settings=settings(max_examples=20, stateful_step_count=25, deadline=None)
    )


def test_a_restore_at_any_moment_loses_nothing_on_postgresql(postgres: Cluster) -> None:
    class OnPostgres(TheRestoredLoop):
        @contextmanager
        def new_database(self) -> Iterator[str | None]:
            with fresh_database(postgres) as url:
                yield url

    run_state_machine_as_test(
        OnPostgres, settings=settings(max_examples=4, stateful_step_count=25, deadline=None)
    )
