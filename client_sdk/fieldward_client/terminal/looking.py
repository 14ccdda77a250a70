"""``fieldward field search`` and ``show``: find a child on this device, open the entry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from fieldward_client import CallerMistake, Child, Hits, Session, Status
from fieldward_client.terminal import asking
from fieldward_client.terminal.card import card
from fieldward_client.terminal.header import header
from fieldward_client.terminal.hit_list import told
from fieldward_client.terminal.opening import look_up_options, looking
from fieldward_client.terminal.printing import say, show_json
from fieldward_client.terminal.terms import asked_for, asked_for_more, given, term_options


@click.command()
@term_options
@click.option("--typing", is_flag=True, help="List while you type: each line is what is typed.")
@look_up_options
def search(
    typing: bool,
    folder: Path,
    reason: str | None,
    on_behalf_of: str | None,
    as_json: bool,
    **terms: str | None,
) -> None:
    """Find a child on this device by whatever is remembered.

    Give nothing, and you are asked. Former names count, names the other way round too, and slips
    are forgiven: each hit says what does not agree exactly. At most 20 are shown, best first; if
    more fit, none is, and you are told what to add.

    \b
    Example:
      fieldward field search --family Okafor --born 2021
    """
    if typing and given(terms):
        raise click.UsageError("With --typing, type the name when you are asked for it.")
    with looking(folder, reason, on_behalf_of) as (device, session):
        if typing:
            list_as_typed(session, device.status(), as_json=as_json)
        else:
            find_and_open(
                session.search,
                session.open,
                given(terms) or asked_for(),
                device.status(),
                as_json=as_json,
            )


@click.command()
@click.argument("record", required=False)
@look_up_options
def show(
    record: str | None, folder: Path, reason: str | None, on_behalf_of: str | None, as_json: bool
) -> None:
    """Open the entry of a child, by the RECORD that a search shows.

    Each value stands behind the path by which `fieldward field edit` knows it.

    \b
    Example:
      fieldward field show r-00017 --reason home-visit
    """
    with looking(folder, reason, on_behalf_of) as (device, session):
        try:
            child = open_child(session, record)
        except CallerMistake as e:
            if e.code == "not-held":
                e.next_step = (
                    "It may have left with the last sync. The whole index, on line, has it still "
                    "if anybody has: fieldward field enquire --open RECORD"
                )
            raise
        if as_json:
            show_json(by_name(child))
        else:
            status = device.status()
            say(*header(status), *card(child, status))


def find_and_open(
    find: Callable[..., Hits],
    open_one: Callable[[str], Child],
    terms: dict[str, str],
    status: Status,
    *,
    as_json: bool,
    note: str = "",
) -> None:
    """Say what a search comes to; at a terminal ask for more if too many fit, and open hits.

    ``note`` is said of every entry that is opened.
    """
    hits = find(**terms)
    if as_json:
        _show_hits(hits)
        return
    say(*header(status), *told(hits, status))
    while hits.add and asking.can_ask() and (more := asked_for_more(terms)):
        terms |= more
        hits = find(**terms)
        say(*told(hits, status))
    while hits and (chosen := asking.which_to_open(len(hits))):
        say(*card(open_one(hits[chosen - 1].record_id), status), *filter(None, [note]))


def list_as_typed(session: Session, status: Status, *, as_json: bool) -> None:
    """A list for each line, which is what has been typed so far; a hit's number opens it."""
    ahead, hits = session.type_ahead(), None
    if not as_json:
        say(*header(status))
    for typed in asking.lines("Name so far, or a number to open (Enter: end)"):
        if hits and typed.isdecimal() and 1 <= int(typed) <= len(hits):
            say(*card(session.open(hits[int(typed) - 1].record_id), status))
            continue
        try:
            hits = ahead.list(typed)
        except CallerMistake as e:
            asking.tell(e.message)
            continue
        if as_json:
            show_json({**_why_none(hits), "hits": hits.hits})
        else:
            say(*told(hits, status))


def open_child(session: Session, record: str | None) -> Child:
    """The entry that was named, or that is asked for."""
    return session.open(record or asking.ask("Record, as a search shows it"))


def by_name(child: Child) -> dict[str, object]:
    """An entry for programs."""
    return {
        "record_id": child.record_id,
        "revision": child.revision,
        "shielded": child.shielded,
        "as_at": child.as_at,
        "values": child.values,
        "conflicts": child.conflicts,
        "disputes": child.disputes,
        "pending": sorted(child.pending),
    }


def _show_hits(hits: Hits) -> None:
    """A line for each hit; if there is none, one that says why."""
    for hit in hits:
        show_json(hit)
    if not hits:
        show_json(_why_none(hits))


def _why_none(hits: Hits) -> dict[str, object]:
    return {"answer": hits.answer, "add": hits.add, "unsearched": hits.unsearched}
