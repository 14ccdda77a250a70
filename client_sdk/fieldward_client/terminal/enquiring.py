"""``fieldward field enquire``: ask the authority's whole index, on line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import RetryLater
from fieldward_client.terminal.card import card
from fieldward_client.terminal.header import QUIET, header
from fieldward_client.terminal.looking import by_name, find_and_open
from fieldward_client.terminal.opening import look_up_options, looking
from fieldward_client.terminal.printing import say, show_json
from fieldward_client.terminal.synchronising import LATER
from fieldward_client.terminal.terms import asked_for, given, term_options

NOT_KEPT = "Read on line: it is not kept on this device, and cannot be edited here."


@click.command()
@term_options
@click.option("--open", "record", metavar="RECORD", help="Open this one instead of searching.")
@look_up_options
def enquire(
    record: str | None,
    folder: Path,
    reason: str | None,
    on_behalf_of: str | None,
    as_json: bool,
    **terms: str | None,
) -> None:
    """Ask the authority's whole index, on line, for a child who is not on this device.

    It takes what `fieldward field search` takes, and needs signal. The server puts it on record
    before it answers. Entries are opened one at a time, to be read; nothing of them is kept here.

    \b
    Example:
      fieldward field enquire --family Okafor --born 2021-03-14
    """
    if record and given(terms):
        raise click.UsageError("Give --open or what to search for, not both.")
    with looking(folder, reason, on_behalf_of) as (device, session), _calm_offline(as_json):
        if record is None:
            find_and_open(
                session.enquire,
                session.open_enquired,
                given(terms) or asked_for(),
                device.status(),
                as_json=as_json,
                note=NOT_KEPT,
            )
            return
        child = session.open_enquired(record)
        if as_json:
            show_json(by_name(child))
        else:
            status = device.status()
            say(*header(status), *card(child, status), NOT_KEPT)


@contextmanager
def _calm_offline(as_json: bool) -> Iterator[None]:
    """Being offline is told to people as after a sync, with the same exit code."""
    try:
        yield
    except RetryLater as e:
        if as_json or e.code != "offline":
            raise
        say(
            Text(
                "Offline: the server was not reached, and the whole index is only there. "
                "What is on this device can be searched: fieldward field search",
                QUIET,
            )
        )
        click.get_current_context().exit(LATER)
