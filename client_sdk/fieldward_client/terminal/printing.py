"""What the terminal's commands print: lines and tables for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Column, Table

from fieldward_client import SyncProgress
from fieldward_client.wire.report import Progress as Tell
from fieldward_sync.json_lines import json_line

_STEPS = {"deliver": "Sending", "wait": "Waiting in line", "fetch": "Fetching", "open": "Checking"}


def say(*lines: RenderableType) -> None:
    """Print for people."""
    console = Console(highlight=False)
    for line in lines:
        console.print(line)


def show_json(value: Any) -> None:
    """Print for programs: one value as one line of JSON."""
    click.echo(json_line(value))


def whole(heading: str) -> Column:
    """A column whose cells are never broken or cut: what is typed again."""
    return Column(heading, no_wrap=True)


def table(*columns: str | Column, rows: Iterable[Iterable[RenderableType]]) -> Table:
    """Rows under these headings, no wider than the terminal: a long word is broken, never cut."""
    folding = (
        each if isinstance(each, Column) else Column(each, overflow="fold") for each in columns
    )
    made = Table(*folding, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        made.add_row(*row)
    return made


@contextmanager
def progress_of_sync() -> Iterator[Tell]:
    """How far a sync is, on stderr while it runs; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        first = progress.add_task("Reaching the server", total=None)
        tasks = {step: progress.add_task(name, visible=False) for step, name in _STEPS.items()}

        def tell(so_far: SyncProgress) -> None:
            progress.update(first, visible=False)
            progress.update(
                tasks[so_far.step], completed=so_far.done, total=so_far.total, visible=True
            )

        yield tell
