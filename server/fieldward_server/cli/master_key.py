"""``fieldward master-key``: what wraps every key at rest."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.host import Host, pass_host
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import show_done


@click.group("master-key", cls=Group)
def command() -> None:
    """Replace the master key; the operations page says when and how."""


@command.command()
@json_option
@pass_host
def rotate(host: Host, as_json: bool) -> None:
    """Put a new master key in force, and wrap every key at rest under it.

    Servers may run meanwhile. Give all of them the new key, start them again, and then `retire`
    the old one. Backups that were made before need the key of their time: keep a copy as long as
    them. Broken off, the same command goes on.

    Where the key is not in a file of ours, put a new one in front of it first.

    \b
    Example:
      fieldward master-key rotate
    """
    # Imported here: to complete or explain a command no database is needed.
    from fieldward_server.master_key_rotation import rotate

    wrapped = rotate(host.config)
    show_done(
        {"keys": wrapped},
        f"{wrapped:,} keys are wrapped under a new master key.",
        f"Give every server {host.config.master_key_source.place}, start it again, "
        "and then: fieldward master-key retire",
        as_json=as_json,
    )


@command.command()
@click.confirmation_option(
    "--all-restarted",
    prompt="Backups made before `rotate` open with the old key alone: keep a copy of it, apart.\n"
    "Has every server of this database been started again since `rotate`?",
    help="Every server of this database has been started again since `rotate`.",
)
@json_option
@pass_host
def retire(host: Host, as_json: bool) -> None:
    """Remove the old master key, once nothing is wrapped under it.

    A server that still runs with the old key alone reads nothing any more, and what it writes is
    lost.

    \b
    Example:
      fieldward master-key retire --all-restarted
    """
    from fieldward_server.master_key_rotation import retire

    wrapped, source = retire(host.config), host.config.master_key_source
    left = () if source.is_ours else (f"Now take the others out of {source.place}.",)
    show_done(
        {"keys": wrapped},
        f"{wrapped:,} keys are wrapped under the master key in force.",
        *left,
        as_json=as_json,
    )
