"""``disputes``: what somebody says is wrong, and how that ended."""

from __future__ import annotations

from marshmallow import fields

from fieldward_server.api.admin_commands.shared_fields import PATH, RECORD, page_after_record
from fieldward_server.api.command_fields import one_of, shaped
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.records.conflicts import RECORDS_IN_A_PAGE
from fieldward_server.services.records.disputes import decide_dispute, list_disputes, raise_dispute
from fieldward_sync.field_classes import MEMBER_ID
from fieldward_sync.limits import DISPUTE_OUTCOMES, DISPUTED_BY

_DISPUTE = {"dispute": fields.String(required=True, validate=shaped(rf"\A{MEMBER_ID.pattern}\Z"))}

COMMANDS = {
    "disputes/raise": Command(
        "Mark what stands at a field as disputed",
        carried_out_by(raise_dispute, gives="dispute"),
        {**RECORD, **PATH, "by": one_of(DISPUTED_BY)},
        about=("record", "path"),
        shows_content=True,
    ),
    "disputes/decide": Command(
        "Say how a dispute ended",
        carried_out_by(decide_dispute),
        {**RECORD, **_DISPUTE, "outcome": one_of(DISPUTE_OUTCOMES)},
        about=("record", "dispute"),
        shows_content=True,
    ),
    "disputes/list": Command(
        "Open disputes, with what stands at the field: of the next records after one",
        answered_by(list_disputes),
        page_after_record(RECORDS_IN_A_PAGE),
        shows_content=True,
    ),
}
