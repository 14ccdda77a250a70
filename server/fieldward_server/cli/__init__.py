"""``fieldward``: what people type. One module per group of commands."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the ``fieldward`` program."""
    try:
        from fieldward_server.cli.root import root
    except ModuleNotFoundError as e:
        # The bare install is a library for programs: it has no command line.
        sys.exit(
            f"The command line needs a library that is not installed: {e.name}.\n"
            "Install fieldward[field] for a device in a terminal, fieldward[server] for the rest."
        )
    root(prog_name="fieldward")
