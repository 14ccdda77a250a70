"""``device``: let one in, see what it holds, and call back what it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import fields

from fieldward_server.api.admin_commands.shared_fields import DEVICE, PRACTITIONER
from fieldward_server.api.command_fields import Hex, identifier, many, one_of, whole
from fieldward_server.api.commands import Call, Command, answered_now_by, carried_out_by
from fieldward_server.services.custody.device_reports import list_devices, show_device
from fieldward_server.services.custody.devices import set_access, set_cap
from fieldward_server.services.custody.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.custody.invitations import MAX_VALID_SECONDS, invite
from fieldward_server.services.custody.still_held import (
    VERBS,
    list_loss_records,
    preview_verb,
    report_loss,
)
from fieldward_server.services.custody.time_codes import tell_time
from fieldward_server.services.custody.wipes import confirm_wipe, order_wipe, withdraw_wipe
from fieldward_sync.access import Access
from fieldward_sync.leases import MAX_PARTITIONS_OF_A_PRACTITIONER
from fieldward_sync.names import PartitionId, RecordId
from fieldward_sync.time_codes import CHALLENGE_BYTES

MAX_CAP = 1_000_000
"""More than the largest authority has."""

_CODE: dict[str, fields.Field[Any]] = {
    "partitions": many(identifier(PartitionId), most=MAX_PARTITIONS_OF_A_PRACTITIONER),
    "valid_seconds": whole(least=1, most=MAX_VALID_SECONDS),
}
"""What a code lets a practitioner hold, and how long it is good."""


def _move(access: Access) -> Callable[[Call], None]:
    return lambda call: set_access(call.platform, access=access, **call.fields, **call.effect)


COMMANDS = {
    "device/invite": Command(
        "A code that enrols one device of a practitioner, once",
        carried_out_by(invite),
        {**PRACTITIONER, **_CODE, "record_cap": whole(least=1, most=MAX_CAP, required=False)},
        about=("practitioner",),
    ),
    "device/hand-over": Command(
        "A code that hands a device over to a practitioner, once, without signal",
        carried_out_by(prepare_hand_over),
        {**DEVICE, **PRACTITIONER, **_CODE},
        about=("device", "practitioner"),
    ),
    "device/withdraw-hand-over": Command(
        "Withdraw a device's hand-over: what waits there goes at its next sync",
        carried_out_by(withdraw_hand_over),
        DEVICE,
        about=("device",),
    ),
    "device/list": Command(
        "The authority's devices, and how each of them stands",
        answered_now_by(list_devices),
        {},
    ),
    "device/show": Command(
        "A device: what it holds, until when, and what it has not delivered",
        answered_now_by(show_device),
        DEVICE,
        about=("device",),
    ),
    "device/preview": Command(
        "What a verb would mean for a device, before it is done",
        answered_now_by(preview_verb),
        {**DEVICE, "verb": one_of(tuple(VERBS))},
        about=("verb", "device"),
    ),
    "device/loss-report": Command(
        "What is known of a device that is lost, and what is not",
        answered_now_by(report_loss),
        DEVICE,
        about=("device",),
        shows_content=True,
    ),
    "device/loss-records": Command(
        "Which records could be read on a lost device, and which not: the next after one",
        answered_now_by(list_loss_records),
        {**DEVICE, "after": identifier(RecordId, required=False)},
        about=("device",),
        shows_content=True,
    ),
    "device/pause": Command(
        "Shut the copies on a device until it is resumed",
        _move(Access.PAUSED),
        DEVICE,
        about=("device",),
    ),
    "device/resume": Command(
        "Let a paused or draining device work again",
        _move(Access.ACTIVE),
        DEVICE,
        about=("device",),
    ),
    "device/drain": Command(
        "Let a device read to the end of its lease and deliver, but give it nothing new",
        _move(Access.DRAINING),
        DEVICE,
        about=("device",),
    ),
    "device/revoke": Command(
        "End a device for good",
        _move(Access.REVOKED),
        DEVICE,
        about=("device",),
    ),
    "device/cap": Command(
        "How many records a device may hold at most",
        carried_out_by(set_cap),
        {**DEVICE, "record_cap": whole(least=1, most=MAX_CAP)},
        about=("device", "record_cap"),
    ),
    "device/time-code": Command(
        "A code that tells a device without signal the time, as an answer to what it shows",
        carried_out_by(tell_time),
        {**DEVICE, "challenge": Hex(least=CHALLENGE_BYTES, most=CHALLENGE_BYTES)},
        about=("device",),
    ),
    "device/wipe": Command(
        "Order a device to destroy every key that reads; many in an hour wait for a second person",
        carried_out_by(order_wipe, gives="waits"),
        DEVICE,
        about=("device",),
    ),
    "device/confirm-wipe": Command(
        "Order a wipe that another administrator has asked for",
        carried_out_by(confirm_wipe),
        DEVICE,
        about=("device",),
    ),
    "device/withdraw-wipe": Command(
        "Take back a wipe that the device has not seen",
        carried_out_by(withdraw_wipe),
        DEVICE,
        about=("device",),
    ),
}
