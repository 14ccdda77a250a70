"""``practitioner``: who looks things up."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import PRACTITIONER
from fieldward_server.api.command_fields import text, whole
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.custody.practitioners import (
    add_practitioner,
    list_practitioners,
    resume_practitioner,
    show_practitioner,
    suspend_practitioner,
)

COMMANDS = {
    "practitioner/add": Command(
        "Add a practitioner, or bring what is known of them up to date",
        carried_out_by(add_practitioner),
        {
            **PRACTITIONER,
            "name": text(),
            "role": text(),
            "team": text(),
            "employer": text(),
            "manager": text(),
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
    "practitioner/show": Command(
        "A practitioner: on which devices they are, and what they can read there until when",
        answered_by(show_practitioner),
        PRACTITIONER,
        about=("practitioner",),
    ),
    "practitioner/suspend": Command(
        "Shut a practitioner out of all of their devices until they are resumed",
        carried_out_by(suspend_practitioner),
        PRACTITIONER,
        about=("practitioner",),
    ),
    "practitioner/resume": Command(
        "Let a suspended practitioner work again",
        carried_out_by(resume_practitioner),
        PRACTITIONER,
        about=("practitioner",),
    ),
}
