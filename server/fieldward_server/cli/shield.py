"""``fieldward shield``: hide where a child can be found."""

from __future__ import annotations

import click

from fieldward_server.cli.host import ID, Host, authority_option, pass_host, reason_option
from fieldward_server.services.shields import raise_shield, release_shield


@click.group("shield")
def command() -> None:
    """Shields: hide where a child can be found (H1)."""


@command.command("raise")
@click.argument("record", type=ID)
@authority_option
@reason_option
@pass_host
def raise_(host: Host, record: str, authority: str, reason: str) -> None:
    """Shield a RECORD: every device loses what it hides at its next sync.

    \b
    Example:
      fieldward shield raise 6f3k --authority E08000039 --reason court-order
    """
    raise_shield(
        host.platform,
        authority=authority,
        record_id=record,
        actor=host.actor,
        reason=reason,
        now=host.now(),
    )


@command.command()
@click.argument("record", type=ID)
@authority_option
@reason_option
@pass_host
def release(host: Host, record: str, authority: str, reason: str) -> None:
    """Release every shield that stands on a RECORD now; a later one holds again.

    \b
    Example:
      fieldward shield release 6f3k --authority E08000039 --reason order-lifted
    """
    release_shield(
        host.platform,
        authority=authority,
        record_id=record,
        actor=host.actor,
        reason=reason,
        now=host.now(),
    )
