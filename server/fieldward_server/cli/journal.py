"""``fieldward journal``: the look-ups that devices have delivered, or that were made on line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import ID, json_option
from fieldward_server.cli.output import Cell, Item, moment, show_items
from fieldward_server.cli.signed import Commander, signed

_device_option = click.option("--device", type=ID, help="Of this device only.")


@click.group("journal", cls=Group)
def command() -> None:
    """Journals: every look-up, delivered by a device or made on line."""


@command.command()
@_device_option
@signed()
@json_option
@click.pass_context
def verify(context: click.Context, call: Commander, device: str | None, as_json: bool) -> None:
    """Check each journal from its first entry: order, hashes, signatures of seals.

    The journal of "server" is the log of what was asked on line. The exit code is 1 if any does not
    hold.

    \b
    Example:
      fieldward journal verify --authority E08000039
    """
    reports = call.items("journal/verify", **_of(device))
    show_items(
        reports,
        {
            "device": lambda it: f"{it['device']}.{it['generation']}",
            "entries": "size",
            "sealed": "sealed_size",
            "epochs": "epochs",
            "last seal": lambda it: moment(it["last_seal_at"]),
            "forks": "forks",
            "holds": lambda it: f"NO: {it['damage']}" if it["damage"] else "yes",
        },
        as_json=as_json,
        nothing="There is no journal.",
    )
    if any(it["damage"] for it in reports):
        context.exit(1)


@command.command()
@click.option(
    "--audit-key",
    "audit_key_files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    required=True,
    help="The authority's audit key, as `authority create` wrote it, and those before it, if there "
    "are any. They stay on this machine.",
)
@_device_option
@click.option(
    "--record",
    "records",
    type=ID,
    multiple=True,
    help="Only look-ups that found or opened this record. Can be repeated: for one that was "
    "merged or split, name each id.",
)
@click.option(
    "--practitioner",
    type=ID,
    help="Only look-ups that this practitioner made, or that were made for them.",
)
@signed(must_say_why=True)
@json_option
def show(
    call: Commander,
    audit_key_files: tuple[Path, ...],
    device: str | None,
    records: tuple[str, ...],
    practitioner: str | None,
    as_json: bool,
) -> None:
    """Open the look-ups: who looked at whom, when, why, and what was shown.

    Those of each device come first, in their order, then those that were made on an old copy of its
    folder; last, those that were made on line. One that does not open is always among them: nobody
    knows whose it was, or about whom.

    \b
    Example, for a family that asks who looked at their child:
      fieldward journal show --authority E08000039 --audit-key keys/E08000039-audit-key \\
        --record 6f3k --reason family-request
    """
    from fieldward_server.cli.key_files import AUDIT, read_key
    from fieldward_server.services.look_ups.sealed_look_ups import require_audit_seed

    seeds = [read_key(file, purpose=AUDIT, authority=call.authority) for file in audit_key_files]
    require_audit_seed(call.administration.trust(call.authority), seeds)
    show_items(
        (
            it
            for it in _opened(call, device, seeds)
            if _is_about(it["look_up"], records) and _is_of(it["look_up"], practitioner)
        ),
        {
            "device": lambda it: f"{it['device']}.{it['generation']}",
            "made": _how_made,
            "entry": "sequence",
            "when": _of_look_up(lambda it: moment(it["at"])),
            "who": _of_look_up(_who),
            "why": _of_look_up("reason"),
            "what": _of_look_up(_what),
            "outcome": _of_look_up("outcome"),
            "records": _of_look_up(lambda it: ", ".join(it["records"])),
            "query": _of_look_up(lambda it: it["query"].hex()[:8]),
        },
        as_json=as_json,
        nothing="There is no look-up.",
    )


def _opened(call: Commander, device: str | None, seeds: Sequence[bytes]) -> Iterator[Item]:
    """Page after page, opened here."""
    import msgspec

    from fieldward_server.cli.administration import malformed
    from fieldward_server.services.look_ups.sealed_look_ups import SealedPage, open_look_ups

    position: dict[str, str] = {}
    while True:
        answer = call("journal/delivered", **_of(device), **position)
        try:
            page = msgspec.convert(answer, type=SealedPage)
        except msgspec.ValidationError as e:
            raise malformed() from e
        for delivered in open_look_ups(page, seeds):
            look_up = delivered.look_up
            yield {
                **vars(delivered),
                "look_up": None if look_up is None else msgspec.structs.asdict(look_up),
            }
        if page.after is None:
            return
        position = {"after": page.after}


def _is_about(look_up: Item | None, records: Sequence[str]) -> bool:
    """Whether a look-up may be of one of these records, if any are named."""
    return not records or look_up is None or not set(records).isdisjoint(look_up["records"])


def _is_of(look_up: Item | None, practitioner: str | None) -> bool:
    """Whether a look-up may be a practitioner's, or made for them (A3), if one is named."""
    if practitioner is None or look_up is None:
        return True
    return practitioner in (look_up["practitioner"], look_up["on_behalf_of"])


def _of(device: str | None) -> dict[str, str]:
    return {} if device is None else {"device": device}


def _of_look_up(cell: Cell) -> Callable[[Item], object]:
    """A cell of a look-up; an entry that does not open has none."""

    def shown(item: Item) -> object:
        look_up = item["look_up"]
        if look_up is None:
            return "does not open"
        return look_up[cell] if isinstance(cell, str) else cell(look_up)

    return shown


def _how_made(item: Item) -> str:
    if item["online"]:
        return "on line"
    return "on a copy" if item["forked"] else "off line"


def _who(look_up: Item) -> str:
    if look_up["on_behalf_of"] is None:
        return str(look_up["practitioner"])
    return f"{look_up['practitioner']} for {look_up['on_behalf_of']}"


def _what(look_up: Item) -> str:
    terms = " ".join(f"{name}={value}" for name, value in look_up["terms"].items())
    return f"{look_up['action']} {terms}".strip()
