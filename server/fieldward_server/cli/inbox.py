"""``fieldward inbox``: edits that were refused, and kept."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import moment, show_items
from fieldward_server.cli.signed import Commander, signed


@click.group("inbox", cls=Group)
def command() -> None:
    """Edits that were refused; they are kept, with the reason, for a person to decide."""


@command.command("list")
@signed(must_say_why=True)
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's refused edits in the order they came.

    \b
    Example:
      fieldward inbox list --authority E08000039 --reason weekly-review
    """
    show_items(
        call.items("inbox/list"),
        {
            "received": lambda it: moment(it["received_at"]),
            "from": "actor",
            "edit": lambda it: "?" if it["counter"] is None else it["counter"],
            "practitioner": "practitioner",
            "refused": "code",
            "record": lambda it: (it["proposal"] or {"record_id": "does not open"})["record_id"],
        },
        as_json=as_json,
        nothing="The inbox is empty.",
    )
