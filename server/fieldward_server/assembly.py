"""From settings to the parts that work: database, master key, sealed files."""

from __future__ import annotations

import os

from fieldward_server.config import Config
from fieldward_server.durable import OWNER_ONLY_FOLDER
from fieldward_server.files import SealedFiles
from fieldward_server.services.platform import Platform
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import Storage, migrations, open_storage
from fieldward_sync.errors import CallerMistake, RetryLater
from fieldward_sync.sealing import Entropy


def assemble(config: Config, *, entropy: Entropy = os.urandom) -> Platform:
    """What every service needs, for one process.

    ``CallerMistake("not-migrated")`` where the database is not as this version needs it,
    ``RetryLater`` where it is not reached, ``LocalDataDamaged`` where the master key is missing or
    not one.
    """
    storage = open_storage(config.database_url)
    if not config.data_folder.exists() or _pending_migrations(config, storage):
        raise CallerMistake(
            "not-migrated",
            "The database has not been made or waits for its migrations.",
            next_step="Run `fieldward migrate` with the same settings.",
        )
    master_keys = config.master_key_source.read()
    return Platform(
        storage=storage,
        master_keys=master_keys,
        files=SealedFiles(config.files_folder),
        shield_register=ShieldRegister(config.shield_register_file, master_keys, entropy=entropy),
        entropy=entropy,
        lease_terms=config.lease_terms,
        absence_seconds=config.absence_seconds,
        least_assurance=config.least_assurance,
    )


def migrate(config: Config, *, entropy: Entropy = os.urandom) -> tuple[str, ...]:
    """Bring the database up to this version, and say what was applied.

    A new database gets a master key first; an older one is not touched without its own.
    """
    config.data_folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    storage = open_storage(config.database_url)
    try:
        is_new = _pending_migrations(config, storage) == tuple(migrations.STEPS)
        if is_new:
            config.master_key_source.prepare(entropy)
        config.master_key_source.read()
        return storage.migrate()
    finally:
        storage.close()


def _pending_migrations(config: Config, storage: Storage) -> tuple[str, ...]:
    """What the database waits for. Nothing is asked of it before: who starts is told here why it is
    not reached, and callers of the service never are."""
    try:
        return storage.pending_migrations()
    except RetryLater as e:
        why = storage.why_away()
        if not why:
            raise
        raise RetryLater(
            e.code,
            f"The database {config.describe()['database_url']} is not reached: {why}.",
            next_step="Start it, or correct database_url, and give the command again; nothing was"
            " changed.",
        ) from e
