"""``fieldward field passphrase``: change what opens this device."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from fieldward_client.terminal import asking
from fieldward_client.terminal.header import GOOD
from fieldward_client.terminal.opening import folder_option, unlocked
from fieldward_client.terminal.printing import say


@click.command()
@folder_option
def passphrase(folder: Path) -> None:
    """Change your passphrase. No signal is needed.

    From then on the old one opens nothing here. Copies of the folder that were made before still
    open with it: if somebody has one, tell your administrator.

    \b
    Example:
      fieldward field passphrase
    """
    old = asking.passphrase()
    with unlocked(folder, old) as device:
        device.change_passphrase(old, asking.another_passphrase())
    say(Text("From now on the new passphrase opens this device.", GOOD))
