"""``fieldward partition``: what is distributed, encrypted and leased as one."""

from __future__ import annotations

from collections.abc import Iterator

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import PARTITION, json_option
from fieldward_server.cli.output import show_done, show_items
from fieldward_server.cli.previews import show_preview
from fieldward_server.cli.signed import Commander, signed
from fieldward_sync.ways import Way

_rules_option = click.option(
    "--rule",
    "rules",
    multiple=True,
    required=True,
    help='Which records: team:<TEAM>, "sector:<OUTWARD> <digit>", or all. Can be repeated.',
)


_way_argument = click.argument("way", type=click.Choice([way.value for way in Way]))


@click.group("partition", cls=Group)
def command() -> None:
    """Partitions: records of one authority that are distributed as one."""


@command.command()
@click.argument("partition", type=PARTITION)
@click.option("--title", required=True, help="What people call it.")
@_rules_option
@signed()
@json_option
def create(
    call: Commander, partition: str, title: str, rules: tuple[str, ...], as_json: bool
) -> None:
    """Make a PARTITION of the records that any of its rules chooses.

    \b
    Example:
      fieldward partition create central --authority E08000039 \\
        --title "Health visitors, Central" --rule team:HV-DAR-01
    """
    made = call("partition/create", partition=partition, title=title, rules=rules)
    show_done(made, *_held_by(partition, made["records"]), as_json=as_json)


@command.command()
@click.argument("partition", type=PARTITION)
@_rules_option
@signed(must_say_why=True)
@json_option
def change(call: Commander, partition: str, rules: tuple[str, ...], as_json: bool) -> None:
    """Have these rules, and no others, choose a PARTITION's records.

    Its devices follow at their first sync after the next files, which `serve` makes soon and
    `partition seal` now. `partition preview` says what it touches.

    \b
    Example:
      fieldward partition change central --authority E08000039 \\
        --rule team:HV-DAR-01 --rule "sector:M14 5" --reason teams-merged
    """
    made = call("partition/change", partition=partition, rules=rules)
    show_done(made, *_held_by(partition, made["records"]), as_json=as_json)


@command.command()
@click.argument("partition", type=PARTITION)
@_rules_option
@signed()
@json_option
def preview(call: Commander, partition: str, rules: tuple[str, ...], as_json: bool) -> None:
    """Say what it would touch to make a PARTITION by these rules, or to change it.

    \b
    Example:
      fieldward partition preview central --authority E08000039 --rule "sector:M14 5"
    """
    show_preview(call("partition/preview", partition=partition, rules=rules), as_json=as_json)


@command.command()
@click.argument("partition", type=PARTITION)
@_way_argument
@signed(must_say_why=True)
@json_option
def way(call: Commander, partition: str, way: str, as_json: bool) -> None:
    """Have devices hold a PARTITION in a WAY.

    offline: files and keys are on the device until its lease ends. warm: keys are in memory alone,
    gone at lock, and come back with a sync. tethered: nothing is there; whoever may hold it
    enquires on line. Devices follow at their next sync; `device loss-report` says
    which keys are not known to be gone. `partition preview-way` says what it touches.

    \b
    Example:
      fieldward partition way team-7 tethered --authority E08000039 --reason families-in-hiding
    """
    call("partition/way", partition=partition, way=way)
    show_done({"partition": partition, "way": way}, f"{partition} is held {way}.", as_json=as_json)


@command.command("preview-way")
@click.argument("partition", type=PARTITION)
@_way_argument
@signed()
@json_option
def preview_way(call: Commander, partition: str, way: str, as_json: bool) -> None:
    """Say what it would touch to have a PARTITION held in a WAY.

    \b
    Example:
      fieldward partition preview-way team-7 tethered --authority E08000039
    """
    show_preview(call("partition/preview-way", partition=partition, way=way), as_json=as_json)


@command.command("renew-key")
@click.argument("partition", type=PARTITION)
@signed(must_say_why=True)
@json_option
def renew_key(call: Commander, partition: str, as_json: bool) -> None:
    """Seal what a PARTITION's devices are to get from now on under a new key.

    They get it when their lease is renewed; nothing is fetched again for its sake. It happens by
    itself each month, and when a device loses the partition.

    \b
    Example:
      fieldward partition renew-key central --authority E08000039 --reason key-exposed
    """
    call("partition/renew-key", partition=partition)
    show_done({"partition": partition}, f"{partition} has a new key.", as_json=as_json)


@command.command("list")
@signed()
@json_option
def list_(call: Commander, as_json: bool) -> None:
    """List an authority's partitions: their rules, records, files, holders and ways.

    \b
    Example:
      fieldward partition list --authority E08000039
    """
    show_items(
        call.items("partition/list"),
        {
            "id": "partition",
            "title": "title",
            "rules": lambda it: ", ".join(it["rules"]),
            "held": "way",
            "records": "records",
            "holders": "holders",
            "published": lambda it: _published(it["published_feed"], it["feed"]),
            "kB": lambda it: f"{it['sealed_bytes'] / 1000:.1f}",
        },
        as_json=as_json,
        nothing="There is no partition yet: `fieldward partition create`.",
    )


@command.command()
@signed()
@json_option
def seal(call: Commander, as_json: bool) -> None:
    """Bring the sealed files up to date now, as `serve` does in the background.

    \b
    Example:
      fieldward partition seal --authority E08000039
    """
    made = call("partition/seal")
    show_done(made, f"Files made: {made['files']}.", as_json=as_json)


def _held_by(partition: str, records: int) -> Iterator[str]:
    yield f"{partition} holds {records:,} records."
    if not records:
        yield "No record fits its rules yet: compare them with the teams and postcodes you loaded."


def _published(published: int | None, feed: int) -> str:
    """How far devices can follow a partition's changes."""
    if published is None:
        return "not yet"
    return "all" if published == feed else f"{published} of {feed}"
