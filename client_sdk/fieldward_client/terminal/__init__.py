"""``fieldward field``: a device in a terminal, for the person who works with it.

It stands on the SDK as any app would and needs the ``field`` extra (click and rich). It writes
nothing to the disk itself: no history, no temporary file, no pager. Errors go up to the root.
"""

from __future__ import annotations

import click

from fieldward_client.terminal.checking import fsck
from fieldward_client.terminal.disputing import dispute
from fieldward_client.terminal.editing import edit
from fieldward_client.terminal.enquiring import enquire
from fieldward_client.terminal.enrolling import enrol, join
from fieldward_client.terminal.looking import search, show
from fieldward_client.terminal.passphrase import passphrase
from fieldward_client.terminal.standing import pending, status
from fieldward_client.terminal.synchronising import sync
from fieldward_client.terminal.telling_time import time

__all__ = ["command"]


@click.group("field")
def command() -> None:
    """A device in this terminal: find a child, read, correct; without signal too.

    Every look-up is on record, with its reason, before its result is shown. What you leave out of a
    command you are asked for: what is typed on a command line may stay in your shell's history.

    \b
    A first day:
      fieldward field enrol --server https://index.example
      fieldward field sync
      fieldward field search
      fieldward field enquire
      fieldward field show r-00017
      fieldward field edit r-00017 carers/c1.phone
      fieldward field dispute r-00017 address
      fieldward field status
    """


for _each in (
    *(enrol, join, sync, search, show, edit, dispute),
    *(enquire, status, pending, passphrase, time, fsck),
):
    command.add_command(_each)
