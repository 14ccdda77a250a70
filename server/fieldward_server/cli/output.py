"""How commands answer: tables for people, one JSON object a line for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

# rich is imported where something is shown: completing a command takes a third of the time.

Item = Mapping[str, Any]
Cell = str | Callable[[Item], object]
"""What a column shows of an item: one of its values by name, or what is made of them."""

DAY_SECONDS = 24 * 3600
PIPED_WIDTH = 200
"""Columns of a table that does not go to a terminal."""


def show_items(
    items: Iterable[Item], columns: Mapping[str, Cell], *, as_json: bool, nothing: str
) -> None:
    """List values: a table with these columns, or a JSON object for each.

    Nothing is ever cut, because ids are typed again: where the longest words of a row do not stand
    side by side in the terminal, each value gets a line for each column instead.
    """
    if as_json:
        for item in items:
            show_json(item)
        return
    rows = [[_shown(cell, item) for cell in columns.values()] for item in items]
    if not rows:
        click.echo(nothing)
        return
    console = _console()
    if table := _table(list(columns), rows, width=console.width):
        console.print(table)
        return
    for row in rows:
        show_item({name: cell for name, cell in zip(columns, row, strict=True) if cell})
        click.echo()


def show_item(fields: Mapping[str, object], *, err: bool = False) -> None:
    """One value, a line for each of its fields; on stderr if it is part of a question."""
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(
        Column(no_wrap=True), Column(overflow="fold"), box=None, show_header=False, pad_edge=False
    )
    for name, value in fields.items():
        table.add_row(Text(name, style="bold"), Text(_printable(str(value))))
    _console(err=err).print(table)


def show_done(result: Mapping[str, object], *sentences: str, as_json: bool) -> None:
    """What came of a command: in sentences, or its values for programs."""
    if as_json:
        show_json(result)
    else:
        for sentence in sentences:
            click.echo(sentence)


def show_json(value: object) -> None:
    """A value as one line of JSON."""
    # Imported here: what is completed or explained needs no JSON.
    from fieldward_sync.json_lines import json_line

    click.echo(json_line(value))


def moment(seconds: int) -> str:
    """A time for people, UTC; 0 stands for never."""
    return time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(seconds)) if seconds else "never"


def ago(seconds: int) -> str:
    """How long ago a time is, for people, in its largest unit; 0 stands for never."""
    if not seconds:
        return "never"
    passed = max(0, int(time.time()) - seconds)
    for unit, length in (("d", DAY_SECONDS), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{passed // length} {unit} ago"
    return "just now"


def day(seconds: int) -> str:
    """The day of a time for people, UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def progress() -> Progress:
    """Progress on stderr, which vanishes when done; nothing where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> Table | None:
    """Rows in so many columns of a terminal, lines broken between words alone; ``None`` if there is
    no room for that. What room is left goes to those that lack least: rich itself takes it from the
    widest, and breaks words.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Column, Table
    from rich.text import Text

    cells = list(zip(headings, *rows, strict=True))
    widths = [max(cell_len(word) for cell in each for word in cell.split(" ")) for each in cells]
    spare = width - sum(widths) - 2 * len(widths)  # one at either side of each
    if spare < 0:
        return None
    lacks = [max(map(cell_len, each)) - least for each, least in zip(cells, widths, strict=True)]
    *others, last = sorted(range(len(lacks)), key=lacks.__getitem__)
    for place in others:
        if lacks[place] <= spare:
            widths[place] += lacks[place]
            spare -= lacks[place]
    widths[last] += min(lacks[last], spare)
    columns = (Column(heading, width=wide) for heading, wide in zip(headings, widths, strict=True))
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _shown(cell: Cell, item: Item) -> str:
    value = item[cell] if isinstance(cell, str) else cell(item)
    if isinstance(value, dict):  # an address: as commands take it, with blanks to break it at
        import msgspec

        value = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    return "" if value is None else _printable(str(value))


def _printable(text: str) -> str:
    """A text with what a terminal obeys written out: many have been typed by somebody else, who
    could take lines off the screen."""
    written_out = (c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if text.isprintable() else "".join(written_out)


def _console(*, err: bool = False) -> Console:
    from rich.console import Console

    console = Console(highlight=False, stderr=err)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console
