"""``fieldward field enrol`` and ``join``: make a folder a device, and give others keys on it."""

from __future__ import annotations

import platform
from pathlib import Path

import click
from rich.text import Text

from fieldward_client import Device
from fieldward_client.terminal import asking
from fieldward_client.terminal.header import GOOD
from fieldward_client.terminal.opening import default_folder, folder_option, json_option, locked
from fieldward_client.terminal.printing import say, show_json
from fieldward_sync.invitations import read_code
from fieldward_sync.server_address import read_server_address

MAX_NAME_CHARACTERS = 64


@click.command()
@click.argument("code", required=False)
@click.option(
    "--server",
    envvar="FIELDWARD_SERVER",
    show_envvar=True,
    metavar="URL",
    help="The server's address; asked for if not given.",
)
@click.option(
    "--name",
    default=lambda: platform.node()[:MAX_NAME_CHARACTERS],
    show_default="this machine's name",
    help="What your administrator sees this device as.",
)
@folder_option
@json_option
def enrol(code: str | None, server: str | None, name: str, folder: Path, as_json: bool) -> None:
    """Make a folder a device, with an invitation CODE.

    The code comes from your administrator, by hand or by voice, and works once. You choose the
    passphrase that opens the device; it leaves this machine in no form. If the signal breaks off,
    type the same again: it goes on where it was.

    \b
    Example:
      fieldward field enrol --server https://index.example
    """
    # A slip is better known before a passphrase is thought of.
    server = server or asking.ask("The server's address (https://…)", check=read_server_address)
    code = code or asking.ask("Invitation code", check=read_code)
    read_server_address(server)
    read_code(code)
    with Device.enrol(
        folder, server, code, passphrase=asking.new_passphrase(), name=name
    ) as device:
        status = device.status()
    if as_json:
        show_json(status)
        return
    say(
        Text(
            f"Enrolled: this is device {status.device} of {status.authority}, "
            f"for {status.practitioner}.",
            GOOD,
        ),
        "Every look-up on it is put on record, with its reason.",
        Text(f"Next, while you have signal: fieldward field sync{_there(folder)}"),
    )


@click.command()
@click.argument("code", required=False)
@folder_option
@json_option
def join(code: str | None, folder: Path, as_json: bool) -> None:
    """Come to a device that is enrolled, with a CODE of your own.

    You choose a passphrase of your own, and see nothing of what others typed or hold. If you have
    forgotten your passphrase, ask your administrator for a code and do the same: what you typed
    before can no longer be shown here, and is sent all the same.

    If you were given a code to take the device over with, no signal is needed: you read at once.

    \b
    Example:
      fieldward field join
    """
    code = code or asking.ask("Invitation code", check=read_code)
    hands_over = read_code(code).hands_over
    with locked(folder) as device:
        who = device.join(code, passphrase=asking.new_passphrase())
    if as_json:
        show_json({"practitioner": who})
        return
    say(
        Text(f"This device is for {who} too.", GOOD),
        "Every look-up on it is put on record under your name, with its reason.",
        Text(
            f"Next: fieldward field search --as {who}{_there(folder)}"
            if hands_over
            else f"Next, while you have signal: fieldward field sync --as {who}{_there(folder)}"
        ),
    )


def _there(folder: Path) -> str:
    """What the next command has to be told, too, to find this device."""
    return "" if folder == default_folder() else f" --folder {folder}"
