"""``fieldward``: what an operator types. One module per group of commands."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from fieldward_server.cli.host import Host, login_name
from fieldward_server.config import FILE_VARIABLE
from fieldward_sync.errors import Error


class _Refusal(click.ClickException):
    """One of our errors as the command line ends with it: exit code 1, and what to do next."""

    exit_code = 1

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self._error = error

    def show(self, file: Any = None) -> None:
        click.echo(self._error.diagnostics(), err=True, file=file)


GROUPS = (
    "authority",
    "config",
    "conflicts",
    "demo",
    "device",
    "grant",
    "inbox",
    "journal",
    "migrate",
    "partition",
    "population",
    "practitioner",
    "records",
    "serve",
    "shield",
)
"""The modules of this package that hold a command, called like it."""


class _Root(click.Group):
    """Imports a command's module when it is called: nobody waits for what they do not use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS:
            return None
        found: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Error as e:
            raise _Refusal(e) from e


@click.group(
    cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=FILE_VARIABLE,
    show_envvar=True,
    help="The settings file (TOML). Variables FIELDWARD_<SETTING> win over it.",
)
@click.option(
    "--actor",
    default=login_name,
    help="Who acts, for the event log.  [default: your login name]",
)
@click.version_option(package_name="fieldward")
@click.pass_context
def root(context: click.Context, config_file: Path | None, actor: str) -> None:
    """An index of children, distributed as small, encrypted, expiring copies.

    \b
    A first evening:
      fieldward migrate
      fieldward authority create E08000039 --name Sheffield --secrets keys/
      fieldward population generate --authority E08000039 --children 5000 --output pop.ndjson
      fieldward records load pop.ndjson
      fieldward serve

    Exit codes: 0 done, 1 refused or failed (stderr says why and what to do), 2 wrongly called.
    """
    context.obj = Host(config_file=config_file, actor=actor)


def main() -> None:
    """The entry point of the ``fieldward`` program."""
    root(prog_name="fieldward")
