"""Backups: a folder with a copy of the database and a manifest, and the way back.

A backup has its name only once all of it is on the disk and checked. It never holds the master key,
the shield register or sealed files: the first two are kept apart, the last are made anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from fieldward_server import durable
from fieldward_server.assembly import assemble, migrate
from fieldward_server.config import Config
from fieldward_server.master_keys import MasterKeys
from fieldward_server.register_entries import Entry
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import complete, in_order
from fieldward_server.services.upkeep.backups import BackedUpAuthority, begin_backup, end_backup
from fieldward_server.services.upkeep.restoration import begin_serving, stop_serving, unfinished
from fieldward_server.services.upkeep.restoration import root_keys as root_keys_of
from fieldward_server.shield_register import ShieldRegister
from fieldward_server.storage.copies import copier
from fieldward_server.storage.migrations import STEPS
from fieldward_sync.errors import CallerMistake, LocalDataDamaged, RetryLater
from fieldward_sync.keys import derive
from fieldward_sync.sealing import Entropy
from fieldward_sync.signing import public_key, signing_key

DATABASE = "database"
MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
READ_BYTES = 1 << 20


class BackupManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup is of, and what its file must be."""

    format: Literal["fieldward/backup/1"]
    made_at: int
    """Whole seconds since 1970 UTC, when it began."""
    fieldward: str
    """The version that made it."""
    schema: tuple[str, ...]
    kind: str
    """Which database."""
    bytes: int
    sha256: str
    master_key_checks: tuple[str, ...]
    """Each tells a master key that it needs from any other, and nothing else about it."""
    authorities: tuple[BackedUpAuthority, ...]


def write_backup(config: Config, destination: Path, *, now: int) -> BackupManifest:
    """Back up the database, which may be in use, into a folder that is new or empty.

    ``CallerMistake("destination-taken")`` for any other, ``RetryLater`` if it does not succeed;
    then there is no backup of that name.
    """
    _require_free(destination)
    platform = assemble(config)
    part = destination.with_name(destination.name + UNFINISHED)
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=durable.OWNER_ONLY_FOLDER, parents=True)
        begun = begin_backup(platform)
        source = copier(config.database_url)
        source.write(part / DATABASE)
        manifest = BackupManifest(
            format="fieldward/backup/1",
            made_at=now,
            fieldward=version("fieldward"),
            schema=tuple(STEPS),
            kind=source.kind,
            bytes=(part / DATABASE).stat().st_size,
            sha256=_sha256(part / DATABASE),
            master_key_checks=_checks_of(platform.master_keys),
            authorities=begun,
        )
        content = msgspec.json.format(msgspec.json.encode(manifest))
        durable.write_new(part / MANIFEST, content + b"\n")
        os.replace(part, destination)
        durable.sync(destination.parent)
        end_backup(platform, begun)
    except OSError as e:
        raise RetryLater("backup-failed", f"{part} cannot be written: {e.strerror}.") from e
    finally:
        shutil.rmtree(part, ignore_errors=True)
        platform.storage.close()
    return manifest


