"""Options and shapes of arguments that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class Word(click.ParamType[str]):
    """A text of one fixed shape: an id or a code."""

    def __init__(self, name: str, pattern: str, says: str) -> None:
        self.name = name
        self._pattern = re.compile(pattern)
        self._says = says

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not self._pattern.fullmatch(text):
            self.fail(f"{text!r} is not {self._says}.", param, ctx)
        return text


AUTHORITY = Word("code", r"E\d{8}", "an ONS code such as E08000039")
ID = Word("id", r"[a-z0-9-]{1,32}", "an id: 1 to 32 small letters, digits and hyphens")
PARTITION = Word("id", r"[a-z0-9-]{1,48}", "an id: 1 to 48 small letters, digits and hyphens")
REASON = Word(
    "word", r"[a-z0-9-]{1,48}", "one coded word: 1 to 48 small letters, digits and hyphens"
)
DAY = click.DateTime(["%Y-%m-%d"])


def authority_option(command: Command) -> Command:
    """``--authority``: whose data the command is about."""
    return click.option(
        "--authority",
        type=AUTHORITY,
        required=True,
        envvar="FIELDWARD_AUTHORITY",
        show_envvar=True,
        help="The authority's ONS code.",
    )(command)


def device_option(command: Command) -> Command:
    """``--device``: which device."""
    return click.option("--device", type=ID, required=True, help="The device's id.")(command)


def practitioner_option(command: Command) -> Command:
    """``--practitioner``: which person."""
    return click.option("--practitioner", type=ID, required=True, help="The practitioner's id.")(
        command
    )


def json_option(command: Command) -> Command:
    """``--json``: for programs."""
    return click.option(
        "--json", "as_json", is_flag=True, help="For programs: one JSON object a line."
    )(command)


def yes_option(command: Command) -> Command:
    """``--yes``: go on unasked."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def end_of_day(day: datetime) -> int:
    """The last second, UTC, of a day as ``DAY`` reads it."""
    return int((day.replace(tzinfo=UTC) + timedelta(days=1)).timestamp()) - 1
