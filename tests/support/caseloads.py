"""Loops with children in them, and devices whose practitioners hold those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from children import child
from fieldward_client import Device, SyncOutcome
from loop import Loop, Wire, cheap_passphrases

NURSED = {"b1": {"service": "school-nursing", "team": "SN-1", "since": "2023-01-01"}}
"""The involvements of a child in the care of the nurses."""


@contextmanager
def loop_with(
    folder: Path,
    *records: Mapping[str, object],
    database_url: str | None = None,
    **partitions: str,
) -> Iterator[Loop]:
    """A server with these records, and partitions: each by its name, with its rule."""
    with cheap_passphrases():
        loop = Loop(folder, database_url)
        try:
            loop.load(*records)
            for partition, rule in partitions.items():
                loop.partition(partition, rule)
            yield loop
        finally:
            loop.close()


@contextmanager
def holding(loop: Loop, practitioner: str, *partitions: str) -> Iterator[tuple[Device, Wire]]:
    """A practitioner's own device, which has synced; its folder is called as they are."""
    device, wire = loop.enrol(practitioner, practitioner, *partitions)
    with device:
        require_complete(device)
        yield device, wire


def require_complete(*devices: Device) -> None:
    """Sync each; all must be said and done."""
    for device in devices:
        report = device.sync()
        assert report.outcome is SyncOutcome.COMPLETE, report


@contextmanager
def two_practitioners(folder: Path, *, both: str) -> Iterator[Loop]:
    """A server for Ann and Ben, with the partitions ``both``, of this rule, and ``nurses``.

    Ada is in the care of ``TEAM``, and Eve in that of the nurses.
    """
    records = (
        child("r-ada"),
        child("r-eve", name={"family": "Whitcombe", "given": "Eve"}, involvements=NURSED),
    )
    with loop_with(folder, *records, both=both, nurses="team:SN-1") as loop:
        loop.practitioner("ann")
        loop.practitioner("ben")
        yield loop


@contextmanager
def anns_tablet(loop: Loop) -> Iterator[tuple[Device, Wire]]:
    """The device that Ann has enrolled for ``both``, and synced."""
    device, wire = loop.enrol("tablet", "ann", code=loop.code("both", practitioner="ann"))
    with device:
        require_complete(device)
        yield device, wire
