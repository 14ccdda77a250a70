"""``records split``: two children in one record become two records."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from fieldward_server.api.admin_commands.shared_fields import FIELD_OR_MEMBER, RECORD
from fieldward_server.api.command_fields import identifier, many, shaped
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.records.splits import preview_split, split
from fieldward_sync.names import RecordId
from fieldward_sync.views import MAX_VALUES_OF_A_VIEW

_FIELDS_OR_MEMBERS = many(
    fields.String(validate=shaped(FIELD_OR_MEMBER)), least=0, most=MAX_VALUES_OF_A_VIEW
)
_SPLIT: dict[str, fields.Field[Any]] = {
    **RECORD,
    "new": identifier(RecordId),
    "moving": _FIELDS_OR_MEMBERS,
    "copying": _FIELDS_OR_MEMBERS,
}

COMMANDS = {
    "records/split-preview": Command(
        "What it would come to to split another child's record from one",
        answered_by(preview_split),
        _SPLIT,
        about=("record", "new"),
        shows_content=True,
    ),
    "records/split": Command(
        "Have what is of another child stand in a record of its own",
        carried_out_by(split),
        _SPLIT,
        about=("record", "new"),
        shows_content=True,
    ),
}
