"""A partition opened in memory: what lies on top is all that is seen of a record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from fieldward_client.copies.partition import Partition
from fieldward_sync import digest
from fieldward_sync.distribution import FileContext, FileEntry, Manifest
from fieldward_sync.errors import PeerBrokeProtocol
from fieldward_sync.images import Image, Segment
from fieldward_sync.matching.query import Query
from fieldward_sync.views import View, ViewValue

DIGEST_KEY = b"d" * 32
TODAY = date(2026, 6, 1)


def view(record_id: str, family: str, *, revision: int = 1) -> View:
    shown = (
        ViewValue("involvements/a1.service", 1, "health-visiting"),
        ViewValue("name.family", 1, family),
    )
    return View(record_id, revision, False, shown)


IN_IMAGE = [view("r-1", "Okafor"), view("r-2", "Nowak"), view("r-3", "Mensah"), view("r-4", "Ali")]
NOW = [
    view("r-1", "Haddad", revision=2),
    view("r-2", "Kowalska", revision=3),
    IN_IMAGE[3],
    view("r-5", "Singh"),
]
BODIES = [
    Image.build(IN_IMAGE).to_bytes(),
    Segment.build(
        [NOW[0], view("r-2", "Wrona", revision=2), view("r-6", "Banda")], gone=["r-3"]
    ).to_bytes(),
    Segment.build([NOW[1], NOW[3]], gone=["r-6"]).to_bytes(),
]


def digest_of(views: list[View]) -> bytes:
    total = digest.EMPTY
    for each in views:
        element = digest.element(DIGEST_KEY, each.record_id, each.revision, each.to_bytes())
        total = digest.added(total, element)
    return total


def opened(said: list[View]) -> Partition:
    entries = [
        FileEntry(
            FileContext("E08000039", 1, "hv-1", 1, "segment" if at else "image", at, at + 1),
            f"{at:064}",
            0,
            0,
        )
        for at in range(len(BODIES))
    ]
    manifest = Manifest(
        "hv-1", "Team 1", 3, len(said), digest_of(IN_IMAGE), digest_of(said), 1, tuple(entries)
    )
    bodies = {entry.name: body for entry, body in zip(entries, BODIES, strict=True)}
    return Partition.open(manifest, lambda entry: bodies[entry.name], before=None)


@pytest.fixture
def partition() -> Iterator[Partition]:
    with closing(opened(NOW)) as partition:
        yield partition


def test_a_record_is_as_the_latest_file_has_it(partition: Partition) -> None:
    held = [partition.view(f"r-{number}") for number in range(1, 8)]
    assert held == [NOW[0], NOW[1], None, NOW[2], NOW[3], None, None]


@pytest.mark.parametrize("family", ["Okafor", "Nowak", "Mensah", "Wrona", "Banda"])
def test_what_a_segment_names_is_masked_before_anything_is_matched_or_counted(
    partition: Partition, family: str
) -> None:
    """Design §6; invariant 4."""
    assert partition.candidates(Query(family=family), today=TODAY) == ((), False)


@pytest.mark.parametrize("now", NOW, ids=lambda now: now.record_id)
def test_what_is_compared_with_a_search_has_what_it_asks_for_and_nothing_else(
    partition: Partition, now: View
) -> None:
    ((found,), crowded) = partition.candidates(Query(family=now.text("name.family")), today=TODAY)
    assert not crowded
    assert {each.path for each in found.values} == {"name.family"}
    assert found == View(now.record_id, now.revision, False, now.at("name.family"))


def test_the_digest_is_that_of_the_records_as_they_are_now(partition: Partition) -> None:
    partition.check(DIGEST_KEY)
    with closing(opened(NOW[:3])) as other, pytest.raises(PeerBrokeProtocol) as refusal:
        other.check(DIGEST_KEY)
    assert refusal.value.code == "digest-differs"
