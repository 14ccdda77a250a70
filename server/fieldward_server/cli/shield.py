"""``fieldward shield``: hide where a child can be found."""

from __future__ import annotations

import time
from datetime import datetime

import click

from fieldward_server.cli.conflicts import who
from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import DAY, ID, end_of_day, json_option
from fieldward_server.cli.output import Cell, Item, day, moment, show_done, show_items
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.errors import CallerMistake, RefusedByServer


@click.group("shield", cls=Group)
def command() -> None:
    """Shields: hide where a child can be found (H1)."""


@command.command("raise")
@click.argument("records", type=ID, nargs=-1, required=True)
@signed(must_say_why=True)
@json_option
@click.pass_context
def raise_(
    context: click.Context, call: Commander, records: tuple[str, ...], as_json: bool
) -> None:
    """Shield RECORDS: every device loses what that hides, with the next files (H9).

    `serve` makes these soon, `partition seal` now; a device takes them at its next sync. `shield
    devices` without a record says how far all of them have come. A record that is refused stops no
    other; the exit code is 1 then.

    \b
    Example:
      fieldward shield raise 6f3k 9a2c --authority E08000039 --reason court-order
    """
    refused = False
    for record in records:
        try:
            call("shield/raise", record=record)
        except (CallerMistake, RefusedByServer) as e:
            click.echo(f"{record} is not shielded: {e.diagnostics()}", err=True)
            refused = True
        else:
            show_done(
                {"record": record},
                f"{record} is shielded. `fieldward shield devices {record} --reason WHY` says which"
                " devices have confirmed it.",
                as_json=as_json,
            )
    if refused:
        context.exit(1)


@command.command()
@click.argument("record", type=ID)
@signed(must_say_why=True)
@json_option
def release(call: Commander, record: str, as_json: bool) -> None:
    """Release every shield that stands on a RECORD now; a later one holds again.

    It is said to be of another child than all that it was held for. Where it is like a shielded
    record that nobody has judged it is held at once again, and in `shield alike`.

    \b
    Example:
      fieldward shield release 6f3k --authority E08000039 --reason order-lifted
    """
    call("shield/release", record=record)
    show_done(
        {"record": record},
        f"Every shield that stood on {record} is released. If it may be of another shielded child,"
        " it is held again: look at `fieldward shield alike`.",
        as_json=as_json,
    )


@command.command("list")
@signed(must_say_why=True)
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List the shields that stand: those first that somebody has to look at (H9).

    \b
    Example:
      fieldward shield list --authority E08000039 --reason weekly-review
    """
    standing = call.pages("shield/list", position=lambda it: it["record_id"])
    show_items(
        sorted(standing, key=lambda it: (it["again_by"], it["since"])),
        {
            "record": "record_id",
            "since": lambda it: day(it["since"]),
            "raised by": lambda it: ", ".join(dict.fromkeys(map(who, it["raises"]))),
            "why": lambda it: ", ".join(dict.fromkeys(each["basis"] for each in it["raises"])),
            "looked at": _last_review,
            "again": _next_review,
        },
        as_json=as_json,
        nothing="No shield stands.",
    )


@command.command()
@click.argument("record", type=ID)
@click.option(
    "--again-by",
    type=DAY,
    metavar="YYYY-MM-DD",
    required=True,
    help="The day by which somebody looks at it again.",
)
@signed(must_say_why=True)
@json_option
def review(call: Commander, record: str, again_by: datetime, as_json: bool) -> None:
    """Say that the shield of a RECORD was looked at and stands.

    It holds until somebody releases it, whatever day is named here (H5).

    \b
    Example:
      fieldward shield review 6f3k --again-by 2027-06-30 --authority E08000039 \\
        --reason order-renewed
    """
    until = end_of_day(again_by)
    call("shield/review", record=record, again_by=until)
    show_done(
        {"record": record, "again_by": until},
        f"The shield of {record} stands. It is to be looked at again by {day(until)}.",
        as_json=as_json,
    )


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
        REACHED,
        as_json=as_json,
        nothing="No device has it: nothing was hidden, or all have confirmed.",
    )


@command.command()
@signed(must_say_why=True)
@json_option
def alike(call: Commander, as_json: bool) -> None:
    """List records shielded as a possible second entry of a shielded child.

    Each waits for a person: `shield same` or `shield different`. Compare the two with `records
    duplicates` and on paper first. "like" counts in bits what agrees of what a shield leaves shown.

    \b
    Example:
      fieldward shield alike --authority E08000039 --reason weekly-review
    """
    show_items(
        call.pages("shield/alike", position=lambda it: it["record_id"]),
        {
            "record": "record_id",
            "like": lambda it: f"{it['bits']} bits",
            "shielded record": "like_id",
            "which": lambda it: "is shielded" if it["like_is_shielded"] else "is not any more",
            "since": lambda it: moment(it["at"]),
        },
        as_json=as_json,
        nothing="No record waits to be compared.",
    )


@command.command()
@click.argument("record", type=ID)
@click.argument("like", type=ID)
@signed(must_say_why=True)
@json_option
def same(call: Commander, record: str, like: str, as_json: bool) -> None:
    """Say that RECORD is of the same child as LIKE: its shield stands.

    \b
    Example:
      fieldward shield same 6f3k 9a2c --authority E08000039 --reason confirmed-by-family
    """
    call("shield/same", record=record, like=like)
    show_done(
        {"record": record, "like": like},
        f"{record} is of the same child as {like}: its shield stands.",
        as_json=as_json,
    )


@command.command()
@click.argument("record", type=ID)
@click.argument("like", type=ID)
@signed(must_say_why=True)
@json_option
def different(call: Commander, record: str, like: str, as_json: bool) -> None:
    """Say that RECORD is of another child than LIKE.

    What was raised for that is released. Any other raise still holds, and the two are never held
    for each other again.

    \b
    Example:
      fieldward shield different 6f3k 9a2c --authority E08000039 --reason other-child
    """
    call("shield/different", record=record, like=like)
    show_done(
        {"record": record, "like": like},
        f"{record} is of another child than {like}: what was raised for that is released.",
        as_json=as_json,
    )


def _last_review(shield: Item) -> str:
    if not shield["reviewed_at"]:
        return "never"
    return f"{day(shield['reviewed_at'])} by {shield['reviewed_by']}"


def _next_review(shield: Item) -> str:
    if not shield["again_by"]:
        return "no day is named"
    overdue = " (overdue)" if shield["again_by"] < time.time() else ""
    return f"by {day(shield['again_by'])}{overdue}"


def _in_words(reached: Item) -> str:
    """How it stands there, claiming nothing that the device has not said."""
    closes = moment(reached["readable_until"])
    match reached["stage"]:
        case "gone":
            return f"gone {moment(reached['gone_at'])}, hidden {moment(reached['hidden_at'])}"
        case "wiped":
            return "wiped"
        case "closed" if not reached["readable_until"]:
            return "no lease yet"
        case "closed":
            return f"unconfirmed; lease over {closes}"
        case "hidden":
            return f"hidden {moment(reached['hidden_at'])}; files until {closes}"
        case _ if not reached["sealed"]:
            return f"waits for files; readable until {closes}"
        case _:
            return f"not confirmed; readable until {closes}"


REACHED: dict[str, Cell] = {
    "record": "record",
    "partition": "partition",
    "hidden since": lambda it: moment(it["redacted_at"]),
    "device": lambda it: f"{it['device']}.{it['generation']}",
    "name": "name",
    "holder": "practitioner",
    "there": _in_words,
}
"""What is shown of a device that may have held what was hidden. Three lines of a terminal of 100
columns hold it."""
