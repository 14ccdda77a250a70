"""What commands share: the settings in force, the platform, who acts, and common options."""

from __future__ import annotations

import getpass
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from fieldward_server.assembly import assemble
from fieldward_server.config import Config, load_config
from fieldward_server.services.platform import Platform

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Host:
    """This machine, as the commands see it; settings are read when a command first needs them."""

    config_file: Path | None
    actor: str

    @cached_property
    def config(self) -> Config:
        """The settings in force."""
        return load_config(self.config_file, os.environ)

    @cached_property
    def platform(self) -> Platform:
        """The services' platform, on the configured database."""
        return assemble(self.config)

    def now(self) -> int:
        """The time, in whole seconds since 1970 UTC."""
        return int(time.time())


pass_host = click.make_pass_decorator(Host)


class Word(click.ParamType[str]):
    """A text of one fixed shape: an id or a code."""

    def __init__(self, name: str, pattern: str) -> None:
        self.name = name
        self._pattern = re.compile(pattern)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not self._pattern.fullmatch(text):
            self.fail(f"{text!r} is not of the form {self._pattern.pattern}", param, ctx)
        return text


AUTHORITY = Word("code", r"E\d{8}")
ID = Word("id", r"[a-z0-9-]{1,32}")
PARTITION = Word("id", r"[a-z0-9-]{1,48}")
REASON = Word("word", r"[a-z0-9-]{1,48}")
DAY = click.DateTime(["%Y-%m-%d"])


def authority_option(command: Command) -> Command:
    """``--authority``: whose data the command is about."""
    return click.option(
        "--authority", type=AUTHORITY, required=True, help="The authority's ONS code."
    )(command)


def device_option(command: Command) -> Command:
    """``--device``: which device."""
    return click.option("--device", type=ID, required=True, help="The device's id.")(command)


def practitioner_option(command: Command) -> Command:
    """``--practitioner``: which person."""
    return click.option("--practitioner", type=ID, required=True, help="The practitioner's id.")(
        command
    )


def reason_option(command: Command) -> Command:
    """``--reason``: why, as a coded word for the event log."""
    return click.option(
        "--reason", type=REASON, required=True, help="Why, in one coded word: no names."
    )(command)


def json_option(command: Command) -> Command:
    """``--json``: for programs."""
    return click.option(
        "--json", "as_json", is_flag=True, help="For programs: one JSON object a line."
    )(command)


def login_name() -> str:
    """Who is logged in here."""
    return getpass.getuser()


def end_of_day(day: datetime) -> int:
    """The last second, UTC, of a day as ``DAY`` reads it."""
    return int((day.replace(tzinfo=UTC) + timedelta(days=1)).timestamp()) - 1
