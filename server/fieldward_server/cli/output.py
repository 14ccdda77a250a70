"""How commands answer: tables for people, one JSON object a line for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import click
import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

Item = TypeVar("Item")

PIPED_WIDTH = 200
"""Columns of a table that does not go to a terminal."""


def show_items(
    items: Iterable[Item],
    columns: Mapping[str, Callable[[Item], object]],
    *,
    as_json: bool,
    nothing: str,
) -> None:
    """List values: a table with these columns, or a JSON object for each."""
    if as_json:
        for item in items:
            show_json(item)
        return
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for item in items:
        table.add_row(*(Text(str(cell(item))) for cell in columns.values()))
    if table.row_count:
        _console().print(table)
    else:
        click.echo(nothing)


def show_item(fields: Mapping[str, object]) -> None:
    """One value, a line for each of its fields."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in fields.items():
        table.add_row(Text(name, style="bold"), Text(str(value)))
    _console().print(table)


def show_json(value: Any) -> None:
    """A value as one line of JSON, its fields by name; bytes in base 64."""
    click.echo(msgspec.json.encode(_by_name(value)))


def _by_name(value: Any) -> Any:
    """The protocol's own values travel as arrays; people's programs want names."""
    if isinstance(value, msgspec.Struct):
        return {name: _by_name(inner) for name, inner in msgspec.structs.asdict(value).items()}
    if is_dataclass(value):
        return {field.name: _by_name(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_by_name(inner) for inner in value]
    return value


def moment(seconds: int) -> str:
    """A time for people, UTC; 0 stands for never."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds)) if seconds else "never"


def progress() -> Progress:
    """Progress on stderr, which vanishes when done; nothing where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console
