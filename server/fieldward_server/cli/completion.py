"""``fieldward completion``: the shell completes what is typed."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_FIELDWARD_COMPLETE"
"""By which the shell asks ``fieldward`` itself; click derives it from the program's name."""


@click.command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands and options.

    \b
    Where it goes:
      bash   a file in ~/.local/share/bash-completion/completions, called fieldward
      zsh    a file in a folder of your $fpath, called _fieldward
      fish   ~/.config/fish/completions/fieldward.fish

    \b
    Example, for this bash alone:
      source <(fieldward completion bash)
    """
    complete = get_completion_class(shell)
    if complete is None:
        raise LookupError(shell)
    name = "fieldward"
    click.echo(complete(context.find_root().command, {}, name, VARIABLE).source())
