"""From settings to the parts that work: database, master key, sealed files."""

from __future__ import annotations

import os
from pathlib import Path

from fieldward_server.config import Config
from fieldward_server.files import SealedFiles
from fieldward_server.services.platform import Platform
from fieldward_server.storage import migrations, open_storage
from fieldward_sync.errors import CallerMistake, LocalDataDamaged
from fieldward_sync.keys import KEY_BYTES
from fieldward_sync.sealing import Entropy

OWNER_ONLY = 0o600
OWNER_ONLY_FOLDER = 0o700


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
    return Platform(
        storage=storage,
        master_key=_read_master_key(config.master_key_file),
        files=SealedFiles(config.files_folder),
        entropy=entropy,
        lease_terms=config.lease_terms,
    )


def migrate(config: Config, *, entropy: Entropy = os.urandom) -> tuple[str, ...]:
    """Bring the database up to this version, and say what was applied.

    A new database gets a master key first; an older one is not touched without its own.
    """
    config.data_folder.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    storage = open_storage(config.database_url)
    try:
        is_new = storage.pending_migrations() == tuple(migrations.STEPS)
        if is_new and not config.master_key_file.exists():
            _write_durably(config.master_key_file, entropy(KEY_BYTES))
        _read_master_key(config.master_key_file)
        return storage.migrate()
    finally:
        storage.close()


def _read_master_key(file: Path) -> bytes:
    try:
        key = file.read_bytes()
    except OSError as e:
        raise LocalDataDamaged(
            "no-master-key",
            f"The master key {file} cannot be read: {e.strerror}.",
            next_step="Bring it back from its backup: without it nothing in the database opens.",
        ) from e
    if len(key) != KEY_BYTES:
        raise LocalDataDamaged(
            "no-master-key",
            f"{file} is not a master key: it has {len(key)} bytes instead of {KEY_BYTES}.",
            next_step="Bring it back from its backup: without it nothing in the database opens.",
        )
    return key


def _write_durably(file: Path, key: bytes) -> None:
    """The key must outlive everything that is sealed under it."""
    file.parent.mkdir(mode=OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "wb") as opened:
        opened.write(key)
        opened.flush()
        os.fsync(handle)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
