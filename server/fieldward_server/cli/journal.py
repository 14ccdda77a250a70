"""``fieldward journal``: the look-ups that devices have delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import click

from fieldward_server.cli.host import ID, Host, authority_option, json_option, pass_host
from fieldward_server.cli.key_files import AUDIT, read_key
from fieldward_server.cli.output import moment, show_items
from fieldward_server.services.devices import list_devices
from fieldward_server.services.journals import (
    DeliveredLookUp,
    JournalReport,
    read_look_ups,
    verify_journal,
)
from fieldward_sync.journal import LookUp

_device_option = click.option("--device", type=ID, help="Of this device only.")


@click.group("journal")
def command() -> None:
    """Journals: every look-up that devices have delivered."""


@command.command()
@authority_option
@_device_option
@json_option
@pass_host
def verify(host: Host, authority: str, device: str | None, as_json: bool) -> None:
    """Check each journal from its first entry: order, hashes, signatures of seals.

    \b
    Example:
      fieldward journal verify --authority E08000039
    """
    show_items(
        _verified(host, authority, device),
        {
            "device": lambda it: f"{it.device}.{it.generation}",
            "entries": lambda it: it.size,
            "sealed": lambda it: it.sealed_size,
            "epochs": lambda it: it.epochs,
            "last seal": lambda it: moment(it.last_seal_at),
            "forks": lambda it: it.forks,
        },
        as_json=as_json,
        nothing="There is no journal.",
    )


@command.command()
@authority_option
@click.option(
    "--audit-key",
    "audit_key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The authority's audit key, as `authority create` wrote it.",
)
@_device_option
@json_option
@pass_host
def show(
    host: Host, authority: str, audit_key_file: Path, device: str | None, as_json: bool
) -> None:
    """Open the look-ups: who looked at whom, when, why, and what was shown.

    \b
    Example:
      fieldward journal show --authority E08000039 --audit-key keys/E08000039-audit-key
    """
    seed = read_key(audit_key_file, purpose=AUDIT, authority=authority)
    show_items(
        read_look_ups(host.platform, authority=authority, audit_seed=seed, device=device),
        {
            "device": lambda it: f"{it.device}.{it.generation}",
            "entry": lambda it: it.sequence,
            "when": _of_look_up(lambda it: moment(it.at)),
            "who": _of_look_up(_who),
            "why": _of_look_up(lambda it: it.reason),
            "what": _of_look_up(_what),
            "outcome": _of_look_up(lambda it: it.outcome),
            "records": _of_look_up(lambda it: ", ".join(it.records)),
        },
        as_json=as_json,
        nothing="There is no look-up.",
    )


def _verified(host: Host, authority: str, device: str | None) -> Iterator[JournalReport]:
    for found in list_devices(host.platform, authority, now=host.now()):
        if device is None or found.device == device:
            yield verify_journal(
                host.platform,
                authority=authority,
                device=found.device,
                generation=found.generation,
            )


def _of_look_up(cell: Callable[[LookUp], object]) -> Callable[[DeliveredLookUp], object]:
    """A cell of a look-up; an entry that does not open has none."""
    return lambda it: "does not open" if it.look_up is None else cell(it.look_up)


def _who(look_up: LookUp) -> str:
    if look_up.on_behalf_of is None:
        return look_up.practitioner
    return f"{look_up.practitioner} for {look_up.on_behalf_of}"


def _what(look_up: LookUp) -> str:
    terms = " ".join(f"{name}={value}" for name, value in look_up.terms.items())
    return f"{look_up.action} {terms}".strip()
