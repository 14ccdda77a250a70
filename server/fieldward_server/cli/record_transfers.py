"""``fieldward records offer`` and what follows: a child moves to another authority."""

from __future__ import annotations

import click

from fieldward_server.cli.options import ID, json_option, yes_option
from fieldward_server.cli.output import Item, moment, show_done, show_items
from fieldward_server.cli.previews import carried_out
from fieldward_server.cli.signed import Commander, signed

_record = click.argument("record", type=ID)
_taker = click.argument("taker", metavar="AUTHORITY")
_giver = click.argument("giver", metavar="FROM")


@click.command()
@_record
@_taker
@yes_option
@signed(must_say_why=True)
@json_option
def offer(call: Commander, record: str, taker: str, yes: bool, as_json: bool) -> None:
    """Offer RECORD to the AUTHORITY that the child has moved to.

    Nothing changes until an administrator there accepts. Then the record is theirs, with all its
    edits: it leaves every device here, and nobody here reads it any more. You are shown what that
    comes to, and asked. Have devices with unsent edits sync first.

    \b
    Example:
      fieldward records offer 6f3k E08000035 --authority E08000039 --reason moved-house
    """
    found = carried_out(
        call,
        "records/offer",
        foreseen=lambda found: _in_words(found, partitions="leaves"),
        question=f"Offer {record} to {taker}?",
        yes=yes,
        record=record,
        taker=taker,
    )
    show_done(
        found, f"{record} is offered to {taker}; until it accepts, it is yours.", as_json=as_json
    )


@click.command()
@_record
@_taker
@signed(must_say_why=True)
@json_option
def withdraw(call: Commander, record: str, taker: str, as_json: bool) -> None:
    """Take back the offer of RECORD to AUTHORITY, unless it has been accepted.

    \b
    Example:
      fieldward records withdraw 6f3k E08000035 --authority E08000039 --reason stays-here
    """
    call("records/withdraw", record=record, taker=taker)
    show_done(
        {"record": record, "state": "withdrawn"},
        f"{record} is offered no more; it stays yours.",
        as_json=as_json,
    )


@click.command()
@_record
@_giver
@yes_option
@signed(must_say_why=True)
@json_option
def accept(call: Commander, record: str, giver: str, yes: bool, as_json: bool) -> None:
    """Take over RECORD, which the authority FROM offers: from then on it is yours.

    You are shown what that comes to, and asked. A team's code may mean another team here: look at
    the partitions that the record would come into.

    \b
    Example:
      fieldward records accept 6f3k E08000039 --authority E08000035 --reason moved-here
    """
    found = carried_out(
        call,
        "records/accept",
        foreseen=lambda found: _in_words(found, partitions="comes into"),
        question=f"Take over {record} from {giver}?",
        yes=yes,
        record=record,
        giver=giver,
    )
    show_done(found, f"{record} is yours, and no more {giver}'s.", as_json=as_json)


@click.command()
@_record
@_giver
@signed(must_say_why=True)
@json_option
def decline(call: Commander, record: str, giver: str, as_json: bool) -> None:
    """Say that RECORD, which the authority FROM offers, is not taken.

    \b
    Example:
      fieldward records decline 6f3k E08000039 --authority E08000035 --reason lives-elsewhere
    """
    call("records/decline", record=record, giver=giver)
    show_done(
        {"record": record, "state": "declined"},
        f"{record} is not taken; it stays {giver}'s.",
        as_json=as_json,
    )


@click.command()
@click.option("--all", "ended_too", is_flag=True, help="Also those that have ended.")
@signed(must_say_why=True)
@json_option
def transfers(call: Commander, ended_too: bool, as_json: bool) -> None:
    """List the records that are offered to other authorities, and by them.

    \b
    Example:
      fieldward records transfers --authority E08000039 --reason weekly-review
    """
    which = "all" if ended_too else "open"
    show_items(
        call.pages("records/transfers", position=lambda it: it["transfer_id"], which=which),
        {
            "record": "record_id",
            "from": "giver",
            "to": "taker",
            "offered": lambda it: moment(it["offered_at"]),
            "state": "state",
            **({"ended": lambda it: moment(it["ended_at"])} if ended_too else {}),
        },
        as_json=as_json,
        nothing="No record has been offered." if ended_too else "No offer waits.",
    )


def _in_words(found: Item, *, partitions: str) -> dict[str, object]:
    return {
        "edits": found["edits"],
        "in conflict": f"{found['conflicts']} fields",
        "open disputes": found["open_disputes"],
        "shielded": "yes, and stays so" if found["shielded"] else "no",
        partitions: ", ".join(found["partitions"]) or "no partition",
        "on devices": f"{found['devices']}, {found['unsent_edits']} unsent edits known there",
        **({"teams known here": ", ".join(found["teams"])} if found["teams"] else {}),
        **({"there already": "another record of that id"} if found["is_there_already"] else {}),
    }
