"""The device that a command works on, and the options that choose it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from fieldward_client import REASONS, CallerMistake, Device, Session
from fieldward_client.terminal import asking

Command = TypeVar("Command", bound=Callable[..., Any])

_WHO = "fieldward.practitioner"
"""Where the chosen practitioner is kept for the length of a command."""


def default_folder() -> Path:
    """Where a device lies unless told otherwise: the user's data folder (XDG)."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "fieldward" / "device"


def folder_option(command: Command) -> Command:
    """``--folder``: where the device lies; ``--as``: whose keys on it."""
    who = click.option(
        "--as",
        "who",
        metavar="PRACTITIONER",
        envvar="FIELDWARD_PRACTITIONER",
        show_envvar=True,
        expose_value=False,
        callback=_keep_who,
        help="Who is using the device; asked for where several do.",
    )
    where = click.option(
        "--folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_folder,
        show_default="~/.local/share/fieldward/device",
        help="The device's folder. It holds sealed bytes only.",
    )
    return where(who(command))


def _keep_who(context: click.Context, _: click.Parameter, who: str | None) -> None:
    context.meta[_WHO] = who


def chosen_practitioner() -> str | None:
    """Whom ``--as`` names."""
    found: str | None = click.get_current_context().meta.get(_WHO)
    return found


def json_option(command: Command) -> Command:
    """``--json``: for programs."""
    return click.option(
        "--json", "as_json", is_flag=True, help="For programs: one JSON object a line."
    )(command)


def look_up_options(command: Command) -> Command:
    """What every look-up takes: which device, why, and for whom."""
    for_whom = click.option(
        "--on-behalf-of",
        metavar="PRACTITIONER",
        help="The colleague you look for; the record names you both.",
    )
    why = click.option(
        "--reason",
        type=click.Choice(sorted(REASONS)),
        metavar="WORD",
        help=f"Why: one of {', '.join(sorted(REASONS))}. Asked for if not given.",
    )
    return why(for_whom(folder_option(json_option(command))))


@contextmanager
def unlocked(folder: Path, passphrase: str | None = None) -> Iterator[Device]:
    """The device, opened with its passphrase, which is asked for once it can be of use."""
    who = chosen_practitioner()
    if passphrase is None:
        with locked(folder) as device:
            was_wiped, people = device.status().wiped, device.practitioners
        # A wiped one says so itself.
        who = who or (asking.who(people) if len(people) > 1 and not was_wiped else None)
        passphrase = "" if was_wiped else asking.passphrase()
    with Device.open(folder, who, passphrase) as device:
        yield device


@contextmanager
def locked(folder: Path) -> Iterator[Device]:
    """The device without its passphrase: it can deliver, obey and say how it stands."""
    try:
        device = Device.open(folder, chosen_practitioner())
    except CallerMistake as e:
        if e.code == "not-enrolled":
            e.next_step = (
                "Make one with `fieldward field enrol`, or name the right folder with --folder."
            )
        raise
    with device:
        yield device


def is_wiped(folder: Path) -> bool:
    """Whether the device was wiped: then no passphrase opens it, and it can only deliver."""
    with locked(folder) as device:
        return device.status().wiped


@contextmanager
def looking(
    folder: Path, reason: str | None, on_behalf_of: str | None
) -> Iterator[tuple[Device, Session]]:
    """The device, and a session on it; the reason is asked for if it was not given."""
    with (
        unlocked(folder) as device,
        device.session(reason or asking.reason(), on_behalf_of) as session,
    ):
        if any(partition.waits for partition in device.status().partitions):
            device.sync(
                patience_seconds=0
            )  # each command unlocks anew; offline, the answer says so
        yield device, session
