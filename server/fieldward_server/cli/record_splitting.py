"""``fieldward records split``: two children in one record become two records."""

from __future__ import annotations

import click

from fieldward_server.cli.options import ID, json_option, yes_option
from fieldward_server.cli.output import show_done
from fieldward_server.cli.previews import carried_out
from fieldward_server.cli.signed import Commander, signed


@click.command()
@click.argument("record", type=ID)
@click.argument("new", type=ID)
@click.option("--move", "moving", multiple=True, help="A field or member that NEW gets.")
@click.option("--copy", "copying", multiple=True, help="One that both have from then on.")
@yes_option
@signed(must_say_why=True)
@json_option
def split(
    call: Commander,
    record: str,
    new: str,
    moving: tuple[str, ...],
    copying: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Have what is of another child in RECORD stand in a record of its own, NEW.

    Name fields (`school.name`) and whole members (`involvements/a1`), each with --move or --copy.
    If RECORD is shielded, both are. You are shown what it comes to, and asked.

    \b
    Example:
      fieldward records split 6f3k 9a2c --authority E08000039 --copy name.family \\
        --copy carers/c1 --move name.given --move involvements/a2 --reason two-children
    """
    if not moving and not copying:
        raise click.UsageError("Name what is of the other child: --move, --copy.")
    found = carried_out(
        call,
        "records/split",
        foreseen=lambda found: {
            "moves": ", ".join(found["moving"]) or "nothing",
            "is copied": ", ".join(found["copying"]) or "nothing",
            "shielded, both": "yes" if found["shielded"] else "no",
        },
        question=f"Split {new} from {record}?",
        yes=yes,
        record=record,
        new=new,
        moving=moving,
        copying=copying,
    )
    show_done(found, f"{new} is a record of its own.", as_json=as_json)
