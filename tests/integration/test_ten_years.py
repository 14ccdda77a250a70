"""Ten years of devices that come and go: what is said to stay bounded does (design §5)."""

from __future__ import annotations

from pathlib import Path

from decade import Cast, Decade
from fieldward_server.storage import open_storage
from growth import tables_by
from service_world import World

CAST = Cast(devices=8, partitions=2, children=24, ticks_a_year=4)
SOME_GAPS = 4
"""What a device has in its life at most: each of its syncs may leave one."""


def test_after_ten_years_only_what_is_kept_as_a_record_of_what_was_done_has_grown(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'fieldward.db'}"
    storage = open_storage(url)
    storage.migrate()
    storage.close()
    decade = Decade(World.on(url, tmp_path), CAST)
    decade.live(2)
    early, edits, enrolled = decade.sizes(), decade.edits, decade.enrolled
    decade.live(8)
    late = decade.sizes()
    assert decade.enrolled > 3 * enrolled > 0
    assert decade.edits > 3 * edits > 0
    # The version vector: one row for each enrolment, of a size that only gaps change.
    assert late.rows["device"] == late.rows["holder"] == decade.enrolled
    assert late.device_bytes <= early.device_bytes + 8 * SOME_GAPS
    # History: one row for each edit, and none for each device that knows of it.
    assert late.rows["edit"] == decade.edits
    for table in tables_by("what there is"):
        assert late.rows[table] <= early.rows[table] + CAST.partitions, table
    for table in tables_by("absence"):
        assert late.rows[table] <= early.rows[table] + CAST.children, table
    for table in tables_by("restores"):
        assert late.rows[table] == early.rows[table], table
    # What travels knows nothing of who edited, nor how often: only what a view shows.
    assert late.answer_bytes <= early.answer_bytes + 100
    assert late.shown_bytes_a_value <= early.shown_bytes_a_value * 1.1
    decade.world.platform.storage.close()
