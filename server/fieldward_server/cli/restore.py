"""``fieldward restore``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from fieldward_server.cli.host import Host, pass_host
from fieldward_server.cli.key_files import read_root_key
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import show_done
from fieldward_sync.errors import CallerMistake

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option(
    "--root-key", "root_keys", type=FILE, multiple=True, help="An authority's root key; for each."
)
@click.option(
    "--in-place",
    is_flag=True,
    help="No SOURCE: the database was brought back by other means, to an earlier moment.",
)
@click.option(
    "--register",
    "registers",
    type=FILE,
    multiple=True,
    help="The shield register of a further host that served the same database.",
)
@click.option(
    "--without-register", is_flag=True, help="Forget shields and revocations since the backup."
)
@json_option
@pass_host
def command(
    host: Host,
    source: Path | None,
    root_keys: tuple[Path, ...],
    in_place: bool,
    registers: tuple[Path, ...],
    without_register: bool,
    as_json: bool,
) -> None:
    """Restore the backup SOURCE into an empty database, and let it serve again.

    Devices then deliver again what the backup lacks. The root keys are read, used for one signature
    each, and forgotten: bring them on a medium that leaves with you. Broken off, nothing is
    served; the same command goes on.

    \b
    Example:
      fieldward restore /backups/2026-11-22 --root-key /media/key/E08000039-root-key
    """
    if in_place == (source is not None):
        raise click.UsageError("Name a backup, or give --in-place.")
    # Imported here: to complete or explain a command no database is needed.
    from fieldward_server.backups import restore_backup

    restored = restore_backup(
        host.config,
        source.absolute() if source else None,
        root_keys=_read_keys(root_keys),
        other_registers=registers,
        without_register=without_register,
        actor=host.actor,
        now=host.now(),
    )
    show_done(
        {"incarnations": restored},
        *(
            f"{authority} serves again, in incarnation {incarnation}."
            for authority, incarnation in restored.items()
        ),
        as_json=as_json,
    )


def _read_keys(paths: Iterable[Path]) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for path in paths:
        authority, seed = read_root_key(path)
        if authority in keys:
            raise CallerMistake("key-repeated", f"There are two root keys of {authority}.")
        keys[authority] = seed
    return keys
