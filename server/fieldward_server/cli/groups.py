"""Groups of commands whose help is made of whole sentences."""

from __future__ import annotations

import click

WHOLE_SENTENCE = 200
"""Characters; click would cut each line at the terminal's edge instead of breaking it."""


class Group(click.Group):
    """A group that says of each command what it does, however narrow the terminal is."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, line(command)) for name, command in commands if command is not None]
            )


def line(command: click.Command) -> str:
    """What a command does, in one sentence."""
    return command.get_short_help_str(limit=WHOLE_SENTENCE)
