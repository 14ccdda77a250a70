"""``fieldward demo``: the main job, played on real parts."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("demo")
@click.option("--once", is_flag=True, help="Play it and exit; do not leave the server running.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to play.  [default: a new temporary folder]",
)
def command(once: bool, folder: Path | None) -> None:
    """Play the main job on a real server and three devices, and check every step.

    \b
    Example:
      fieldward demo --once
    """
    # Imported here: only this command needs the SDK.
    from fieldward_server import demo

    sys.exit(demo.play(once=once, folder=folder))
