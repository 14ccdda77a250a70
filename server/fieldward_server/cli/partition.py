"""``fieldward partition``: what is distributed, encrypted and leased as one."""

from __future__ import annotations

import click

from fieldward_server.cli.host import PARTITION, Host, authority_option, json_option, pass_host
from fieldward_server.cli.output import show_items
from fieldward_server.services.partitions import create_partition, list_partitions
from fieldward_server.services.sealing import seal_partitions


@click.group("partition")
def command() -> None:
    """Partitions: records of one authority that are distributed as one."""


@command.command()
@click.argument("partition", type=PARTITION)
@authority_option
@click.option("--title", required=True, help="What people call it.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    required=True,
    help='Which records: team:<TEAM>, "sector:<OUTWARD> <digit>", or all. Can be repeated.',
)
@pass_host
def create(host: Host, partition: str, authority: str, title: str, rules: tuple[str, ...]) -> None:
    """Make a PARTITION of the records that any of its rules chooses.

    \b
    Example:
      fieldward partition create central-hv --authority E08000039 \\
        --title "Health visitors, Central" --rule team:HV-CEN-1
    """
    records = create_partition(
        host.platform,
        authority=authority,
        partition=partition,
        title=title,
        rules=rules,
        actor=host.actor,
        now=host.now(),
    )
    click.echo(f"{partition} holds {records} records.")


@command.command("list")
@authority_option
@json_option
@pass_host
def list_(host: Host, authority: str, as_json: bool) -> None:
    """List an authority's partitions: their rules, records, files and holders.

    \b
    Example:
      fieldward partition list --authority E08000039
    """
    show_items(
        list_partitions(host.platform, authority),
        {
            "id": lambda it: it.partition,
            "title": lambda it: it.title,
            "rules": lambda it: ", ".join(it.rules),
            "records": lambda it: it.records,
            "feed": lambda it: it.feed,
            "published": lambda it: "never" if it.published_feed is None else it.published_feed,
            "key epoch": lambda it: it.key_epoch,
            "files": lambda it: it.files,
            "sealed bytes": lambda it: it.sealed_bytes,
            "holders": lambda it: it.holders,
        },
        as_json=as_json,
        nothing="There is no partition yet: `fieldward partition create`.",
    )


@command.command()
@pass_host
def seal(host: Host) -> None:
    """Bring all sealed files up to date now, as `serve` does in the background.

    \b
    Example:
      fieldward partition seal
    """
    click.echo(f"{seal_partitions(host.platform, host.now())} files made.")
