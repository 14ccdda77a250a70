"""The root command: who finds which commands, and how all of them end.

It imports a command's module when the command is called: nobody waits for what they do not use, and
a device in a terminal runs where the server's libraries are not installed.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from fieldward_server.cli.groups import line
from fieldward_server.cli.invocation import Invocation
from fieldward_sync.errors import Error, RetryLater

FAILED = 1
TRY_LATER = 3
INTERRUPTED = 130
"""Exit codes besides 0, and besides click's own 2 for what was wrongly called."""

PLUGINS = "fieldward.commands"
"""The entry-point group in which other packages offer commands, such as ``field``."""

OWN = {
    "A sync administrator, from anywhere (signed calls to the server)": {
        "administrator": "Who commands: make a key, add and remove people.",
        "authority": "Found an authority; its keys, events and incidents.",
        "records": "Load records; the history of one.",
        "partition": "What is distributed, encrypted and leased as one.",
        "practitioner": "The people who look things up.",
        "device": "Invite, watch, pause, revoke, wipe.",
        "grant": "Who may hold which partition, on which device.",
        "shield": "Hide where a child can be found.",
        "conflicts": "Fields with several live values.",
        "disputes": "Values that somebody says are wrong.",
        "inbox": "Refused edits, kept for a person to decide.",
        "journal": "The look-ups that devices delivered: verify, read.",
    },
    "An operator, on the server's host": {
        "migrate": "Make the database, or bring it up to date.",
        "serve": "Run the server.",
        "config": "Check the settings in force.",
        "backup": "Back the database up, while the server runs.",
        "restore": "Bring a backup back, and devices with it.",
        "master-key": "Replace the key that wraps all others.",
    },
    "Everybody": {
        "demo": "See the main job played, and go on by hand.",
        "population": "Make up children for demonstrations and tests.",
        "soak": "Play the loop while its processes are killed; from a checkout.",
        "completion": "Have the shell complete what you type.",
    },
}
"""The commands of this package, in the order and under the headings of the help."""

_LINES = {name: says for section in OWN.values() for name, says in section.items()}


class _Refusal(click.ClickException):
    """One of our errors as the command line ends with it: what happened, and what to do next."""

    exit_code = FAILED

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self._error = error

    def show(self, file: Any = None) -> None:
        click.echo(self._error.diagnostics(), err=True, file=file)


class _NotNow(_Refusal):
    """One that passes."""

    exit_code = TRY_LATER


class _Root(click.Group):
    """Finds commands by name, and turns what goes wrong in them into words and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*(plugin.name for plugin in _plugins()), *_LINES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LINES:
            found: click.Command = import_module(
                f"fieldward_server.cli.{cmd_name.replace('-', '_')}"
            ).command
            return found
        for plugin in _plugins():
            if plugin.name == cmd_name:
                offered: click.Command = plugin.load()
                return offered
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as e:  # click proposes only what is loaded already
            every = self.list_commands(ctx)
            raise click.exceptions.NoSuchCommand(
                e.command_name, possibilities=every, ctx=ctx
            ) from e

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(len(name) for name in self.list_commands(ctx))
        own = {title: list(section.items()) for title, section in OWN.items()}
        others = {"A health visitor, on a device": [(it.name, _line(it)) for it in _plugins()]}
        for title, commands in {**others, **own}.items():
            if commands:
                with formatter.section(title):
                    formatter.write_dl([(f"{name:{width}}", says) for name, says in commands])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name, help=_LINES.get(name)) for name in names]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RetryLater as e:
            raise _NotNow(e) from e
        except Error as e:
            raise _Refusal(e) from e
        except ModuleNotFoundError as e:
            raise _missing(e) from e
        except OSError as e:
            if e.errno == errno.EPIPE:  # a reader who has seen enough: click ends it
                raise
            raise _Refusal(_of_this_machine(e)) from e
        except (KeyboardInterrupt, EOFError, click.Abort) as e:
            click.echo("\nInterrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from e


@click.group(
    cls=_Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--server",
    default="http://127.0.0.1:8441",
    envvar="FIELDWARD_SERVER",
    show_envvar=True,
    show_default=True,
    help="An administrator's: where the server is.",
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=lambda: Path(click.get_app_dir("fieldward")) / "administrator",
    envvar="FIELDWARD_KEY",
    show_envvar=True,
    help=f"An administrator's: their key.  [default: {click.get_app_dir('fieldward')}"
    "/administrator]",
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="FIELDWARD_PASSPHRASE_FILE",
    show_envvar=True,
    help="A file with the passphrase in its first line.  [default: it is asked for]",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="FIELDWARD_CONFIG",
    show_envvar=True,
    help="An operator's: the settings file (TOML). Variables FIELDWARD_<SETTING> win over it.",
)
@click.version_option(package_name="fieldward")
@click.pass_context
def root(
    context: click.Context,
    server: str,
    key_file: Path,
    passphrase_file: Path | None,
    config_file: Path | None,
) -> None:
    """An index of children, distributed as small, encrypted, expiring copies.

    \b
    A first evening; each command's own --help says more:
      fieldward administrator key
      fieldward migrate
      fieldward administrator bootstrap mo --authority E08000039 --name "Mo Malik"
      fieldward serve                  (and go on in another terminal)
      export FIELDWARD_AUTHORITY=E08000039
      fieldward authority create --name Sheffield --secrets keys
      fieldward population generate --authority E08000039 --children 2000 --output pop.ndjson
      fieldward records load pop.ndjson
      fieldward practitioner add ann --name "Ann Poole" --role health-visitor \\
        --team HV-DAR-01 --employer "Sheffield Community Health" \\
        --manager "Joan Reid" --vetted-until 2030-12-31 --trained-until 2030-12-31
      fieldward partition create central --title "Central" --rule all
      fieldward partition seal
      fieldward device invite --practitioner ann --partition central
      fieldward field enrol            (asks for the server and the code that was printed)
      fieldward field sync
      fieldward field search

    Exit codes: 0 done; 1 refused or failed; 2 wrongly called; 3 not now: the server or the
    database is not reached or busy; 130 interrupted. Whatever is not 0 is explained on stderr.
    """
    context.obj = Invocation(
        config_file=config_file,
        server=server,
        key_file=key_file,
        passphrase_file=passphrase_file,
    )


def _plugins() -> Iterator[EntryPoint]:
    yield from sorted(entry_points(group=PLUGINS), key=lambda plugin: plugin.name)


def _line(plugin: EntryPoint) -> str:
    """What a command of another package does."""
    try:
        offered: click.Command = plugin.load()
    except ModuleNotFoundError as e:
        return f"(needs {e.name}, which is not installed)"
    return line(offered)


def _of_this_machine(error: OSError) -> Error:
    """A full disk, a file that may not be read: whoever typed the command can mend that."""
    where = f"{error.filename}: " if error.filename is not None else ""
    return Error(
        "this-machine",
        f"{where}{error.strerror or error}.",
        next_step="Mend that on this machine, and give the command again.",
    )


def _missing(error: ModuleNotFoundError) -> Exception:
    """A library that an extra brings is not installed; a module of our own is a mistake of ours."""
    if (error.name or "").startswith("fieldward"):
        return error
    return click.ClickException(
        f"This command needs a library that is not installed: {error.name}.\n"
        f"Install fieldward[server] into the environment of {sys.executable}."
    )
