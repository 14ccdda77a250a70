"""``fieldward shield``: hide where a child can be found."""

from __future__ import annotations

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import ID
from fieldward_server.cli.signed import Commander, signed


@click.group("shield", cls=Group)
def command() -> None:
    """Shields: hide where a child can be found (H1)."""


@command.command("raise")
@click.argument("record", type=ID)
@signed(must_say_why=True)
def raise_(call: Commander, record: str) -> None:
    """Shield a RECORD: every device loses what it hides at its next sync.

    \b
    Example:
      fieldward shield raise 6f3k --authority E08000039 --reason court-order
    """
    call("shield/raise", record=record)


@command.command()
@click.argument("record", type=ID)
@signed(must_say_why=True)
def release(call: Commander, record: str) -> None:
    """Release every shield that stands on a RECORD now; a later one holds again.

    \b
    Example:
      fieldward shield release 6f3k --authority E08000039 --reason order-lifted
    """
    call("shield/release", record=record)
