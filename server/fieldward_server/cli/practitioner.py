"""``fieldward practitioner``: the people who look things up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import click

from fieldward_server.cli.custody import holding_in_words
from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import DAY, ID, end_of_day, json_option
from fieldward_server.cli.output import (
    Item,
    ago,
    day,
    moment,
    show_done,
    show_item,
    show_items,
    show_json,
)
from fieldward_server.cli.previews import go_on
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.limits import ROLES

_CALLED = {"vetted_until": "vetting", "trained_until": "training"}


@click.group("practitioner", cls=Group)
def command() -> None:
    """The people who look things up, and until when they may (A6)."""


_practitioner_argument = click.argument("practitioner", type=ID)


@command.command()
@_practitioner_argument
@click.option("--name", required=True, help="What people call them.")
@click.option(
    "--role",
    type=click.Choice(ROLES, case_sensitive=False),
    metavar="ROLE",
    required=True,
    help=f"One of: {', '.join(sorted(ROLES))}.",
)
@click.option("--team", required=True, help="The team's code, as it stands in involvements.")
@click.option("--employer", required=True, help="The organisation that they work for.")
@click.option("--manager", required=True, help="Who is told when they are suspended, by name.")
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
        --employer "Sheffield Community Health" --manager "Joan Reid" \\
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
            "suspended": lambda it: moment(it["suspended_at"]) if it["suspended_at"] else "",
        },
        as_json=as_json,
        nothing="There is no practitioner yet: `fieldward practitioner add`.",
    )


@command.command()
@_practitioner_argument
@signed()
@json_option
def show(call: Commander, practitioner: str, as_json: bool) -> None:
    """Show a PRACTITIONER: their devices, and what they can read there until when.

    \b
    Example:
      fieldward practitioner show ann --authority E08000039
    """
    report = call("practitioner/show", practitioner=practitioner)
    if as_json:
        show_json(report)
    else:
        show_item(dict(_described(report)))


@command.command()
@_practitioner_argument
@click.option("--yes", is_flag=True, help="Do not show what they hold and ask first.")
@signed(must_say_why=True)
@json_option
def suspend(call: Commander, practitioner: str, yes: bool, as_json: bool) -> None:
    """Shut a PRACTITIONER out of all of their devices until they are resumed (A4).

    Whoever shares a device with them works on. What they typed is still delivered, and their
    look-ups come in: `journal show` has them. A device that is not heard again reads to the end of
    its lease; `practitioner show` says when each was heard last.

    \b
    Example:
      fieldward practitioner suspend ann --authority E08000039 --reason suspicion
    """
    if not yes:
        report = call("practitioner/show", practitioner=practitioner)
        show_item(dict(_described(report)), err=True)
        go_on("Suspend them?")
    person = call("practitioner/suspend", practitioner=practitioner)
    show_done(
        {name: person[name] for name in ("practitioner", "employer", "manager")},
        f"{practitioner} is suspended: each of their devices shuts for them at its next contact.",
        f"Tell their manager ({_manager(person)}), and look into it at once:"
        f" `fieldward journal show --practitioner {practitioner} --audit-key FILE"
        " --reason suspicion`.",
        as_json=as_json,
    )


@command.command()
@_practitioner_argument
@signed(must_say_why=True)
@json_option
def resume(call: Commander, practitioner: str, as_json: bool) -> None:
    """Let a suspended PRACTITIONER work again.

    \b
    Example:
      fieldward practitioner resume ann --authority E08000039 --reason nothing-found
    """
    call("practitioner/resume", practitioner=practitioner)
    show_done(
        {"practitioner": practitioner},
        f"{practitioner} works again: on each device from its next sync.",
        as_json=as_json,
    )


def _manager(person: Item) -> str:
    if not person["manager"]:  # added before one was asked for
        return "not on record"
    return f"{person['manager']} of {person['employer']}"


def _described(report: Item) -> Iterator[tuple[str, object]]:
    person = report["practitioner"]
    yield "practitioner", f"{person['practitioner']}, {person['name']}"
    yield "role", f"{person['role']}, team {person['team']}"
    yield "manager", _manager(person)
    yield "vetted until", day(person["vetted_until"])
    yield "trained until", day(person["trained_until"])
    if person["suspended_at"]:
        yield "suspended", moment(person["suspended_at"])
    for on in report["devices"]:
        yield (
            f"on {on['device']}.{on['generation']}",
            f"{on['name']}, {on['access']}, seen {ago(on['last_contact'])}; "
            f"{holding_in_words(on['holding'])}",
        )
