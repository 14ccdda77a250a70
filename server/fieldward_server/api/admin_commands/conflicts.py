"""``conflicts``: fields with several live values."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import PATH, RECORD, page_after_record
from fieldward_server.api.command_fields import json_text, many, whole
from fieldward_server.api.commands import Call, Command, answered_by
from fieldward_server.services.records.conflicts import (
    RECORDS_IN_A_PAGE,
    list_conflicts,
    read_value,
    settle,
)
from fieldward_sync.limits import SETTLING_REASONS
from fieldward_sync.records import MAX_REPLACED_BY_A_CHANGE

MAX_VALUE_JSON_CHARACTERS = 2000


def _settle(call: Call) -> None:
    value = read_value(call.fields["value"])
    settle(call.platform, **{**call.fields, "value": value}, **call.effect)


COMMANDS = {
    "conflicts/list": Command(
        "Fields with several live values: of the next records after one",
        answered_by(list_conflicts),
        page_after_record(RECORDS_IN_A_PAGE),
        shows_content=True,
    ),
    "conflicts/settle": Command(
        "End a conflict: a value takes the place of all that were shown",
        _settle,
        {
            **RECORD,
            **PATH,
            "shown": many(whole(least=1), most=MAX_REPLACED_BY_A_CHANGE),
            "value": json_text(most=MAX_VALUE_JSON_CHARACTERS),
        },
        about=("record", "path"),
        reasons=SETTLING_REASONS,
    ),
}
