"""``fieldward population``: made-up children to play with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import AUTHORITY, json_option
from fieldward_server.cli.output import progress, show_items
from fieldward_server.population import (
    AUTHORITIES,
    CHILDREN_OF_ENGLAND,
    Country,
    Share,
    ndjson,
    plan,
    records_of,
)
from fieldward_sync.errors import CallerMistake

ALL = "all"


class _AuthorityOrAll(click.ParamType[str]):
    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return ALL if value == ALL else AUTHORITY.convert(value, param, ctx)


@click.group("population", cls=Group)
def command() -> None:
    """Make up children for demonstrations, tests and measurements."""


@command.command("generate")
@click.option(
    "--authority",
    "authorities",
    type=_AuthorityOrAll(),
    multiple=True,
    help="Whose children: an ONS code, several by repeating, or 'all' for all of England.",
)
@click.option(
    "--england",
    is_flag=True,
    help="All of England's, into a folder (--output), a file for each authority.",
)
@click.option(
    "--children",
    type=click.IntRange(1),
    help="How many in all; authorities get theirs by their size.  "
    f"[default: {CHILDREN_OF_ENGLAND:,} with --england]",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, other children."
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=lambda: len(os.sched_getaffinity(0)),
    help="How many work on it; the records are the same.  [default: one for each core]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    default="-",
    help="The file to write, or the folder.  [default: standard output]",
)
def generate(
    authorities: tuple[str, ...],
    england: bool,
    children: int | None,
    seed: int,
    processes: int,
    output: Path,
) -> None:
    """Write made-up records as NDJSON; same arguments, same records.

    With --england a run that was interrupted goes on where it was: what is in the folder is whole,
    and is not made again.

    \b
    Examples:
      fieldward population generate --authority E08000039 --children 5000 --seed 7 > pop.ndjson
      fieldward population generate --england --output england
    """
    if england == bool(authorities):
        raise CallerMistake(
            "whose-children",
            "Say whose children: --authority or --england, one of the two.",
            next_step="fieldward population authorities lists the authorities.",
        )
    if england:
        _make_country(output, children or CHILDREN_OF_ENGLAND, seed, processes)
        return
    if children is None:
        raise CallerMistake("how-many", "Say how many: --children 5000.")
    codes = AUTHORITIES if ALL in authorities else authorities
    shares = plan(codes, children=children, seed=seed)
    _tell_of_missing_numbers(shares)
    with click.open_file(str(output), "wb") as file, progress() as shown:
        task = shown.add_task("Making up children", total=children)
        for lines in ndjson(shares, processes=processes):
            file.write(lines.data)
            shown.advance(task, lines.records)


def _make_country(folder: Path, children: int, seed: int, processes: int) -> None:
    if str(folder) == "-":
        raise CallerMistake("no-folder", "All of England goes into a folder: --output england.")
    country = Country.begin(folder, children=children, seed=seed)
    _tell_of_missing_numbers(country.shares)
    unmade = sum(share.children for share in country.unmade())
    with progress() as shown:
        task = shown.add_task(
            "Making up children", total=country.children, completed=children - unmade
        )
        for records in country.make(processes=processes):
            shown.advance(task, records)
    click.echo(
        f"{country.children:,} records of {len(country.shares)} authorities in {folder}, "
        f"{unmade:,} of them made just now.",
        err=True,
    )


def _tell_of_missing_numbers(shares: tuple[Share, ...]) -> None:
    missing = sum(share.without_number for share in shares)
    if missing:
        click.echo(
            f"About {missing:,} children have no NHS number ('not-known-in-time'): the range that "
            "is kept for tests is too small for so many.",
            err=True,
        )


@command.command("weights")
@click.option(
    "--authority",
    "authorities",
    type=_AuthorityOrAll(),
    multiple=True,
    required=True,
    help="From whose children: an ONS code, several by repeating, or 'all' for all of England.",
)
@click.option(
    "--children",
    type=click.IntRange(2),
    required=True,
    help="How many in all; authorities get theirs by their size.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, other children."
)
@click.option(
    "--output",
    type=click.File("w"),
    default="-",
    help="The file to write.  [default: standard output]",
)
def weights(authorities: tuple[str, ...], children: int, seed: int, output: TextIO) -> None:
    """Estimate what agreements are worth in a search, and write it as a Python module.

    \b
    Example:
      fieldward population weights --authority E08000039 --children 20000 > parameters.py
    """
    # Not with every command: it takes half a second to load.
    from fieldward_server.population.estimation import as_module, estimate

    codes = AUTHORITIES if ALL in authorities else authorities
    shares = plan(codes, children=children, seed=seed)
    with progress() as shown:
        task = shown.add_task("Asking for children", total=len(shares))
        parameters = estimate(_one_by_one(shares, then=lambda: shown.advance(task)), seed=seed)
    named = " ".join(f"--authority {code}" for code in authorities)
    arguments = f"{named} --children {children} --seed {seed}"
    output.write(as_module(parameters, command=f"fieldward population weights {arguments}"))


def _one_by_one(
    shares: Iterable[Share], *, then: Callable[[], None]
) -> Iterator[Sequence[Mapping[str, object]]]:
    for share in shares:
        yield list(records_of(share))
        then()


@command.command("authorities")
@json_option
def authorities(as_json: bool) -> None:
    """List the authorities of England whose children can be made up.

    \b
    Example:
      fieldward population authorities
    """
    show_items(
        (
            {"code": it.code, "name": it.name, "residents": it.residents * 1000}
            for it in AUTHORITIES.values()
        ),
        {"code": "code", "name": "name", "residents": lambda it: f"{it['residents']:,}"},
        as_json=as_json,
        nothing="There are none.",
    )
