"""``practitioner``: who looks things up."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import PRACTITIONER
from fieldward_server.api.command_fields import text, whole
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.practitioners import add_practitioner, list_practitioners

COMMANDS = {
    "practitioner/add": Command(
        "Add a practitioner, or bring what is known of them up to date",
        carried_out_by(add_practitioner),
        {
            **PRACTITIONER,
            "name": text(),
            "role": text(),
            "team": text(),
            "vetted_until": whole(),
            "trained_until": whole(),
        },
        about=("practitioner",),
    ),
    "practitioner/list": Command(
        "The authority's practitioners",
        answered_by(list_practitioners),
        {},
    ),
}
