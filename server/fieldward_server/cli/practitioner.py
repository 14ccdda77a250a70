"""``fieldward practitioner``: the people who look things up."""

from __future__ import annotations

import time
from datetime import datetime

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import DAY, ID, end_of_day, json_option
from fieldward_server.cli.output import day, show_done, show_items
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.limits import ROLES

_CALLED = {"vetted_until": "vetting", "trained_until": "training"}


@click.group("practitioner", cls=Group)
def command() -> None:
    """The people who look things up, and until when they may (A6)."""


@command.command()
@click.argument("practitioner", type=ID)
@click.option("--name", required=True, help="What people call them.")
@click.option(
    "--role",
    type=click.Choice(ROLES, case_sensitive=False),
    metavar="ROLE",
    required=True,
    help=f"One of: {', '.join(sorted(ROLES))}.",
)
@click.option("--team", required=True, help="The team's code, as it stands in involvements.")
@click.option(
    "--vetted-until",
    type=DAY,
    metavar="YYYY-MM-DD",
    required=True,
    help="Last day of their vetting.",
)
@click.option(
    "--trained-until",
    type=DAY,
    metavar="YYYY-MM-DD",
    required=True,
    help="Last day of their training.",
)
@signed()
@json_option
def add(
    call: Commander,
    practitioner: str,
    vetted_until: datetime,
    trained_until: datetime,
    as_json: bool,
    **given: str,
) -> None:
    """Add a PRACTITIONER by an id, or bring what is known of them up to date.

    \b
    Example:
      fieldward practitioner add ann --authority E08000039 --name "Ann Poole" \\
        --role health-visitor --team HV-DAR-01 \\
        --vetted-until 2030-12-31 --trained-until 2030-12-31
    """
    until = {
        "vetted_until": end_of_day(vetted_until),
        "trained_until": end_of_day(trained_until),
    }
    call("practitioner/add", practitioner=practitioner, **until, **given)
    over = [what for what, last in until.items() if last < time.time()]
    show_done(
        {"practitioner": practitioner, **until, **given},
        f"{practitioner} is on record.",
        *(f"Their {_CALLED[what]} is over: devices of theirs get no lease." for what in over),
        as_json=as_json,
    )


@command.command("list")
@signed()
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List the practitioners of an authority.

    \b
    Example:
      fieldward practitioner list --authority E08000039
    """
    show_items(
        call.items("practitioner/list"),
        {
            "id": "practitioner",
            "name": "name",
            "role": "role",
            "team": "team",
            "vetted until": lambda it: day(it["vetted_until"]),
            "trained until": lambda it: day(it["trained_until"]),
        },
        as_json=as_json,
        nothing="There is no practitioner yet: `fieldward practitioner add`.",
    )
