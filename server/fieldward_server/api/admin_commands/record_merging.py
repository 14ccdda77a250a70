"""``records merge``: two records of one child become one."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import RECORD
from fieldward_server.api.command_fields import identifier
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.records.merges import merge, preview_merge
from fieldward_sync.names import RecordId

_MERGE = {**RECORD, "into": identifier(RecordId)}

COMMANDS = {
    "records/merge-preview": Command(
        "What it would come to to merge a record into another of the same child",
        answered_by(preview_merge),
        _MERGE,
        about=("record", "into"),
        shows_content=True,
    ),
    "records/merge": Command(
        "Have a record go on in another of the same child",
        carried_out_by(merge),
        _MERGE,
        about=("record", "into"),
        shows_content=True,
    ),
}
