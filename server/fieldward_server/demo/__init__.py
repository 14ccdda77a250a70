"""``fieldward demo``: the main job, played on real parts and checked at every step.

It may use the SDK's public face, as any integrator's program would; nothing else in the server may.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from fieldward_server.demo.script import going_on_by_hand, play_main_job
from fieldward_server.demo.stage import DoesNotHold, Stage
from fieldward_sync.errors import Error

__all__ = ["play"]


def play(*, once: bool, folder: Path | None) -> int:
    """Play the main job; the exit code is 1 at the first step that does not hold.

    Afterwards the server runs on until it is interrupted, unless it was to be played ``once``.
    """
    home = folder or Path(tempfile.mkdtemp(prefix="fieldward-demo-"))
    with Stage(home) as stage:
        try:
            play_main_job(stage)
        except DoesNotHold as e:
            click.echo(f"\nDoes not hold: {e}", err=True)
            return 1
        except Error as e:
            click.echo(f"\nDoes not hold: {e.diagnostics()}", err=True)
            return 1
        if not once:
            click.echo(going_on_by_hand(stage))
            stage.wait_for_interrupt()
    return 0
