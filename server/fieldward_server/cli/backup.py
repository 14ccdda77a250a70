"""``fieldward backup``."""

from __future__ import annotations

from pathlib import Path

import click

from fieldward_server.cli.host import Host, pass_host
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import show_done


@click.command("backup")
@click.argument("destination", type=click.Path(path_type=Path, file_okay=False))
@json_option
@pass_host
def command(host: Host, destination: Path, as_json: bool) -> None:
    """Back up the database into DESTINATION, a new folder, while the server runs.

    The master key and the shield register are not in it: keep copies of both elsewhere. What is in
    the last two backups, devices need not keep any longer; so make backups regularly.

    \b
    Example:
      fieldward backup /backups/2026-11-22
    """
    # Imported here: to complete or explain a command no database is needed.
    from fieldward_server.backups import write_backup

    manifest = write_backup(host.config, destination.absolute(), now=host.now())
    number = len(manifest.authorities)
    show_done(
        {"bytes": manifest.bytes, "authorities": number},
        f"{destination}: {manifest.bytes:,} bytes, of {number} "
        f"{'authority' if number == 1 else 'authorities'}, checked.",
        as_json=as_json,
    )
