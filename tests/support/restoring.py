"""A server to be restored, and what to look at once it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from caseloads import loop_with
from children import AUTHORITY, PHONE, stranger
from fieldward_client import Device
from fieldward_server.services.look_ups.journals import verify_journals
from fieldward_server.services.records.known_records import find_records
from fieldward_server.storage import edits
from fieldward_sync.names import device_actor
from fieldward_sync.projection import is_shielded
from loop import Loop

CHILDREN = ("r-1", "r-2", "r-3")


@contextmanager
def three_children(folder: Path, database_url: str) -> Iterator[Loop]:
    """A server with three children in one caseload."""
    children = (stranger(record) for record in CHILDREN)
    with loop_with(folder, *children, database_url=database_url, caseload="team:HV-1") as loop:
        yield loop


def write(device: Device, value: str, record: str = "r-1") -> None:
    """Look a child up and change a number."""
    with device.session(reason="home-visit") as session:
        opened = session.open(record)
        (opened.settle if PHONE in opened.conflicts else opened.edit)(PHONE, value)


def phones(loop: Loop, record: str = "r-1") -> set[object]:
    """The numbers that stand at a child's involvement."""
    return {value.value for value in loop.view(record).at(PHONE)}


def edits_here(loop: Loop, device: Device) -> list[int]:
    """The counters of a device's edits that merged."""
    status = device.status()
    actor = device_actor(status.device, status.generation)
    with loop.platform.storage.reading() as transaction:
        return sorted(
            edit.counter
            for record in CHILDREN
            for edit in edits.of_record(transaction, AUTHORITY, record)
            if edit.actor == actor
        )


def shielded(loop: Loop, record: str) -> bool:
    """Whether a raise holds in what the server has of a record."""
    with loop.platform.storage.reading() as transaction:
        known = find_records(transaction, AUTHORITY, [record])
    return is_shielded(known[record].record)


def command(loop: Loop, **about: str) -> dict[str, Any]:
    """What every command to the services is told, and what this one is about."""
    return {
        "platform": loop.platform,
        "authority": AUTHORITY,
        "actor": "test",
        "reason": "test",
        "now": loop.now,
        **about,
    }


def require_whole_journal(loop: Loop, device: Device) -> None:
    """All of the device's look-ups are here, from the first to the last."""
    status = device.status()
    (report,) = verify_journals(loop.platform, authority=AUTHORITY, device=status.device)
    assert report.size == report.sealed_size == status.look_ups
    assert report.forks == 0
