"""``fieldward config``: the settings in force."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.host import Host, pass_host
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import show_item, show_json


@click.group("config", cls=Group)
def command() -> None:
    """See the settings in force."""


@command.command()
@json_option
@pass_host
def check(host: Host, as_json: bool) -> None:
    """Check all settings and print their effective values, without secrets.

    \b
    Example:
      FIELDWARD_WORKERS=4 fieldward config check
    """
    values = host.config.describe()
    if as_json:
        show_json(values)
    else:
        show_item(values)
