"""This machine, for the few commands that act on it."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fieldward_server.cli.invocation import Invocation

if TYPE_CHECKING:
    from fieldward_server.config import Config
    from fieldward_server.services.platform import Platform


class Host:
    """The host of a server; its settings are read when a command first needs them."""

    def __init__(self, config_file: Path | None) -> None:
        self.config_file = config_file

    # Imported in the properties: to complete or explain a command no database is needed.

    @cached_property
    def config(self) -> Config:
        """The settings in force."""
        from fieldward_server.config import load_config

        return load_config(self.config_file, os.environ)

    @cached_property
    def platform(self) -> Platform:
        """The services' platform, on the configured database."""
        from fieldward_server.assembly import assemble

        return assemble(self.config)

    @property
    def actor(self) -> str:
        """Who acts, for the event log: whoever is logged in here."""
        try:
            return f"host:{getpass.getuser()}"
        except (KeyError, OSError):  # a container's user may have no name
            return f"host:{os.getuid()}"

    def now(self) -> int:
        """The time, in whole seconds since 1970 UTC."""
        return int(time.time())


def pass_host(move: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command one that acts on the host: it gets the ``Host`` as its first argument."""

    @click.pass_context
    def call(context: click.Context, *args: Any, **given: Any) -> Any:
        invocation = context.find_object(Invocation)
        if invocation is None:
            raise LookupError("The command was not started by the root command.")
        return move(Host(invocation.config_file), *args, **given)

    return update_wrapper(call, move)
