"""Loops with children in them, and devices whose practitioners hold those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fieldward_client import Device, SyncOutcome
from loop import Loop, Wire, cheap_passphrases


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
