"""``fieldward migrate``."""

from __future__ import annotations

import click

from fieldward_server.assembly import migrate
from fieldward_server.cli.host import Host, pass_host


@click.command("migrate")
@pass_host
def command(host: Host) -> None:
    """Make the database, or bring it up to this version; `serve` does it too.

    A new database gets its master key: a file to back up apart from the database.

    \b
    Example:
      FIELDWARD_DATABASE_URL=postgresql://fieldward@db/fieldward fieldward migrate
    """
    for name in migrate(host.config):
        click.echo(f"applied {name}")
    click.echo("The database is as this version needs it.")
