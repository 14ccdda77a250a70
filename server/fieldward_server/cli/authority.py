"""``fieldward authority``: whose records this server holds."""

from __future__ import annotations

from pathlib import Path

import click

from fieldward_server.cli.host import AUTHORITY, Host, json_option, pass_host
from fieldward_server.cli.key_files import AUDIT, ROOT, new_key_file
from fieldward_server.cli.output import show_items
from fieldward_server.services.authorities import create_authority, list_authorities
from fieldward_sync.invitations import fingerprint


@click.group("authority")
def command() -> None:
    """Local authorities, each with keys of its own."""


@command.command()
@click.argument("code", type=AUTHORITY)
@click.option("--name", required=True, help="What people call it.")
@click.option(
    "--secrets",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder for its root key and audit key. The server keeps neither: store them apart.",
)
@pass_host
def create(host: Host, code: str, name: str, folder: Path) -> None:
    """Make an authority by its ONS CODE, and its keys.

    \b
    Example:
      fieldward authority create E08000039 --name Sheffield --secrets keys/
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        new_key_file(folder, purpose=ROOT, authority=code) as write_root,
        new_key_file(folder, purpose=AUDIT, authority=code) as write_audit,
    ):
        secrets = create_authority(
            host.platform, code=code, name=name, now=host.now(), actor=host.actor
        )
        click.echo(f"root key: {write_root(secrets.root_private)}")
        click.echo(f"audit key: {write_audit(secrets.audit_seed)}")


@command.command("list")
@json_option
@pass_host
def list_(host: Host, as_json: bool) -> None:
    """List the authorities.

    \b
    Example:
      fieldward authority list
    """
    show_items(
        list_authorities(host.platform),
        {
            "code": lambda it: it.authority,
            "name": lambda it: it.name,
            "incarnation": lambda it: it.incarnation,
            "records": lambda it: it.records,
            "devices": lambda it: it.devices,
            "root key fingerprint": lambda it: fingerprint(it.root_key).hex(),
        },
        as_json=as_json,
        nothing="There is no authority yet: `fieldward authority create`.",
    )
