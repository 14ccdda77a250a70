"""``fieldward conflicts``: fields with several live values."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import show_items
from fieldward_server.cli.signed import Commander, signed


@click.group("conflicts", cls=Group)
def command() -> None:
    """Fields with several live values, because nobody who wrote one had seen the other."""


@command.command("list")
@signed(must_say_why=True)
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's open conflicts. This shows what the records hold.

    \b
    Example:
      fieldward conflicts list --authority E08000039 --reason weekly-review
    """
    show_items(
        call.items("conflicts/list"),
        {
            "record": "record_id",
            "field": "path",
            "values": lambda it: " | ".join(
                f"{each['value']} ({each['actor']})" for each in it["values"]
            ),
        },
        as_json=as_json,
        nothing="There is no conflict.",
    )
