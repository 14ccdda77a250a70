"""``fieldward field time``: the time from the office, where the clock is not trusted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import Device
from fieldward_client.terminal import asking
from fieldward_client.terminal.header import GOOD, header
from fieldward_client.terminal.opening import folder_option, json_option, unlocked
from fieldward_client.terminal.printing import say, show_json
from fieldward_sync.spoken import check_groups, group_count
from fieldward_sync.time_codes import CODE_BYTES

GROUPS_IN_A_LINE = 4


@click.group()
def time() -> None:
    """Have the office tell this device the time, where there is no signal.

    For a copy that is closed because of the clock. A sync does the same, and more.

    \b
    Example:
      fieldward field time ask
      fieldward field time enter
    """


@time.command()
@folder_option
@json_option
def ask(folder: Path, as_json: bool) -> None:
    """Show a challenge to read to your office.

    They read a long code back, in groups: `time enter` takes it, within the hour. If the device's
    clock is wrong put it right too, or it closes the copy again when the device is restarted.

    \b
    Example:
      fieldward field time ask
    """
    with unlocked(folder) as device:
        challenge, found = device.ask_for_time(), device.status()
    if as_json:
        show_json({"device": found.device, "challenge": challenge})
        return
    say(
        Text(f"Read to your office: device {found.device}, and"),
        Text(f"  {challenge.replace('-', '  ')}", "bold"),
        Text("The answer is good once, for an hour, until the device is restarted or asks again."),
    )


@time.command()
@click.argument("code", required=False)
@folder_option
@json_option
def enter(code: str | None, folder: Path, as_json: bool) -> None:
    """Enter the CODE that the office gave for the challenge.

    It tells this device the time. It does not make your copy last longer.

    \b
    Example:
      fieldward field time enter
    """
    with unlocked(folder) as device:
        device.take_time(code or _asked(device))
        found = device.status()
    if as_json:
        show_json(found)
        return
    say(Text("The clock is trusted again.", GOOD), *header(found))


def _asked(device: Device) -> str:
    """The code, line by line: a slip is found in its line, and whoever types is there."""
    asking.tell("Four groups of five at a time, as the office reads them to you.")
    groups: list[str] = []
    for first in range(0, group_count(CODE_BYTES), GROUPS_IN_A_LINE):
        places = range(first, first + GROUPS_IN_A_LINE)
        question = f"Groups {first + 1} to {places.stop}"
        groups.append(asking.ask(question, check=partial(check_groups, places=places)))
        device.still_here()
    return "".join(groups)
