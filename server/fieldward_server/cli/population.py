"""``fieldward population``: made-up children to play with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

import click

from fieldward_server.cli.host import AUTHORITY
from fieldward_server.cli.output import progress
from fieldward_server.population import generate, write_ndjson

Item = TypeVar("Item")


@click.group("population")
def command() -> None:
    """Make up children for demonstrations, tests and measurements."""


@command.command("generate")
@click.option("--authority", type=AUTHORITY, required=True, help="Whose children: an ONS code.")
@click.option("--children", type=click.IntRange(1), required=True, help="How many.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, other children."
)
@click.option(
    "--output",
    type=click.File("w", encoding="utf-8"),
    default="-",
    help="The file to write.  [default: standard output]",
)
def generate_(authority: str, children: int, seed: int, output: TextIO) -> None:
    """Write made-up records of one authority as NDJSON; same arguments, same records.

    \b
    Example:
      fieldward population generate --authority E08000039 --children 5000 --seed 7 > pop.ndjson
    """
    records = generate(authority=authority, children=children, seed=seed)
    write_ndjson(_counted(records, total=children), output)


def _counted(records: Iterable[Item], *, total: int) -> Iterator[Item]:
    with progress() as shown:
        yield from shown.track(records, total=total, description="Making up children")
