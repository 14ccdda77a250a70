"""Fields that commands of several groups take, each called the same wherever it stands."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from fieldward_server.api.command_fields import Hex, identifier, shaped, whole
from fieldward_sync.names import DeviceId, PartitionId, PractitionerId, RecordId

DEVICE = {"device": identifier(DeviceId)}
PARTITION = {"partition": identifier(PartitionId)}
PRACTITIONER = {"practitioner": identifier(PractitionerId)}
RECORD = {"record": identifier(RecordId)}
FIELD_OR_MEMBER = r"\A[a-z0-9_./]{1,80}\Z"
PATH = {"path": fields.String(required=True, validate=shaped(FIELD_OR_MEMBER))}
PUBLIC_KEY = Hex(least=32, most=32)
OPEN_OR_ALL = {"which": fields.String(validate=shaped(r"\A(?:open|all)\Z"))}
"""Those that wait for a person, or also those that were decided."""


def page_after_record(most: int) -> dict[str, fields.Field[Any]]:
    """Which page of a list in the order of records: what comes after a record, at most so much."""
    return {
        "after": identifier(RecordId, required=False),
        "limit": whole(least=1, most=most, required=False),
    }
