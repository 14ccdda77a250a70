"""``fieldward field dispute``: say that somebody calls a value wrong or out of date (R2)."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from fieldward_client import CallerMistake
from fieldward_client.terminal import asking
from fieldward_client.terminal.card import whose
from fieldward_client.terminal.editing import standing
from fieldward_client.terminal.header import GOOD
from fieldward_client.terminal.looking import open_child
from fieldward_client.terminal.opening import look_up_options, looking
from fieldward_client.terminal.printing import say, show_json
from fieldward_client.terminal.wording import all_in_words
from fieldward_sync.limits import DISPUTED_BY


@click.command()
@click.argument("record", required=False)
@click.argument("path", required=False)
@click.option("--by", type=click.Choice(DISPUTED_BY), help="Who says so: the child is the subject.")
@look_up_options
def dispute(
    record: str | None,
    path: str | None,
    by: str | None,
    folder: Path,
    reason: str | None,
    on_behalf_of: str | None,
    as_json: bool,
) -> None:
    """Say that what stands at one field of an entry is disputed.

    The value at PATH of a RECORD stays as it is and is found by a search; that it is disputed is
    shown beside it, to everybody who sees it. The authority decides. If you know what is right,
    correct it with `fieldward field edit`. What is left out is asked for.

    \b
    Example:
      fieldward field dispute r-00017 address --by carer
    """
    with looking(folder, reason, on_behalf_of) as (_, session):
        child = open_child(session, record)
        path = path or asking.path()
        stood = standing(child, path)
        told = all_in_words(stood)
        if by is None:
            if stood == (None,):  # nobody is asked who disputes nothing
                raise CallerMistake("no-value", f"Nothing stands at {path}.")
            chosen = asking.choose(f"{whose(child)}: {path} is {told}.", "Who says so", DISPUTED_BY)
            by = DISPUTED_BY[chosen]
        child.dispute(path, by=by)
    if as_json:
        show_json({"record_id": child.record_id, "path": path, "by": by})
    else:
        said = f"{path} is marked as disputed; it stays as it is: {told}."
        say(Text(said, GOOD), "Kept on this device; it is sent with the next sync.")
