"""``fieldward grant``: who may hold what, where."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import (
    PARTITION,
    device_option,
    json_option,
    practitioner_option,
)
from fieldward_server.cli.output import show_done
from fieldward_server.cli.previews import show_preview
from fieldward_server.cli.signed import Commander, signed


@click.group("grant", cls=Group)
def command() -> None:
    """Grants: this practitioner, on this device, may hold this partition."""


@command.command()
@click.argument("partition", type=PARTITION)
@device_option
@practitioner_option
@signed()
@json_option
def give(call: Commander, as_json: bool, **grant: str) -> None:
    """Let a practitioner hold a PARTITION on a device, from their next sync.

    \b
    Example:
      fieldward grant give central --authority E08000039 --device d-1 --practitioner ann
    """
    call("grant/give", **grant)
    show_done(grant, _from_the_next_sync("may hold", grant), as_json=as_json)


@command.command()
@click.argument("partition", type=PARTITION)
@device_option
@practitioner_option
@signed(must_say_why=True)
@json_option
def take(call: Commander, as_json: bool, **grant: str) -> None:
    """Take a PARTITION back: it is gone from the device after its next sync.

    \b
    Example:
      fieldward grant take central --authority E08000039 --device d-1 --practitioner ann \\
        --reason left-team
    """
    call("grant/take", **grant)
    show_done(grant, _from_the_next_sync("no longer holds", grant), as_json=as_json)


@command.command()
@click.argument("partition", type=PARTITION)
@device_option
@practitioner_option
@signed()
@json_option
def preview(call: Commander, as_json: bool, **grant: str) -> None:
    """Say what it would touch to give a PARTITION; where it is given, to take it.

    \b
    Example:
      fieldward grant preview central --authority E08000039 --device d-1 --practitioner ann
    """
    show_preview(call("grant/preview", **grant), as_json=as_json)


def _from_the_next_sync(verb: str, grant: dict[str, str]) -> str:
    return (
        f"{grant['practitioner']} {verb} {grant['partition']} on {grant['device']},"
        " from the next sync there."
    )