def read_backup(source: Path) -> BackupManifest:
    """A backup's manifest; ``CallerMistake("no-backup")`` where there is none, and
    ``LocalDataDamaged("backup-damaged")`` where its file is not what the manifest says."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=BackupManifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise CallerMistake(
            "no-backup",
            f"{source} is not a backup.",
            next_step="Name a folder that `fieldward backup` made; one whose name ends with "
            f"{UNFINISHED} never became one.",
        ) from e
    file = source / DATABASE
    if not file.exists() or (file.stat().st_size, _sha256(file)) != (
        manifest.bytes,
        manifest.sha256,
    ):
        raise LocalDataDamaged(
            "backup-damaged",
            f"{file} is not what was backed up.",
            next_step="Take another copy of this backup, or the backup before it.",
        )
    return manifest


def restore_backup(
    config: Config,
    source: Path | None,
    *,
    root_keys: Mapping[str, bytes],
    other_registers: Iterable[Path] = (),
    without_register: bool = False,
    actor: str,
    now: int,
    entropy: Entropy = os.urandom,
) -> dict[str, int]:
    """Fill an empty database from a backup and let it serve again; authority to new incarnation.

    Without ``source`` the database has been brought back by other means. ``root_keys`` are seeds by
    authority, used for one signature each. Broken off anywhere, nothing is served, and the same
    call goes on. Raises ``CallerMistake`` for what is missing, before anything is written.
    """
    master_keys = config.master_key_source.read()
    registers = [config.shield_register_file, *other_registers]
    entries = in_order(
        [ShieldRegister(path, master_keys, entropy=entropy).read() for path in registers]
    )
    target = copier(config.database_url)
    is_empty = target.is_empty()
    if source is not None:
        manifest = read_backup(source)
        _require_fitting(manifest, target.kind, master_keys)
        needed = {each.authority: each.root_key for each in manifest.authorities}
        _require_keys(needed, root_keys)
        if not without_register:
            _require_registered(needed, entries)
        if is_empty:
            config.data_folder.mkdir(mode=durable.OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            target.load(source / DATABASE)
    elif is_empty:
        raise CallerMistake("database-empty", "There is nothing in the database to go on with.")
    migrate(config)
    platform = assemble(config, entropy=entropy)
    try:
        if source is None:
            needed = root_keys_of(platform)
            _require_keys(needed, root_keys)
            if not without_register:
                _require_registered(needed, entries)
            if not unfinished(platform):
                stop_serving(platform)
        return _begin_serving(
            platform, root_keys, entries, was_empty=is_empty, actor=actor, now=now
        )
    finally:
        platform.storage.close()


def _begin_serving(
    platform: Platform,
    root_keys: Mapping[str, bytes],
    entries: Sequence[Entry],
    *,
    was_empty: bool,
    actor: str,
    now: int,
) -> dict[str, int]:
    waiting = unfinished(platform)
    if not waiting and not was_empty:
        raise CallerMistake(
            "database-not-empty",
            "The database is in use: a backup is restored into an empty one.",
            next_step="Name a new database in database_url, or move the old one away first.",
        )
    register = complete(platform, entries)
    return {
        authority: begin_serving(
            platform,
            authority=authority,
            root_seed=root_keys.get(authority),
            register=register,
            actor=actor,
            now=now,
        )
        for authority in waiting
    }


def _require_free(destination: Path) -> None:
    if destination.is_dir() and not any(destination.iterdir()):
        return
    if destination.exists():
        raise CallerMistake(
            "destination-taken",
            f"{destination} is there already.",
            next_step="Name a new folder for each backup, or an empty one.",
        )


def _require_fitting(manifest: BackupManifest, kind: str, master_keys: MasterKeys) -> None:
    if manifest.kind != kind:
        raise CallerMistake(
            "other-database",
            f"The backup is of {manifest.kind}, and database_url names {kind}.",
        )
    if not {*manifest.master_key_checks} <= {*_checks_of(master_keys)}:
        raise CallerMistake(
            "other-master-key",
            "The backup was made under another master key: nothing in it would open.",
            next_step="Bring the master key of that time back first, behind the one in force.",
        )


def _require_keys(needed: Mapping[str, bytes], root_keys: Mapping[str, bytes]) -> None:
    given = {code: public_key(signing_key(seed)) for code, seed in root_keys.items()}
    missing = [code for code, key in needed.items() if key and given.get(code) != key]
    if missing:
        raise CallerMistake(
            "root-key-missing",
            f"The root key of {', '.join(missing)} is needed.",
            next_step="Give each with --root-key: only it can tell devices of the restore.",
        )


def _require_registered(codes: Iterable[str], entries: Iterable[Entry]) -> None:
    registered = {entry.authority for entry in entries}
    missing = [code for code in codes if code not in registered]
    if missing:
        raise CallerMistake(
            "register-missing",
            f"The shield register says nothing of {', '.join(missing)}.",
            next_step="Bring it back (shield_register_file). Without it, shields raised and devices"
            " revoked since the backup would be forgotten: --without-register accepts that.",
        )


def _checks_of(master_keys: MasterKeys) -> tuple[str, ...]:
    return tuple(derive(key, "backup-check").hex() for key in master_keys)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()
