"""``fieldward soak``: the whole loop under load, its processes killed, from a checkout.

The rules it plays are those of the tests, which are not shipped, and neither is what they need:
so they exist once, and nothing that is installed can play with a server's data.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
from pathlib import Path

import click

from fieldward_sync.errors import CallerMistake

TESTS = Path(__file__).parents[3] / "tests" / "support"
RULES = "soak"
NEEDED = ("hypothesis", "pytest")


@click.command("soak")
@click.option("--seed", type=int, help="What to begin with.  [default: a random one]")
@click.option("--minutes", type=float, default=1.0, show_default=True, help="How long to go on.")
@click.option(
    "--database",
    type=click.Choice(["sqlite", "postgresql"]),
    default="sqlite",
    show_default=True,
    help="A new one for each round.",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play the program that a failure left behind, once.",
)
def command(seed: int | None, minutes: float, database: str, replay: Path | None) -> None:
    """Play the loop against processes that are killed, and check that nothing is lost.

    Needs a checkout, and what `make test` installs. At a failure it leaves the program it played,
    and exits with 1.

    \b
    Example:
      fieldward soak --seed 7 --minutes 60 --database postgresql
    """
    if not (TESTS / f"{RULES}.py").is_file() or not all(map(importlib.util.find_spec, NEEDED)):
        raise CallerMistake(
            "needs-checkout",
            "The rules that a soak plays are those of the tests, which are not here.",
            next_step="In a checkout of Fieldward, run: make soak",
        )
    sys.path.insert(0, str(TESTS))
    chosen = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    sys.exit(importlib.import_module(RULES).soak(chosen, minutes, database, replay))
