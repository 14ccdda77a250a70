"""What happens to a partition while a device is away, and what the device finds when it is back."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from children import AUTHORITY, child
from field_device import FieldDevice
from fieldward_server.services.distribution.absence import least_seconds
from fieldward_server.services.distribution.rebuilding import (
    FILES_OF_A_PARTITION,
    REMOVAL_SECONDS,
    most_changes,
    most_rows,
)
from fieldward_server.services.distribution.sealing import sweep_files
from fieldward_server.services.records.shields import raise_shield
from fieldward_server.services.upkeep.pruning import (
    prune_feeds,
    prune_invitations,
    prune_keys,
    prune_notices,
)
from fieldward_sync.distribution import open_file
from fieldward_sync.images import Image, Segment
from fieldward_sync.leases import LeaseTerms
from service_world import A_YEAR_SECONDS, START, World

HOUR = 3600
PARTITION = "caseload"
LIMIT_HOURS = least_seconds(LeaseTerms().destroys_seconds) // HOUR
"""Whoever was away longer missed what is no longer kept."""
FAR_AHEAD = START + 100 * A_YEAR_SECONDS


@dataclass(frozen=True)
class Step:
    """One thing that happens, to the record of this number where it is about one."""

    what: str
    record: int = 0
    away_hours: int = 0
    """Then so many hours pass and the device comes back; 0 for neither."""


def steps() -> st.SearchStrategy[Step]:
    """Changes, removals, returns, redactions, and absences from an hour to a year."""
    return st.builds(
        Step,
        st.sampled_from(["edit", "leave", "return", "come", "hide"]),
        st.integers(0, 11),
        st.one_of(
            st.just(0),
            st.sampled_from([1, 19, 21, 24 * 14, LIMIT_HOURS - 1, LIMIT_HOURS + 1, 24 * 365]),
        ),
    )


def start(world: World, size: int) -> AwayDevice:
    """A caseload of this size, and a device that holds it, whose holder stays in date."""
    world.practitioner("p-1", vetted_until=FAR_AHEAD, trained_until=FAR_AHEAD)
    world.load(*(child(f"c{n}") for n in range(size)))
    world.partition(PARTITION, "team:HV-1")
    world.seal()
    away = AwayDevice(world.device(PARTITION))
    away.come_back()
    return away


def go_on(world: World, step: Step) -> None:
    """Let a step happen, and the jobs run; then its hours pass, and they run again."""
    name = f"c{step.record}"
    revision = world.revision(name)
    involvement = {"service": "health-visiting", "team": "HV-1", "since": "2021-04-01"}
    match step.what:
        case "edit":
            world.load(child(name, school={"name": f"School {revision}"}))
        case "leave":
            ended = {
                key: {**involvement, "ended": "2026-01-31"}
                for key in ("a1", *_returns(world, name))
            }
            world.load(child(name, involvements=ended))
        case "return" if revision:
            world.load(child(name, involvements={f"r{revision}": involvement}))
        case "come":
            world.load(child(f"n{world.now}-{step.record}-{world.revision('c0')}"))
        case "hide" if revision:
            raise_shield(
                world.platform,
                authority=AUTHORITY,
                record_id=name,
                actor="test",
                reason="test",
                now=world.now,
            )
    world.seal()
    world.now += step.away_hours * HOUR
    world.seal()
    prune(world)


def prune(world: World) -> int:
    """Run every job that removes something."""
    removing = (sweep_files, prune_feeds, prune_notices, prune_invitations, prune_keys)
    return sum(job(world.platform, world.now) for job in removing)


def _returns(world: World, record: str) -> set[str]:
    if not world.revision(record):
        return set()
    paths = (value.path.split("/") for value in world.view(record).values)
    return {path[1].split(".")[0] for path in paths if path[0] == "involvements"} - {"a1"}


class AwayDevice:
    """A device that syncs only when it comes back, and looks at all that it then stores."""

    def __init__(self, device: FieldDevice) -> None:
        self.device = device
        self.files: set[str] = set()

    def come_back(self) -> None:
        """Sync; whatever happened, the files are few, few of their rows are stale, nothing that
        left or was hidden too long ago is in them, and they say what the server says."""
        device, world = self.device, self.device.world
        device.sync()
        assert device.distribution is not None
        assert device.secrets is not None
        (manifest,) = device.distribution.manifests
        bodies = {}
        for entry in manifest.files:
            path = world.platform.files.path(entry.name)
            assert path is not None
            key = device.secrets.key(PARTITION, entry.context.epoch)
            bodies[entry.name] = open_file(path.read_bytes(), entry=entry, key=key)
        fetched = set(bodies) - self.files
        first, *later = bodies.values()
        image = Image.open(first)
        try:
            in_image = {view.record_id for view in image.views()}
        finally:
            image.close()
        changes = list[str]()
        for body in later:
            segment = Segment.open(body)
            changes += segment.named
            segment.close()
        assert len(manifest.files) <= FILES_OF_A_PARTITION
        assert len(changes) <= most_changes(len(in_image))
        assert manifest.records <= len(in_image) + len(changes) <= most_rows(manifest.records)
        if manifest.files[0].name in self.files:
            assert len(fetched) <= 1  # the segment, if it grew
        contents = device.contents(PARTITION)
        for record in in_image - contents.keys():  # it left, and is in the image still
            assert world.now - _left_at(world, record) < REMOVAL_SECONDS
        stored = world.stored_partition(PARTITION)
        assert (manifest.feed, manifest.records) == (stored.feed, stored.records)
        assert manifest.files[0].context.feed_to >= stored.redaction_feed
        assert all(view == world.view(record) for record, view in contents.items())
        self.files = set(bodies)


def _left_at(world: World, record: str) -> int:
    with world.platform.storage.reading() as transaction:
        rows = transaction.execute(
            "SELECT at FROM feed WHERE partition_id = :partition AND record_id = :record"
            " AND removed = 1 ORDER BY number DESC LIMIT 1",
            partition=PARTITION,
            record=record,
        )
    return int(rows[0]["at"])
