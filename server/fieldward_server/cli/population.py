"""``fieldward population``: made-up children to play with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TextIO

import click

from fieldward_server.cli.groups import Group
from fieldward_server.cli.options import AUTHORITY, json_option
from fieldward_server.cli.output import progress, show_items
from fieldward_server.population import AUTHORITIES, Share, ndjson, plan, records_of

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
    required=True,
    help="Whose children: an ONS code, several by repeating, or 'all' for all of England.",
)
@click.option(
    "--children",
    type=click.IntRange(1),
    required=True,
    help="How many in all; authorities get theirs by their size.",
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
    type=click.File("wb"),
    default="-",
    help="The file to write.  [default: standard output]",
)
def generate(
    authorities: tuple[str, ...], children: int, seed: int, processes: int, output: BinaryIO
) -> None:
    """Write made-up records as NDJSON; same arguments, same records.

    \b
    Example:
      fieldward population generate --authority E08000039 --children 5000 --seed 7 > pop.ndjson
    """
    codes = AUTHORITIES if ALL in authorities else authorities
    shares = plan(codes, children=children, seed=seed)
    _tell_of_missing_numbers(shares)
    with progress() as shown:
        task = shown.add_task("Making up children", total=children)
        for lines in ndjson(shares, processes=processes):
            output.write(lines.data)
            shown.advance(task, lines.records)


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
