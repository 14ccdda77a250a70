"""How a preview reads, and asking whether to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import click

from fieldward_server.cli.output import Item, show_item, show_items, show_json
from fieldward_server.cli.signed import Commander
from fieldward_sync.ways import Way


def carried_out(
    call: Commander,
    command: str,
    /,
    *,
    foreseen: Callable[[Item], Mapping[str, object]],
    question: str,
    yes: bool,
    **told: object,
) -> Item:
    """Have a command carried out of which there is a preview; what that foresaw.

    Unless it is ``yes`` beforehand, what is foreseen is shown and the question asked, on stderr,
    because stdout has what came of it; any other answer ends it there.
    """
    preview = call(f"{command}-preview", **told)
    if not yes:
        show_item(foreseen(preview), err=True)
        go_on(question)
    call(command, **told)
    return preview


def go_on(question: str) -> None:
    """Go on only if the answer to a question is yes."""
    try:
        goes_on = click.confirm(question, err=True)
    except click.Abort as e:
        if sys.stdin.isatty():
            raise
        raise click.UsageError("Nobody can be asked here: --yes goes on unasked.") from e
    if not goes_on:
        raise click.ClickException("Nothing was changed.")


def show_preview(preview: Item, *, as_json: bool) -> None:
    """The command that was foreseen, in a sentence, and a table of the devices it touches."""
    if as_json:
        show_json(preview)
        return
    touched = preview["devices"]
    unsent, over = sum(it["unsent_edits"] for it in touched), sum(it["over_cap"] for it in touched)
    group, verb = preview["change"].split("/")
    click.echo(
        f"`{group} {verb}`: {preview['records_coming']} records come and"
        f" {preview['records_going']} go;"
        f" {len(touched)} devices, {unsent} unsent edits known there."
    )
    if over:
        click.echo(f"It would be refused: {over} devices would hold more than their cap.")
    show_items(
        touched,
        {
            "device": lambda it: f"{it['device']}.{it['generation']}",
            "holders": lambda it: ", ".join(it["practitioners"]),
            "records now": lambda it: by_way_in_words(it["by_way_now"]),
            "then": lambda it: by_way_in_words(it["by_way_then"]),
            "cap": "record_cap",
            "over": lambda it: "over" if it["over_cap"] else "",
            "unsent": "unsent_edits",
        },
        as_json=False,
        nothing="No device holds it.",
    )


def by_way_in_words(counts: Item) -> str:
    """Records on a device, and those that are held otherwise: ``120``, ``120, 40 tethered``."""
    others = [f"{counts[way.value]} {way.value}" for way in Way if way is not Way.OFFLINE]
    return ", ".join([str(counts["offline"]), *(each for each in others if each[0] != "0")])
