"""``administrator``: who may command."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import PUBLIC_KEY
from fieldward_server.api.command_fields import identifier, text
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.administrators import (
    add_administrator,
    list_administrators,
    remove_administrator,
)
from fieldward_sync.names import AdministratorId

_ADMINISTRATOR = {"administrator": identifier(AdministratorId)}

COMMANDS = {
    "administrator/add": Command(
        "Let somebody command for the authority",
        carried_out_by(add_administrator),
        {**_ADMINISTRATOR, "name": text(), "public_key": PUBLIC_KEY},
        about=("administrator",),
        before_founding=True,
    ),
    "administrator/list": Command(
        "Who may command, and who might before",
        answered_by(list_administrators),
        {},
        before_founding=True,
    ),
    "administrator/remove": Command(
        "Let an administrator command no more",
        carried_out_by(remove_administrator),
        _ADMINISTRATOR,
        about=("administrator",),
        before_founding=True,
    ),
}
