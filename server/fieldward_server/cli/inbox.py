"""``fieldward inbox``: edits that were refused, and kept."""

from __future__ import annotations

import click

from fieldward_server.cli.host import Host, authority_option, json_option, pass_host
from fieldward_server.cli.output import moment, show_items
from fieldward_server.services.conflicts import inbox


@click.group("inbox")
def command() -> None:
    """Edits that were refused; they are kept, with the reason, for a person to decide."""


@command.command("list")
@authority_option
@json_option
@pass_host
def list_(host: Host, authority: str, as_json: bool) -> None:
    """List an authority's refused edits in the order they came.

    \b
    Example:
      fieldward inbox list --authority E08000039
    """
    show_items(
        inbox(host.platform, authority),
        {
            "received": lambda it: moment(it.received_at),
            "from": lambda it: it.actor,
            "edit": lambda it: "?" if it.counter is None else it.counter,
            "practitioner": lambda it: it.practitioner,
            "why refused": lambda it: it.code,
            "record": lambda it: "does not open" if it.proposal is None else it.proposal.record_id,
        },
        as_json=as_json,
        nothing="The inbox is empty.",
    )
