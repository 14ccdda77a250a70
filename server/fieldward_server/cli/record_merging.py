"""``fieldward records merge``: two records of one child become one."""

from __future__ import annotations

import click

from fieldward_server.cli.options import ID, json_option, yes_option
from fieldward_server.cli.output import show_done
from fieldward_server.cli.previews import carried_out
from fieldward_server.cli.signed import Commander, signed


@click.command()
@click.argument("record", type=ID)
@click.argument("into", type=ID)
@yes_option
@signed(must_say_why=True)
@json_option
def merge(call: Commander, record: str, into: str, yes: bool, as_json: bool) -> None:
    """Have RECORD go on in the record INTO, which is of the same child.

    INTO gets what stands in RECORD; values that differ wait for a person (`conflicts list`). What
    is shielded or withdrawn in either stays so. RECORD leaves every device; an edit of it that
    still comes reaches INTO. You are shown what it comes to, and asked: what was merged wrongly is
    taken apart again by hand (`records split`), under a new id.

    \b
    Example:
      fieldward records merge 6f3k 9a2c --authority E08000039 --reason same-child
    """
    found = carried_out(
        call,
        "records/merge",
        foreseen=lambda found: {
            "values coming": len(found["coming"]),
            "in conflict then": ", ".join(found["conflicts"]) or "nothing",
            "shielded then": "yes" if found["shielded"] else "no",
            f"{record} leaves": ", ".join(found["partitions"]) or "no partition",
        },
        question=f"Merge {record} into {into}? Only `records split` takes them apart, by hand.",
        yes=yes,
        record=record,
        into=into,
    )
    show_done(found, f"{record} goes on in {into}.", as_json=as_json)
