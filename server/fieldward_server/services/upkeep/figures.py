"""Figures about all that is stored, for whoever watches the service; nobody is named in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fieldward_server.services.platform import Platform
from fieldward_server.storage import figures, turns
from fieldward_server.storage.figures import DeviceFigures, IncidentFigures, PartitionFigures


@dataclass(frozen=True)
class Figures:
    """What is stored, counted at one moment."""

    partitions: tuple[PartitionFigures, ...]
    devices: tuple[DeviceFigures, ...]
    incidents: tuple[IncidentFigures, ...]
    jobs_done_at: Mapping[str, int]
    """For each job, when it last came to its end."""


def read_figures(platform: Platform) -> Figures:
    """Count; ``RetryLater`` or ``LocalDataDamaged`` where the database cannot be asked."""
    with platform.storage.reading() as transaction:
        return Figures(
            partitions=figures.of_partitions(transaction),
            devices=figures.of_devices(transaction),
            incidents=figures.of_incidents(transaction),
            jobs_done_at=turns.done_at(transaction),
        )
