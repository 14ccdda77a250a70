"""``fieldward field fsck``: whether the device's folder is sound."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import SystemClock
from fieldward_client.checking.check import Checked, check_folder
from fieldward_client.checking.check_reading import check_reading
from fieldward_client.checking.findings import Finding
from fieldward_client.disk.clock import TrustedClock
from fieldward_client.disk.folder import Folder
from fieldward_client.enrolled.installation import PRACTITIONERS
from fieldward_client.keys.device_secret import platform_key_store
from fieldward_client.terminal import asking
from fieldward_client.terminal.header import ATTENTION, GOOD, QUIET
from fieldward_client.terminal.opening import chosen_practitioner, folder_option, json_option
from fieldward_client.terminal.printing import say, show_json
from fieldward_client.terminal.wording import many

_STYLES = {"damage": "bold red", "unfinished": ATTENTION, "note": QUIET}


@click.command()
@click.option("--unlock", "reads", is_flag=True, help="Also open what only you can open.")
@folder_option
@json_option
@click.pass_context
def fsck(context: click.Context, reads: bool, folder: Path, as_json: bool) -> None:
    """Check the device's folder: what is damaged or lost, and what to do.

    It repairs nothing: what a crash has left unfinished, the next start or sync finishes by itself.
    With --unlock it also opens the copies and your own edits; the passphrase counts as at any
    unlocking. Exit code 1: something is damaged.

    \b
    Examples:
      fieldward field fsck
      fieldward field fsck --unlock
    """
    device = Folder(folder)
    with device.held():
        clock = TrustedClock(device, SystemClock())
        checked = check_folder(device, clock)
        read = _read(device, clock) if reads and checked.is_sound else ()
    found = Checked((*checked.findings, *read), checked.files, checked.sealed_bytes)
    if as_json:
        for each in found.findings:
            show_json(each)
    else:
        for each in found.findings:
            _tell(each)
        say(_sum(found))
    context.exit(0 if found.is_sound else 1)


def _read(device: Folder, clock: TrustedClock) -> tuple[Finding, ...]:
    people = tuple(name.rpartition("/")[2] for name in device.names(PRACTITIONERS))
    if not people:
        return ()
    who = chosen_practitioner() or (people[0] if len(people) == 1 else asking.who(people))
    return check_reading(
        device,
        clock,
        who,
        asking.passphrase(),
        key_store=platform_key_store(),
        entropy=os.urandom,
    )


def _tell(found: Finding) -> None:
    say(
        Text(f"{found.where}: {found.what} [{found.code}]", _STYLES[found.weight]),
        Text(f"  {found.means}"),
        Text(f"  {found.next_step}"),
    )


def _sum(found: Checked) -> Text:
    damaged = sum(each.weight == "damage" for each in found.findings)
    checked = f"{many(found.files, 'file')} checked, {found.sealed_bytes:,} sealed bytes"
    if damaged:
        return Text(f"{checked}: {many(damaged, 'damage')} found.", _STYLES["damage"])
    return Text(f"{checked}: sound.", GOOD)
