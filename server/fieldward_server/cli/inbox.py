"""``fieldward inbox``: edits that were refused, and kept."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import json_option
from fieldward_server.cli.output import Item, moment, show_done, show_items
from fieldward_server.cli.signed import Commander, signed

_number = click.argument("number", type=click.IntRange(1))


@click.group("inbox", cls=Group)
def command() -> None:
    """Edits that were refused; they are kept, with the reason, for a person to decide."""


@command.command("list")
@click.option("--all", "decided_too", is_flag=True, help="Also those that were decided.")
@signed(must_say_why=True)
@json_option
def list_(call: Commander, decided_too: bool, as_json: bool) -> None:
    """List the refused edits that wait for a person, in the order they came.

    \b
    Example:
      fieldward inbox list --authority E08000039 --reason weekly-review
    """
    which = "all" if decided_too else "open"
    show_items(
        call.pages("inbox/list", position=lambda it: it["number"], which=which),
        {
            "no.": "number",
            "received": lambda it: moment(it["received_at"]),
            "from": "actor",
            "edit": lambda it: "?" if it["counter"] is None else it["counter"],
            "practitioner": "practitioner",
            "refused": "code",
            "record": lambda it: (it["proposal"] or {"record_id": "does not open"})["record_id"],
            "change": _changes,
            **({"decided": "decision"} if decided_too else {}),
        },
        as_json=as_json,
        nothing="The inbox is empty.",
    )


@command.command()
@_number
@signed(must_say_why=True)
@json_option
def admit(call: Commander, number: int, as_json: bool) -> None:
    """Let refused edit NUMBER in, as an edit of the server's that names it.

    It replaces what its author had been shown; what came meanwhile stands beside it as a conflict.
    Its author is told at their next sync.

    \b
    Example:
      fieldward inbox admit 12 --authority E08000039 --reason checked-with-author
    """
    call("inbox/admit", number=number)
    show_done(
        {"number": number, "decision": "admitted"},
        f"Edit {number} is in; its author is told at their next sync.",
        as_json=as_json,
    )


@command.command()
@_number
@signed(must_say_why=True)
@json_option
def forward(call: Commander, number: int, as_json: bool) -> None:
    """Send refused edit NUMBER to the authority that has taken the record over.

    It is let in there as `admit` lets it in here. Its author is told at their next sync.

    \b
    Example:
      fieldward inbox forward 12 --authority E08000039 --reason child-moved
    """
    call("inbox/forward", number=number)
    show_done(
        {"number": number, "decision": "forwarded"},
        f"Edit {number} is in where the record is now; its author is told at their next sync.",
        as_json=as_json,
    )


@command.command()
@_number
@signed(must_say_why=True)
@json_option
def decline(call: Commander, number: int, as_json: bool) -> None:
    """Say that refused edit NUMBER stays out. It is kept; its author is told.

    \b
    Example:
      fieldward inbox decline 12 --authority E08000039 --reason made-by-mistake
    """
    call("inbox/decline", number=number)
    show_done(
        {"number": number, "decision": "declined"},
        f"Edit {number} stays out, and is kept; its author is told at their next sync.",
        as_json=as_json,
    )


def _changes(item: Item) -> str:
    changes = (item["proposal"] or {"changes": ()})["changes"]
    return "; ".join(f"{change['path']}: {change['value']}" for change in changes)
