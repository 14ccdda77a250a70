"""From settings to the parts that work: database, master key, sealed files."""

from __future__ import annotations

import os

from fieldward_server.config import Config
from fieldward_server.durable import OWNER_ONLY_FOLDER
from fieldward_server.files import SealedFiles
from fieldward_server.services.platform import Platform
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage import migrations, open_storage
from fieldward_sync.errors import CallerMistake
from fieldward_sync.sealing import Entropy


def assemble(config: Config, *, entropy: Entropy = os.urandom) -> Platform:
    """What every service needs, for one process.

    ``CallerMistake("not-migrated")`` where the database is not as this version needs it,
    ``LocalDataDamaged`` where the master key is missing or not one.
    """
    storage = open_storage(config.database_url)
    if not config.data_folder.exists() or storage.pending_migrations():
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
        is_new = storage.pending_migrations() == tuple(migrations.STEPS)
        if is_new:
            config.master_key_source.prepare(entropy)
        config.master_key_source.read()
        return storage.migrate()
    finally:
        storage.close()
