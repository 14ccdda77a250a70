"""``records``: bring them in, and see what became of one."""

from __future__ import annotations

from marshmallow import fields

from fieldward_server.api.admin_commands.shared_fields import PATH, RECORD
from fieldward_server.api.command_fields import many
from fieldward_server.api.commands import Call, Command
from fieldward_server.services.records.duplicates import find_duplicates
from fieldward_server.services.records.loading import load_records
from fieldward_server.services.records.reading import record_history, value_history

MAX_LINES = 2000


def _load(call: Call) -> object:
    return {"verdicts": tuple(load_records(call.platform, **call.fields, **call.effect))}


def _history(call: Call) -> object:
    return record_history(call.platform, authority=call.authority, record_id=call.fields["record"])


def _values(call: Call) -> object:
    record_id, path = call.fields["record"], call.fields["path"]
    return value_history(call.platform, authority=call.authority, record_id=record_id, path=path)


def _duplicates(call: Call) -> object:
    record_id = call.fields["record"]
    return find_duplicates(
        call.platform, authority=call.authority, record_id=record_id, now=call.now
    )


COMMANDS = {
    "records/load": Command(
        "Load records, each a line of JSON; a verdict for each",
        _load,
        {"lines": many(fields.String(), most=MAX_LINES)},
    ),
    "records/history": Command(
        "A record with all its edits, hidden values included",
        _history,
        RECORD,
        about=("record",),
        shows_content=True,
    ),
    "records/values": Command(
        "Every value that a field of a record has had, and where each came from",
        _values,
        {**RECORD, **PATH},
        about=("record", "path"),
        shows_content=True,
    ),
    "records/duplicates": Command(
        "Records that may be of the same child, the likeliest first",
        _duplicates,
        RECORD,
        about=("record",),
        shows_content=True,
    ),
}
