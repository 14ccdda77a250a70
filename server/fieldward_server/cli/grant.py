"""``fieldward grant``: who may hold what, where."""

from __future__ import annotations

import click

from fieldward_server.cli.host import (
    PARTITION,
    Host,
    authority_option,
    device_option,
    pass_host,
    practitioner_option,
    reason_option,
)
from fieldward_server.services import partitions


@click.group("grant")
def command() -> None:
    """Grants: this practitioner, on this device, may hold this partition."""


@command.command()
@click.argument("partition", type=PARTITION)
@authority_option
@device_option
@practitioner_option
@pass_host
def give(host: Host, partition: str, authority: str, device: str, practitioner: str) -> None:
    """Let a practitioner hold a PARTITION on a device, from their next sync.

    \b
    Example:
      fieldward grant give central-hv --authority E08000039 --device d-1 --practitioner p-17
    """
    partitions.grant(
        host.platform,
        authority=authority,
        device=device,
        practitioner=practitioner,
        partition=partition,
        actor=host.actor,
        now=host.now(),
    )


@command.command()
@click.argument("partition", type=PARTITION)
@authority_option
@device_option
@practitioner_option
@reason_option
@pass_host
def take(
    host: Host, partition: str, authority: str, device: str, practitioner: str, reason: str
) -> None:
    """Take a PARTITION back: it is gone from the device after its next sync.

    \b
    Example:
      fieldward grant take central-hv --authority E08000039 --device d-1 --practitioner p-17 \\
        --reason left-team
    """
    partitions.take(
        host.platform,
        authority=authority,
        device=device,
        practitioner=practitioner,
        partition=partition,
        actor=host.actor,
        reason=reason,
        now=host.now(),
    )
