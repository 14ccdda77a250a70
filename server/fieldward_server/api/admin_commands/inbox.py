"""``inbox``: edits that were refused, and kept."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import OPEN_OR_ALL
from fieldward_server.api.command_fields import whole
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.exchange.forwarding import forward
from fieldward_server.services.exchange.inbox import ITEMS_IN_A_PAGE, admit, decline, list_inbox

_NUMBER = {"number": whole(least=1)}

COMMANDS = {
    "inbox/list": Command(
        "Edits that were refused and wait for a person, or all: the next after one",
        answered_by(list_inbox),
        {
            "after": whole(required=False),
            "limit": whole(least=1, most=ITEMS_IN_A_PAGE, required=False),
            **OPEN_OR_ALL,
        },
        shows_content=True,
    ),
    "inbox/admit": Command(
        "Let a refused edit in, as an edit of the server's own that names it",
        carried_out_by(admit),
        _NUMBER,
        about=("number",),
        shows_content=True,
    ),
    "inbox/forward": Command(
        "Let a refused edit in where its record is now: with the authority that took it over",
        carried_out_by(forward),
        _NUMBER,
        about=("number",),
        shows_content=True,
    ),
    "inbox/decline": Command(
        "Say that a refused edit stays out; it is kept",
        carried_out_by(decline),
        _NUMBER,
        about=("number",),
        shows_content=True,
    ),
}
