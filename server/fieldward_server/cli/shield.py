"""``fieldward shield``: hide where a child can be found."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import ID, json_option
from fieldward_server.cli.output import Item, moment, show_items
from fieldward_server.cli.signed import Commander, signed


@click.group("shield", cls=Group)
def command() -> None:
    """Shields: hide where a child can be found (H1)."""


@command.command("raise")
@click.argument("record", type=ID)
@signed(must_say_why=True)
def raise_(call: Commander, record: str) -> None:
    """Shield a RECORD: every device loses what it hides at its next sync.

    \b
    Example:
      fieldward shield raise 6f3k --authority E08000039 --reason court-order
    """
    call("shield/raise", record=record)


@command.command()
@click.argument("record", type=ID)
@signed(must_say_why=True)
def release(call: Commander, record: str) -> None:
    """Release every shield that stands on a RECORD now; a later one holds again.

    \b
    Example:
      fieldward shield release 6f3k --authority E08000039 --reason order-lifted
    """
    call("shield/release", record=record)


@command.command()
@click.argument("record", type=ID, required=False)
@signed(must_say_why=True)
@json_option
def devices(call: Commander, record: str | None, as_json: bool) -> None:
    """List who may have held what was hidden of a RECORD, and what they confirmed.

    A device confirms twice: *hidden*, it shows it no more; *gone*, old files and keys are erased.
    What it does not confirm it can read until its lease ends. Without a RECORD: all devices that
    may still hold what was hidden of any.

    \b
    Example:
      fieldward shield devices 6f3k --authority E08000039 --reason court-order
    """
    show_items(
        call.items("shield/devices", **({"record": record} if record else {})),
        {
            "record": "record",
            "partition": "partition",
            "hidden since": lambda it: moment(it["redacted_at"]),
            "device": lambda it: f"{it['device']}.{it['generation']}",
            "name": "name",
            "practitioner": "practitioner",
            "there": _in_words,
        },
        as_json=as_json,
        nothing="No device has it: nothing was hidden, or all have confirmed.",
    )


def _in_words(reached: Item) -> str:
    """How it stands there, claiming nothing that the device has not said."""
    closes = moment(reached["readable_until"])
    match reached["stage"]:
        case "gone":
            return f"gone {moment(reached['gone_at'])}, hidden {moment(reached['hidden_at'])}"
        case "wiped":
            return "wiped"
        case "closed" if not reached["readable_until"]:
            return "no lease yet; nothing opens there"
        case "closed":
            return f"unconfirmed; its lease is over since {closes}, nothing opens there"
        case "hidden":
            return f"hidden {moment(reached['hidden_at'])}; old files until {closes} at most"
        case _ if not reached["sealed"]:
            return f"waits for the server's next files; readable until {closes} at most"
        case _:
            return f"not confirmed; readable until {closes} at most"
