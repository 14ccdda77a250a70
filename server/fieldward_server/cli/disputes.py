"""``fieldward disputes``: values that somebody says are wrong, and what came of it (R2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import ID, json_option
from fieldward_server.cli.output import Item, ago, show_done, show_items
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.limits import DISPUTE_OUTCOMES, DISPUTED_BY


@click.group("disputes", cls=Group)
def command() -> None:
    """Values that somebody says are wrong or out of date, and what came of it (R2)."""


@command.command("raise")
@click.argument("record", type=ID)
@click.argument("path")
@click.option(
    "--by",
    type=click.Choice(DISPUTED_BY),
    required=True,
    help="Who says so: the child is the subject. No names.",
)
@signed(must_say_why=True)
@json_option
def raise_(call: Commander, record: str, path: str, by: str, as_json: bool) -> None:
    """Mark what stands at PATH of a RECORD as disputed, from today on.

    Every device that shows the field says so beside the value, from its first sync after the next
    files on; where the field is hidden, so is this. The value still counts in a search.

    \b
    Example:
      fieldward disputes raise 6f3k address --by carer \\
        --authority E08000039 --reason letter-from-family
    """
    made = call("disputes/raise", record=record, path=path, by=by)
    show_done(
        {"record_id": record, "path": path, **made},
        f"{path} of {record} is disputed: {made['dispute']}.",
        as_json=as_json,
    )


@command.command()
@click.argument("record", type=ID)
@click.argument("dispute", type=ID)
@click.option("--outcome", type=click.Choice(DISPUTE_OUTCOMES), required=True, help="See above.")
@signed(must_say_why=True)
@json_option
def decide(call: Commander, record: str, dispute: str, outcome: str, as_json: bool) -> None:
    """Say how a DISPUTE of a RECORD ended; `disputes list` names it.

    \b
    corrected   another value stands there now
    upheld      it is wrong, and nobody knows yet what is right
    not-upheld  the value is right
    withdrawn   whoever disputed it does so no more

    It stays beside the value, with its day, on every device that shows the field. Nothing else
    changes: a wrong value is corrected by an edit or a load.

    \b
    Example:
      fieldward disputes decide 6f3k mzxw6ytboi4dsnbq --outcome not-upheld \\
        --authority E08000039 --reason birth-certificate-seen
    """
    call("disputes/decide", record=record, dispute=dispute, outcome=outcome)
    show_done(
        {"record_id": record, "dispute": dispute, "outcome": outcome},
        f"Dispute {dispute} of {record} is decided: {outcome}.",
        as_json=as_json,
    )


@command.command("list")
@signed(must_say_why=True)
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's open disputes: since when, and what stands there.

    This shows what the records hold. "hidden" stands where no device shows the field.

    \b
    Example:
      fieldward disputes list --authority E08000039 --reason weekly-review
    """
    show_items(
        call.pages("disputes/list", position=lambda it: it["record_id"]),
        {
            "record": "record_id",
            "field": lambda it: f"{it['dispute']['path']}{' (hidden)' if it['hidden'] else ''}",
            "dispute": lambda it: it["dispute"]["dispute_id"],
            "disputed by": lambda it: it["dispute"]["by"],
            "since": lambda it: it["dispute"]["since"],
            "came": lambda it: ago(it["received_at"]),
            "marked by": lambda it: it["practitioner"] or it["administrator"] or "a file",
            "value": lambda it: " | ".join(str(value["value"]) for value in it["values"]),
        },
        as_json=as_json,
        nothing="Nothing is disputed.",
    )


def in_words(disputes: Iterable[Item]) -> str:
    """Disputes of one field, for a table: who, since when, and what came of it."""
    return "; ".join(_in_words(each) for each in disputes)


def dispute_columns() -> dict[str, Any]:
    """How disputes are shown beside a record's history."""
    return {
        "disputed field": "path",
        "dispute": "dispute_id",
        "by": "by",
        "since": "since",
        "outcome": "outcome",
        "ended": "ended",
    }


def _in_words(dispute: Item) -> str:
    ended = f" {dispute['ended']}" if dispute["ended"] else ""
    return f"by {dispute['by']} since {dispute['since']}: {dispute['outcome']}{ended}"
