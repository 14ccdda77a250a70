"""``fieldward practitioner``: the people who look things up."""

from __future__ import annotations

from datetime import datetime

import click

from fieldward_server.cli.host import (
    DAY,
    ID,
    Host,
    authority_option,
    end_of_day,
    json_option,
    pass_host,
)
from fieldward_server.cli.output import moment, show_items
from fieldward_server.services.practitioners import add_practitioner, list_practitioners
from fieldward_sync.limits import ROLES


@click.group("practitioner")
def command() -> None:
    """The people who look things up, and until when they may (A6)."""


@command.command()
@click.argument("practitioner", type=ID)
@authority_option
@click.option("--name", required=True)
@click.option("--role", type=click.Choice(ROLES, case_sensitive=False), required=True)
@click.option("--team", required=True, help="The team's code, as it stands in involvements.")
@click.option("--vetted-until", type=DAY, required=True, help="Last day of their vetting.")
@click.option("--trained-until", type=DAY, required=True, help="Last day of their training.")
@pass_host
def add(
    host: Host,
    practitioner: str,
    authority: str,
    name: str,
    role: str,
    team: str,
    vetted_until: datetime,
    trained_until: datetime,
) -> None:
    """Add a PRACTITIONER by an id, or bring what is known of them up to date.

    \b
    Example:
      fieldward practitioner add p-17 --authority E08000039 --name "Ann Poole" \\
        --role health-visitor --team HV-CEN-1 \\
        --vetted-until 2027-03-31 --trained-until 2027-03-31
    """
    add_practitioner(
        host.platform,
        authority=authority,
        practitioner=practitioner,
        name=name,
        role=role,
        team=team,
        vetted_until=end_of_day(vetted_until),
        trained_until=end_of_day(trained_until),
        actor=host.actor,
        now=host.now(),
    )


@command.command("list")
@authority_option
@json_option
@pass_host
def list_(host: Host, authority: str, as_json: bool) -> None:
    """List the practitioners of an authority.

    \b
    Example:
      fieldward practitioner list --authority E08000039
    """
    show_items(
        list_practitioners(host.platform, authority),
        {
            "id": lambda it: it.practitioner,
            "name": lambda it: it.name,
            "role": lambda it: it.role,
            "team": lambda it: it.team,
            "vetted until": lambda it: moment(it.vetted_until),
            "trained until": lambda it: moment(it.trained_until),
        },
        as_json=as_json,
        nothing="There is no practitioner yet: `fieldward practitioner add`.",
    )
