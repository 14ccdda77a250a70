"""``fieldward serve``."""

from __future__ import annotations

from pathlib import Path

import click

from fieldward_server import logs
from fieldward_server.cli.host import Host, pass_host


@click.command("serve")
@click.option(
    "--address-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the address once it takes connections.",
)
@pass_host
def command(host: Host, address_file: Path | None) -> None:
    """Migrate the database and answer devices until told to stop (Ctrl-C, or SIGTERM).

    \b
    Example, on a free port:
      FIELDWARD_LISTEN_PORT=0 fieldward serve --address-file address
    """
    # Imported here: no other command needs the web server.
    from fieldward_server.serve import serve

    logs.configure(host.config.log_level)
    serve(
        host.config,
        announce=lambda address: click.echo(f"Fieldward listens on {address}"),
        address_file=address_file,
    )
