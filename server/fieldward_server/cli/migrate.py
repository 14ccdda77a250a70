"""``fieldward migrate``."""

from __future__ import annotations

import click

from fieldward_server.cli.host import Host, pass_host
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import show_done


@click.command("migrate")
@json_option
@pass_host
def command(host: Host, as_json: bool) -> None:
    """Make the database, or bring it up to this version; `serve` does it too.

    A new database gets its master key: a file to back up apart from the database.

    \b
    Example:
      FIELDWARD_DATABASE_URL=postgresql://fieldward@db/fieldward fieldward migrate
    """
    # Imported here: to complete or explain a command no database is needed.
    from fieldward_server.assembly import migrate

    applied = migrate(host.config)
    show_done(
        {"applied": applied},
        *(f"applied {name}" for name in applied),
        "The database is as this version needs it.",
        as_json=as_json,
    )
