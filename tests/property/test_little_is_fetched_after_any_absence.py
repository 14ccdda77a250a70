"""What a device fetches and stores after any absence is bounded by what it holds (design §6).

``docs/bounds.md`` derives the bound. Here it is looked for a history that breaks it: over numbers
alone for partitions of every size, and through the real services, whose files are opened.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fieldward_server.services.distribution.rebuilding import (
    FILES_OF_A_PARTITION,
    REMOVAL_SECONDS,
    Changed,
    Sealed,
    due,
    most_changes,
    most_rows,
)
from fieldward_server.storage import open_storage
from partition_history import HOUR, Step, go_on, start, steps
from service_world import World

SIZES = st.one_of(
    st.sampled_from([0, 1, 3, 4, 5, 6, 9, 10, 11, 24, 25, 26]), st.integers(0, 12_000)
)
SHARES = st.sampled_from([0.0, 0.05, 0.19, 0.2, 0.21, 0.5, 1.0])


@dataclass
class Numbers:
    """A partition of which only the ids are kept, and the files that the decision makes of it."""

    records: set[int]
    image: set[int] = field(default_factory=set)
    segment: set[int] = field(default_factory=set)
    """The records that the listed segment names."""
    changed: set[int] = field(default_factory=set)
    left_at: dict[int, int] = field(default_factory=dict)
    listed_records: int = 0
    feed: int = 1
    redaction_feed: int = 0
    image_feed: int = 0
    listed_feed: int = 0
    images: int = 0
    now: int = 0

    def change(self, ids: set[int], step: str) -> None:
        """These records change, come or go, one number of the feed each."""
        for each in ids:
            self.feed += 1
            self.changed.add(each)
            self.left_at.pop(each, None)
            if step == "leave":
                self.records.discard(each)
                self.left_at[each] = self.now
            else:
                self.records.add(each)
            if step == "hide":
                self.redaction_feed = self.feed

    def seal(self) -> None:
        """What the job does, in sets."""
        kind = due(
            Sealed(len(self.image), self.image_feed, self.listed_feed, is_whole=self.images > 0),
            Changed(
                self.feed,
                self.redaction_feed,
                len(self.changed),
                min(self.left_at.values(), default=None),
            ),
            now=self.now,
        )
        if kind == "image":
            self.image, self.image_feed = set(self.records), self.feed
            self.changed, self.segment, self.left_at = set(), set(), {}
            self.images += 1
        elif kind == "segment":
            self.segment = set(self.changed)
        if kind is not None:
            self.listed_feed, self.listed_records = self.feed, len(self.records)


@settings(max_examples=150)
@given(
    size=SIZES,
    history=st.lists(
        st.tuples(
            st.sampled_from(["edit", "leave", "come", "return", "hide", "wait", "away"]),
            SHARES,
            st.integers(1, 24 * 365),
        ),
        max_size=25,
    ),
)
def test_whatever_happened_the_listed_files_have_few_rows_that_are_stale(
    size: int, history: list[tuple[str, float, int]]
) -> None:
    partition = Numbers(set(range(size)))
    partition.seal()
    held_images, held_segment = partition.images, set[int]()
    ids = size
    for step, share, hours in history:
        count = max(1, int(share * len(partition.records)))
        match step:
            case "edit" | "leave" | "hide":
                some = set(sorted(partition.records)[: 1 if step == "hide" else count])
                partition.change(some, step)
            case "come":
                partition.change(set(range(ids, ids + count)), step)
                ids += count
            case "return":
                partition.change(set(sorted(partition.left_at)[:count]), "come")
            case _:
                partition.now += hours * HOUR
        partition.seal()
        records = partition.listed_records
        rows = len(partition.image) + len(partition.segment)
        assert len(partition.segment) <= most_changes(len(partition.image))
        assert records <= rows <= most_rows(records)
        assert all(at > partition.now - REMOVAL_SECONDS for at in partition.left_at.values())
        assert partition.redaction_feed <= partition.image_feed
        if step == "away":  # the device comes back
            if partition.images == held_images:
                assert held_segment <= partition.segment  # nothing but the segment has grown
            held_images, held_segment = partition.images, set(partition.segment)


@settings(max_examples=12)
@given(size=st.integers(0, 12), program=st.lists(steps(), max_size=8))
def test_a_device_that_was_away_finds_the_same_in_the_files_of_the_real_service(
    size: int, program: list[Step]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fieldward.db"
        with closing(open_storage(url)) as storage:
            storage.migrate()
        world = World.on(url, Path(folder))
        with closing(world.platform.storage):
            away = start(world, size)
            for step in program:
                go_on(world, step)
                if step.away_hours:
                    away.come_back()
            away.come_back()


def test_a_manifest_has_room_for_no_more_files_than_are_made() -> None:
    assert FILES_OF_A_PARTITION == 2
    assert [most_rows(records) for records in (0, 3, 4, 1_000, 73_000)] == [
        *(0, 3, 6, 1_500, 109_500)
    ]
