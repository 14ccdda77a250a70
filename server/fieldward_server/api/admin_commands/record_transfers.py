"""``records offer`` and what follows: a child moves to another authority."""

from __future__ import annotations

from marshmallow import fields

from fieldward_server.api.admin_commands.shared_fields import OPEN_OR_ALL, RECORD
from fieldward_server.api.command_fields import identifier, shaped, whole
from fieldward_server.api.commands import Command, answered_by, carried_out_by
from fieldward_server.services.records.transfers import (
    TRANSFERS_IN_A_PAGE,
    accept,
    decline,
    list_transfers,
    offer,
    preview_accept,
    preview_offer,
    withdraw,
)
from fieldward_sync.names import AuthorityCode

_GIVEN = {**RECORD, "taker": identifier(AuthorityCode)}
_TAKEN = {**RECORD, "giver": identifier(AuthorityCode)}

COMMANDS = {
    "records/offer-preview": Command(
        "What it would come to that a record goes to another authority",
        answered_by(preview_offer),
        _GIVEN,
        about=("record", "taker"),
        shows_content=True,
    ),
    "records/offer": Command(
        "Offer a record to another authority of this server; nothing changes until it accepts",
        carried_out_by(offer),
        _GIVEN,
        about=("record", "taker"),
        shows_content=True,
    ),
    "records/withdraw": Command(
        "Take back the offer of a record that was not accepted yet",
        carried_out_by(withdraw),
        _GIVEN,
        about=("record", "taker"),
        shows_content=True,
    ),
    "records/accept-preview": Command(
        "What it would come to to accept a record that another authority offers",
        answered_by(preview_accept),
        _TAKEN,
        about=("record", "giver"),
        shows_content=True,
    ),
    "records/accept": Command(
        "Take over a record that another authority offers: from then on it is this authority's",
        carried_out_by(accept),
        _TAKEN,
        about=("record", "giver"),
        shows_content=True,
    ),
    "records/decline": Command(
        "Say that a record that another authority offers is not taken",
        carried_out_by(decline),
        _TAKEN,
        about=("record", "giver"),
        shows_content=True,
    ),
    "records/transfers": Command(
        "Records offered to other authorities and by them, those that wait or all: the next after"
        " one",
        answered_by(list_transfers),
        {
            "after": fields.String(validate=shaped(r"\A[0-9a-f]{0,16}\Z")),
            "limit": whole(least=1, most=TRANSFERS_IN_A_PAGE, required=False),
            **OPEN_OR_ALL,
        },
        shows_content=True,
    ),
}
