"""``fieldward field search`` and ``show``: find a child, open the entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import Child, Hit, Session, Status
from fieldward_client.terminal import asking
from fieldward_client.terminal.card import as_at, card
from fieldward_client.terminal.header import ATTENTION, QUIET, header
from fieldward_client.terminal.opening import look_up_options, looking
from fieldward_client.terminal.printing import say, show_json, table, whole
from fieldward_client.terminal.wording import many
from fieldward_sync.search import MAX_HITS

MAX_NAMED = 3
"""Look-alikes of one hit that are named by their numbers."""

_QUESTIONS = {
    "family": "Family name",
    "given": "Given name",
    "born": "Born (2021, 2021-03 or 2021-03-14)",
    "postcode": "Postcode, or its beginning",
    "nhs_number": "NHS number",
}


@click.command()
@click.option("--family", help="Family name, in any spelling.")
@click.option("--given", help="Given name, in any spelling.")
@click.option("--born", help="2021, 2021-03 or 2021-03-14.")
@click.option("--postcode", help="A postcode, or its beginning.")
@click.option("--nhs-number", help="An NHS number, whole.")
@look_up_options
def search(
    folder: Path,
    reason: str | None,
    on_behalf_of: str | None,
    as_json: bool,
    **terms: str | None,
) -> None:
    """Find a child by whatever is remembered.

    Give nothing, and you are asked. Former names count, and slips in the spelling are forgiven. At
    most 20 are shown, best first.

    \b
    Example:
      fieldward field search --family Okafor --born 2021
    """
    with looking(folder, reason, on_behalf_of) as (device, session):
        hits = session.search(**(_given(terms) or _asked_for()))
        if as_json:
            for hit in hits:
                show_json(hit)
        else:
            status = device.status()
            say(*header(status))
            _say_hits(hits, status)
            while hits and (chosen := asking.which_to_open(len(hits))):
                say(*card(session.open(hits[chosen - 1].record_id), status))


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
        child = open_child(session, record)
        if as_json:
            show_json(_by_name(child))
        else:
            status = device.status()
            say(*header(status))
            say(*card(child, status))


def open_child(session: Session, record: str | None) -> Child:
    """The entry that was named, or that is asked for."""
    return session.open(record or asking.ask("Record, as a search shows it"))


def _given(terms: dict[str, str | None]) -> dict[str, str]:
    return {name: term for name, term in terms.items() if term}


def _asked_for() -> dict[str, str]:
    asking.tell("What do you remember? Enter passes over a question.")
    return {name: asking.ask(question, default="") for name, question in _QUESTIONS.items()}


def _say_hits(hits: Sequence[Hit], status: Status) -> None:
    if not hits:
        say(*_nobody(status))
        return
    look_alikes = _look_alikes(hits)
    rows = (
        (
            Text(str(number), QUIET),
            Text(f"{hit.family}, {hit.given}", style="bold"),
            Text(hit.born),
            Text(hit.postcode_district),
            Text(hit.record_id),
            Text("; ".join(_notes(hit, look_alikes[number])), ATTENTION),
        )
        for number, hit in enumerate(hits, start=1)
    )
    columns = (whole(""), "Name", whole("Born"), whole("Area"), whole("Record"), "Note")
    say(table(*columns, rows=rows))
    if any(look_alikes.values()):
        say(Text("Some are alike: compare given name, birth date and area.", ATTENTION))
    if len(hits) == MAX_HITS:
        say(Text(f"These are the best {MAX_HITS}; there may be more. Say more of the child."))
    say(as_at(min(hit.as_at for hit in hits), status))


def _nobody(status: Status) -> Iterator[Text]:
    """Not on this device: which is another answer than that there is no such child."""
    held = sum(partition.records for partition in status.partitions)
    titles = ", ".join(partition.title for partition in status.partitions)
    yield Text("Not on this device.", style="bold")
    yield Text(
        "That does not mean that there is no such child: searched were the "
        f"{many(held, 'entry', 'entries')} held here ({titles or 'no partition'}). "
        "Try less of the name, or ask your team's office to search the whole index."
    )


def _notes(hit: Hit, look_alikes: Sequence[int]) -> Iterator[str]:
    if len(look_alikes) > MAX_NAMED:
        yield f"like {len(look_alikes)} others"
    elif look_alikes:
        yield f"like {', '.join(map(str, look_alikes))}"
    if hit.shielded:
        yield "shielded"
    if hit.conflicts:
        yield "in conflict"
    if hit.pending:
        yield "not sent yet"


def _look_alikes(hits: Sequence[Hit]) -> dict[int, list[int]]:
    """For each hit by its number from 1, the others that may be its twin or namesake."""
    numbered = list(enumerate(hits, start=1))
    return {
        number: [other for other, its in numbered if other != number and _is_alike(hit, its)]
        for number, hit in numbered
    }


def _is_alike(one: Hit, other: Hit) -> bool:
    if one.family.casefold() != other.family.casefold():
        return False
    return one.born == other.born or one.given.casefold() == other.given.casefold()


def _by_name(child: Child) -> dict[str, object]:
    return {
        "record_id": child.record_id,
        "revision": child.revision,
        "shielded": child.shielded,
        "as_at": child.as_at,
        "values": child.values,
        "conflicts": child.conflicts,
        "pending": sorted(child.pending),
    }
