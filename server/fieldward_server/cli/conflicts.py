"""``fieldward conflicts``: fields with several live values."""

from __future__ import annotations

import click

from fieldward_server.cli.host import Host, authority_option, json_option, pass_host
from fieldward_server.cli.output import show_items
from fieldward_server.services.conflicts import list_conflicts


@click.group("conflicts")
def command() -> None:
    """Fields with several live values, because nobody who wrote one had seen the other."""


@command.command("list")
@authority_option
@json_option
@pass_host
def list_(host: Host, authority: str, as_json: bool) -> None:
    """List an authority's open conflicts. This shows what the records hold.

    \b
    Example:
      fieldward conflicts list --authority E08000039
    """
    show_items(
        list_conflicts(host.platform, authority),
        {
            "record": lambda it: it.record_id,
            "field": lambda it: it.path,
            "values": lambda it: " | ".join(f"{each.value} ({each.actor})" for each in it.values),
        },
        as_json=as_json,
        nothing="There is no conflict.",
    )
