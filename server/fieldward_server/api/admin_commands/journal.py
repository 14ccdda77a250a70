"""``journal``: look-ups as devices delivered them, and those made on line."""

from __future__ import annotations

from marshmallow import fields

from fieldward_server.api.command_fields import identifier, shaped
from fieldward_server.api.commands import Command, answered_by
from fieldward_server.services.look_ups.journals import (
    POSITION,
    list_sealed_look_ups,
    verify_journals,
)
from fieldward_sync.names import DeviceId

_ANY_DEVICE = {"device": identifier(DeviceId, required=False)}

COMMANDS = {
    "journal/verify": Command(
        "Check journals, and the log of what was asked on line, from first entry to last",
        answered_by(verify_journals),
        _ANY_DEVICE,
        about=("device",),
    ),
    "journal/delivered": Command(
        "Look-ups, delivered or made on line, sealed: the audit key opens them elsewhere",
        answered_by(list_sealed_look_ups),
        {**_ANY_DEVICE, "after": fields.String(validate=shaped(POSITION))},
        about=("device",),
        shows_content=True,
    ),
}
