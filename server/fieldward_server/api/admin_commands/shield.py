"""``shield``: hide where a child can be found."""

from __future__ import annotations

from collections.abc import Callable

from fieldward_server.api.admin_commands.shared_fields import RECORD, page_after_record
from fieldward_server.api.command_fields import identifier, whole
from fieldward_server.api.commands import (
    Call,
    Command,
    answered_by,
    answered_now_by,
    carried_out_by,
)
from fieldward_server.services.custody.redactions import find_reached
from fieldward_server.services.records.shield_reviews import (
    SHIELDS_IN_A_PAGE,
    list_shields,
    review_shield,
)
from fieldward_server.services.records.shields import (
    LIKENESSES_IN_A_PAGE,
    confirm_likeness,
    list_likenesses,
    raise_shield,
    release_likeness,
    release_shield,
)
from fieldward_sync.names import RecordId

_LIKENESS = {**RECORD, "like": identifier(RecordId)}


def _shield(service: Callable[..., None]) -> Callable[[Call], None]:
    return lambda call: service(call.platform, record_id=call.fields["record"], **call.effect)


COMMANDS = {
    "shield/raise": Command(
        "Hide where a child can be found",
        _shield(raise_shield),
        RECORD,
        about=("record",),
        shows_content=True,
    ),
    "shield/release": Command(
        "Release every shield that stands on a record now",
        _shield(release_shield),
        RECORD,
        about=("record",),
        shows_content=True,
    ),
    "shield/list": Command(
        "Shields that stand: since when, who raised each and why, and when somebody looks at it"
        " again: the next after one",
        answered_by(list_shields),
        page_after_record(SHIELDS_IN_A_PAGE),
        shows_content=True,
    ),
    "shield/review": Command(
        "Say that a shield was looked at and stands, and by when somebody looks at it again",
        carried_out_by(review_shield),
        {**RECORD, "again_by": whole()},
        about=("record",),
        shows_content=True,
    ),
    "shield/devices": Command(
        "Devices that may have held what was hidden, and what they have confirmed: of a record, or"
        " of all those where it may still be read",
        answered_now_by(find_reached),
        {"record": identifier(RecordId, required=False)},
        about=("record",),
        shows_content=True,
    ),
    "shield/alike": Command(
        "Records that were shielded because they may be of the same child as a shielded one: the"
        " next after one",
        answered_by(list_likenesses),
        page_after_record(LIKENESSES_IN_A_PAGE),
        shows_content=True,
    ),
    "shield/same": Command(
        "Say that such a record is of the same child: its shield stands",
        carried_out_by(confirm_likeness),
        _LIKENESS,
        about=("record", "like"),
        shows_content=True,
    ),
    "shield/different": Command(
        "Say that such a record is of another child: the raise made for that likeness is released",
        carried_out_by(release_likeness),
        _LIKENESS,
        about=("record", "like"),
        shows_content=True,
    ),
}
