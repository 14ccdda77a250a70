"""``fieldward records``: load them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import click
import msgspec

from fieldward_server.cli.host import AUTHORITY, Host, json_option, pass_host
from fieldward_server.cli.output import progress, show_item, show_json
from fieldward_server.services.records import LineVerdict, load_records

OUTCOMES = ("created", "changed", "unchanged", "refused")
SHOWN_REFUSALS = 10


@click.group("records")
def command() -> None:
    """Bring records in."""


@command.command()
@click.argument("file", type=click.File("rb"))
@click.option("--authority", type=AUTHORITY, help="Refuse records of any other authority.")
@click.option(
    "--verdicts",
    "verdict_file",
    type=click.File("wb"),
    help="Write what became of each line here, as NDJSON.",
)
@json_option
@pass_host
def load(
    host: Host, file: BinaryIO, authority: str | None, verdict_file: BinaryIO | None, as_json: bool
) -> None:
    """Load records from an NDJSON FILE ("-": stdin); a bad line stops no other.

    Loading a file again changes nothing. The exit code is 1 if any line was refused.

    \b
    Example:
      fieldward records load pop.ndjson --verdicts verdicts.ndjson
    """
    verdicts = load_records(
        host.platform, _lines(file), authority=authority, actor=host.actor, now=host.now()
    )
    counts = _count(verdicts, verdict_file)
    if as_json:
        show_json(counts)
    else:
        show_item(counts)
    if counts["refused"]:
        sys.exit(1)


def _lines(file: BinaryIO) -> Iterator[str]:
    with progress() as shown:
        task = shown.add_task("Loading records", total=_size(file))
        for line in file:
            shown.advance(task, len(line))
            yield line.decode("utf-8", errors="replace")


def _size(file: BinaryIO) -> int | None:
    """Its length in bytes, where that can be known."""
    if not file.seekable():
        return None
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _count(verdicts: Iterable[LineVerdict], verdict_file: BinaryIO | None) -> dict[str, int]:
    """How many lines had each outcome; the first refusals are named on stderr."""
    counts = Counter(dict.fromkeys(OUTCOMES, 0))
    for verdict in verdicts:
        counts[verdict.outcome] += 1
        if verdict_file is not None:
            verdict_file.write(msgspec.json.encode(verdict) + b"\n")
        elif verdict.outcome == "refused" and counts["refused"] <= SHOWN_REFUSALS:
            click.echo(
                f"line {verdict.line}: {verdict.field or 'record'}: {verdict.reason}", err=True
            )
    return dict(counts)
