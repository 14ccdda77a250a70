"""``grant``: which practitioner may hold which partition on which device."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import DEVICE, PARTITION, PRACTITIONER
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.distribution.partitions import grant, preview_grant, take

_GRANT = {**PARTITION, **DEVICE, **PRACTITIONER}

COMMANDS = {
    "grant/give": Command(
        "Let a practitioner hold a partition on a device",
        carried_out_by(grant),
        _GRANT,
        about=("partition", "practitioner", "device"),
    ),
    "grant/take": Command(
        "Take a partition back",
        carried_out_by(take),
        _GRANT,
        about=("partition", "practitioner", "device"),
    ),
    "grant/preview": Command(
        "What it would touch to give a grant; where it has been given, to take it",
        answered_by(preview_grant),
        _GRANT,
        about=("partition", "practitioner", "device"),
    ),
}
