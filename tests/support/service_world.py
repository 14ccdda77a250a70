"""A small world for tests of the service: one without HTTP, an authority, and a clock by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from children import AUTHORITY, TEAM
from field_device import FieldDevice
from fieldward_server.files import SealedFiles
from fieldward_server.master_keys import MasterKeys
from fieldward_server.services.custody.invitations import invite
from fieldward_server.services.custody.practitioners import add_practitioner
from fieldward_server.services.distribution.absence import least_seconds
from fieldward_server.services.distribution.holdings import DEFAULT_CAP
from fieldward_server.services.distribution.partitions import create_partition
from fieldward_server.services.distribution.sealing import seal_partitions
from fieldward_server.services.events import list_incidents
from fieldward_server.services.platform import Platform
from fieldward_server.services.records.loading import LineVerdict, load_records
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import memberships, open_storage, partitions, records
from fieldward_server.storage.partitions import Partition
from fieldward_sync.leases import LeaseTerms
from fieldward_sync.matching.index_keys import index_keys
from fieldward_sync.views import View
from founding import found
from hand_timer import YEARS

MASTER_KEYS = MasterKeys(bytes(range(32)))
START = 1_800_000_000
A_YEAR_SECONDS = 365 * 24 * 3600


class World:
    """A service on a migrated database: one authority, practitioner ``p-1``, a clock by hand."""

    def __init__(self, platform: Platform, *, now: int = START, authority: str = AUTHORITY) -> None:
        self.platform = platform
        self.now = now
        self.authority = authority
        self.begin()

    def neighbour(self, authority: str) -> World:
        """Another authority of the same service."""
        return World(self.platform, now=self.now, authority=authority)

    def begin(self) -> None:
        """Found the authority."""
        self.secrets = found(self.platform, self.authority, name="Sheffield", now=self.now)
        self.practitioner("p-1")

    @classmethod
    def on(cls, database_url: str, folder: Path) -> World:
        """On a platform of its own."""
        return cls(
            Platform(
                storage=open_storage(database_url),
                master_keys=MASTER_KEYS,
                files=SealedFiles(folder / "files"),
                shield_register=ShieldRegister(
                    folder / "shield-register", MASTER_KEYS, entropy=os.urandom
                ),
                entropy=os.urandom,
                lease_terms=LeaseTerms(idle_seconds=YEARS),
                absence_seconds=least_seconds(LeaseTerms().destroys_seconds),
            )
        )

    def practitioner(self, practitioner: str, **changed: int) -> None:
        """Add a practitioner whose vetting and training are in date, unless told otherwise."""
        a_year_on = self.now + A_YEAR_SECONDS
        until = {"vetted_until": a_year_on, "trained_until": a_year_on}
        add_practitioner(
            self.platform,
            authority=self.authority,
            practitioner=practitioner,
            name="Ann Poole",
            role="health-visitor",
            team=TEAM,
            employer="Community Health",
            manager="Joan Reid",
            **{**until, **changed},
            actor="test",
            reason="routine",
            now=self.now,
        )

    def load(self, *lines: Mapping[str, object] | str) -> list[LineVerdict]:
        """Load records."""
        return list(
            load_records(
                self.platform,
                lines,
                authority=self.authority,
                actor="test",
                reason="routine",
                now=self.now,
            )
        )

    def partition(self, partition: str, *rules: str) -> None:
        """Make a partition; its files are for ``seal`` to make."""
        create_partition(
            self.platform,
            authority=self.authority,
            partition=partition,
            title=partition,
            rules=rules,
            actor="test",
            reason="routine",
            now=self.now,
        )

    def seal(self) -> int:
        """Run the sealing job."""
        return seal_partitions(self.platform, self.now)

    def code(self, *held: str, practitioner: str = "p-1", record_cap: int = DEFAULT_CAP) -> str:
        """An invitation."""
        return invite(
            self.platform,
            authority=self.authority,
            practitioner=practitioner,
            partitions=held,
            valid_seconds=3600,
            record_cap=record_cap,
            actor="test",
            reason="test",
            now=self.now,
        ).code

    def device(
        self, *held: str, practitioner: str = "p-1", record_cap: int = DEFAULT_CAP
    ) -> FieldDevice:
        """A newly enrolled device whose practitioner may hold these partitions."""
        device = FieldDevice(self)
        device.enrol(self.code(*held, practitioner=practitioner, record_cap=record_cap))
        return device

    def view(self, record_id: str) -> View:
        """A record as ordinary readers see it now."""
        with self.platform.storage.reading() as transaction:
            found = records.find(transaction, self.authority, record_id)
        assert found is not None
        return View.read(found.view)

    def revision(self, record_id: str) -> int:
        """How many edits a record has; 0 if there is none."""
        with self.platform.storage.reading() as transaction:
            return records.revisions(transaction, self.authority, [record_id]).get(record_id, 0)

    def view_partitions(self, record_id: str) -> tuple[str, ...]:
        """The partitions that a record is in."""
        with self.platform.storage.reading() as transaction:
            found = memberships.of_records(transaction, self.authority, [record_id])
        return tuple(sorted(each.partition_id for each in found))

    def search_keys(self) -> set[tuple[str, str]]:
        """Every record with each key that finds it."""
        with self.platform.storage.reading() as transaction:
            kept = transaction.execute("SELECT record_id, key FROM search_key")
        return {(row["record_id"], row["key"]) for row in kept}

    def misfiled(self) -> set[tuple[str, str]]:
        """Records with keys of which the index and what is shown of them disagree."""
        with self.platform.storage.reading() as transaction:
            views = transaction.execute("SELECT view FROM record")
        shown = {
            (view.record_id, key)
            for view in (View.read(row["view"]) for row in views)
            for key in index_keys(view)
        }
        return shown ^ self.search_keys()

    def stored_partition(self, partition: str) -> Partition:
        """A partition's row."""
        with self.platform.storage.reading() as transaction:
            found = partitions.find(transaction, self.authority, partition)
        assert found is not None
        return found

    def incidents(self) -> list[str]:
        """The kinds of all incidents."""
        return [incident.kind for incident in list_incidents(self.platform, self.authority)]

    def written(self) -> list[tuple[object, ...]]:
        """Every row in the database, in an order of its own."""
        with self.platform.storage.reading() as transaction:
            rows = [
                (table, *row.values())
                for table in self.platform.storage.tables()
                # Names of tables, from the database itself.
                for row in transaction.execute(f"SELECT * FROM {table}")  # noqa: S608
            ]
        return sorted(rows, key=repr)
