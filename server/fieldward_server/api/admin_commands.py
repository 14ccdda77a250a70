"""Every command of administrators, and the service that carries it out.

The table is all there is: addresses, checks, descriptions and the tests of each come from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from marshmallow import fields

from fieldward_server.api.command_fields import (
    Hex,
    identifier,
    json_text,
    many,
    one_of,
    shaped,
    text,
    whole,
)
from fieldward_server.api.commands import Call, Command
from fieldward_server.services import administrators, authorities, conflicts, inbox, partitions
from fieldward_server.services.conflicts import read_value
from fieldward_server.services.custody import (
    VERBS,
    list_loss_records,
    preview_verb,
    report_loss,
)
from fieldward_server.services.devices import (
    list_devices,
    set_access,
    set_cap,
    show_device,
)
from fieldward_server.services.disputes import decide_dispute, list_disputes, raise_dispute
from fieldward_server.services.duplicates import find_duplicates
from fieldward_server.services.events import MAX_EVENTS, list_events, list_incidents
from fieldward_server.services.forwarding import forward
from fieldward_server.services.hand_overs import prepare_hand_over, withdraw_hand_over
from fieldward_server.services.invitations import MAX_VALID_SECONDS, invite
from fieldward_server.services.journals import (
    POSITION,
    list_sealed_look_ups,
    verify_journals,
)
from fieldward_server.services.key_epochs import renew_partition_key
from fieldward_server.services.merges import merge, preview_merge
from fieldward_server.services.practitioners import add_practitioner, list_practitioners
from fieldward_server.services.records import load_records, record_history, value_history
from fieldward_server.services.redactions import find_reached
from fieldward_server.services.rescoping import change_partition
from fieldward_server.services.sealing import seal_authority
from fieldward_server.services.shields import (
    LIKENESSES_IN_A_PAGE,
    confirm_likeness,
    list_likenesses,
    raise_shield,
    release_likeness,
    release_shield,
)
from fieldward_server.services.splits import preview_split, split
from fieldward_server.services.succession import prepare_successors, put_in_force
from fieldward_server.services.time_codes import tell_time
from fieldward_server.services.transfers import (
    TRANSFERS_IN_A_PAGE,
    accept,
    decline,
    list_transfers,
    offer,
    preview_accept,
    preview_offer,
    withdraw,
)
from fieldward_server.services.ways import preview_way, set_way
from fieldward_server.services.wipes import confirm_wipe, order_wipe, withdraw_wipe
from fieldward_sync.access import Access
from fieldward_sync.field_classes import MEMBER_ID
from fieldward_sync.leases import MAX_PARTITIONS_OF_A_PRACTITIONER
from fieldward_sync.limits import DISPUTE_OUTCOMES, DISPUTED_BY, SETTLING_REASONS
from fieldward_sync.names import (
    AdministratorId,
    AuthorityCode,
    DeviceId,
    PartitionId,
    PractitionerId,
    RecordId,
)
from fieldward_sync.records import MAX_REPLACED_BY_A_CHANGE
from fieldward_sync.time_codes import CHALLENGE_BYTES
from fieldward_sync.views import MAX_VALUES_OF_A_VIEW
from fieldward_sync.ways import Way

MAX_LINES = 2000
MAX_RULES = 100
MAX_TRUST_BYTES = 4096
MAX_CAP = 1_000_000
"""More than the largest authority has."""
MAX_VALUE_JSON_CHARACTERS = 2000

_ADMINISTRATOR = {"administrator": identifier(AdministratorId)}
_DEVICE = {"device": identifier(DeviceId)}
_ANY_DEVICE = {"device": identifier(DeviceId, required=False)}
_PARTITION = {"partition": identifier(PartitionId)}
_PRACTITIONER = {"practitioner": identifier(PractitionerId)}
_RULES = {"rules": many(text(), most=MAX_RULES)}
_WAY = {"way": one_of(tuple(way.value for way in Way))}
_RECORD = {"record": identifier(RecordId)}
_GIVER = {"giver": identifier(AuthorityCode)}
_TAKER = {"taker": identifier(AuthorityCode)}
_INTO = {"into": identifier(RecordId)}
_LIKE = {"like": identifier(RecordId)}
_FIELD_OR_MEMBER = fields.String(validate=shaped(r"\A[a-z0-9_./]{1,80}\Z"))
_SPLIT: dict[str, fields.Field[Any]] = {
    "new": identifier(RecordId),
    "moving": many(_FIELD_OR_MEMBER, least=0, most=MAX_VALUES_OF_A_VIEW),
    "copying": many(_FIELD_OR_MEMBER, least=0, most=MAX_VALUES_OF_A_VIEW),
}
_PATH = {"path": fields.String(required=True, validate=shaped(r"\A[a-z0-9_./]{1,80}\Z"))}
_DISPUTE = {"dispute": fields.String(required=True, validate=shaped(rf"\A{MEMBER_ID.pattern}\Z"))}
_NUMBER = {"number": whole(least=1)}
_PUBLIC_KEY = Hex(least=32, most=32)


def _authority_keys(call: Call) -> object:
    keys = authorities.authority_keys(call.platform, call.authority)
    return {
        "answer_key": keys.answer_key.hex(),
        "edit_key": keys.edit_key.hex(),
        "incarnation": keys.incarnation,
    }


def _authority_trust(call: Call) -> object:
    published = authorities.published_trust(call.platform, call.authority)
    return {"root_key": published.root_key.hex(), "trust": published.trust.hex()}


def _prepare_successors(call: Call) -> object:
    prepared = prepare_successors(call.platform, **call.effect)
    return {
        "answer_key": prepared.answer_key.hex(),
        "edit_key": prepared.edit_key.hex(),
        "incarnation": prepared.incarnation,
        "version": prepared.version,
    }


def _create_partition(call: Call) -> object:
    return {"records": partitions.create_partition(call.platform, **call.fields, **call.effect)}


def _change_partition(call: Call) -> object:
    return {"records": change_partition(call.platform, **call.fields, **call.effect)}


def _invite(call: Call) -> object:
    return {"code": invite(call.platform, **call.fields, **call.effect)}


def _tell_time(call: Call) -> object:
    return tell_time(call.platform, **call.fields, **call.effect)


def _hand_over(call: Call) -> object:
    return {"code": prepare_hand_over(call.platform, **call.fields, **call.effect)}


def _wipe(call: Call) -> object:
    return {"waits": order_wipe(call.platform, **call.fields, **call.effect)}


def _seal(call: Call) -> object:
    return {"files": seal_authority(call.platform, call.authority, now=call.now)}


def _load(call: Call) -> object:
    return {"verdicts": tuple(load_records(call.platform, **call.fields, **call.effect))}


def _history(call: Call) -> object:
    return record_history(call.platform, authority=call.authority, record_id=call.fields["record"])


def _values(call: Call) -> object:
    record_id, path = call.fields["record"], call.fields["path"]
    return value_history(call.platform, authority=call.authority, record_id=record_id, path=path)


def _settle(call: Call) -> None:
    value = read_value(call.fields["value"])
    conflicts.settle(call.platform, **{**call.fields, "value": value}, **call.effect)


def _raise_dispute(call: Call) -> object:
    return {"dispute": raise_dispute(call.platform, **call.fields, **call.effect)}


def _duplicates(call: Call) -> object:
    record_id = call.fields["record"]
    return find_duplicates(
        call.platform, authority=call.authority, record_id=record_id, now=call.now
    )


def _shown_now(service: Callable[..., object]) -> Callable[[Call], object]:
    """Answered by a service to which it matters what time it is."""
    return lambda call: service(
        call.platform, authority=call.authority, now=call.now, **call.fields
    )


def _effect(service: Callable[..., None]) -> Callable[[Call], None]:
    """Carried out by a service that takes the command's fields as they are called there."""
    return lambda call: service(call.platform, **call.fields, **call.effect)


def _preview(service: Callable[..., object]) -> Callable[[Call], object]:
    return lambda call: service(call.platform, authority=call.authority, **call.fields)


def _move(access: Access) -> Callable[[Call], None]:
    return lambda call: set_access(call.platform, access=access, **call.fields, **call.effect)


def _shield(service: Callable[..., None]) -> Callable[[Call], None]:
    return lambda call: service(call.platform, record_id=call.fields["record"], **call.effect)


COMMANDS = {
    "authority/keys": Command(
        "The keys that the first trust has to name",
        _authority_keys,
        {},
        before_founding=True,
    ),
    "authority/create": Command(
        "Found the authority on a root key that the server never sees",
        _effect(authorities.found_authority),
        {
            "name": text(),
            "root_key": _PUBLIC_KEY,
            "trust": Hex(least=1, most=MAX_TRUST_BYTES),
        },
        before_founding=True,
    ),
    "authority/show": Command(
        "The authority, and how much there is of it",
        lambda call: authorities.show_authority(call.platform, call.authority),
        {},
        before_founding=True,
    ),
    "authority/trust": Command(
        "The root key, and the keys in force that it has signed",
        _authority_trust,
        {},
    ),
    "authority/prepare-keys": Command(
        "Make the keys that are to follow those in force; the same again until they do",
        _prepare_successors,
        {},
    ),
    "authority/renew-keys": Command(
        "Put the keys that were prepared in force, as the root key has signed",
        _effect(put_in_force),
        {"trust": Hex(least=1, most=MAX_TRUST_BYTES)},
    ),
    "authority/events": Command(
        "What was done, and by whom: those after a number, or the last ones",
        lambda call: list_events(call.platform, call.authority, **call.fields),
        {"after": whole(required=False), "limit": whole(least=1, most=MAX_EVENTS, required=False)},
        before_founding=True,
    ),
    "authority/incidents": Command(
        "What should not have happened",
        lambda call: list_incidents(call.platform, call.authority),
        {},
        before_founding=True,
    ),
    "administrator/add": Command(
        "Let somebody command for the authority",
        _effect(administrators.add_administrator),
        {**_ADMINISTRATOR, "name": text(), "public_key": _PUBLIC_KEY},
        about=("administrator",),
        before_founding=True,
    ),
    "administrator/list": Command(
        "Who may command, and who might before",
        lambda call: administrators.list_administrators(call.platform, call.authority),
        {},
        before_founding=True,
    ),
    "administrator/remove": Command(
        "Let an administrator command no more",
        _effect(administrators.remove_administrator),
        _ADMINISTRATOR,
        about=("administrator",),
        before_founding=True,
    ),
    "practitioner/add": Command(
        "Add a practitioner, or bring what is known of them up to date",
        _effect(add_practitioner),
        {
            **_PRACTITIONER,
            "name": text(),
            "role": text(),
            "team": text(),
            "vetted_until": whole(),
            "trained_until": whole(),
        },
        about=("practitioner",),
    ),
    "practitioner/list": Command(
        "The authority's practitioners",
        lambda call: list_practitioners(call.platform, call.authority),
        {},
    ),
    "partition/create": Command(
        "Make a partition of the records that any of its rules chooses",
        _create_partition,
        {**_PARTITION, "title": text(), **_RULES},
        about=("partition",),
    ),
    "partition/change": Command(
        "Have other rules choose a partition's records",
        _change_partition,
        {**_PARTITION, **_RULES},
        about=("partition",),
    ),
    "partition/preview": Command(
        "What it would touch to make a partition by these rules, or to change one",
        _preview(partitions.preview_rules),
        {**_PARTITION, **_RULES},
        about=("partition",),
    ),
    "partition/way": Command(
        "How devices hold a partition: offline, warm or tethered",
        _effect(set_way),
        {**_PARTITION, **_WAY},
        about=("partition", "way"),
    ),
    "partition/preview-way": Command(
        "What it would touch to have a partition held in a way",
        _preview(preview_way),
        {**_PARTITION, **_WAY},
        about=("partition", "way"),
    ),
    "partition/renew-key": Command(
        "Begin a partition's next key epoch now",
        _effect(renew_partition_key),
        _PARTITION,
        about=("partition",),
    ),
    "partition/list": Command(
        "The authority's partitions, their files and holders",
        lambda call: partitions.list_partitions(call.platform, call.authority),
        {},
    ),
    "partition/seal": Command(
        "Bring the authority's sealed files up to date now",
        _seal,
        {},
    ),
    "grant/give": Command(
        "Let a practitioner hold a partition on a device",
        _effect(partitions.grant),
        {**_PARTITION, **_DEVICE, **_PRACTITIONER},
        about=("partition", "practitioner", "device"),
    ),
    "grant/take": Command(
        "Take a partition back",
        _effect(partitions.take),
        {**_PARTITION, **_DEVICE, **_PRACTITIONER},
        about=("partition", "practitioner", "device"),
    ),
    "grant/preview": Command(
        "What it would touch to give a grant; where it has been given, to take it",
        _preview(partitions.preview_grant),
        {**_PARTITION, **_DEVICE, **_PRACTITIONER},
        about=("partition", "practitioner", "device"),
    ),
    "device/invite": Command(
        "A code that enrols one device of a practitioner, once",
        _invite,
        {
            **_PRACTITIONER,
            "partitions": many(identifier(PartitionId), most=MAX_PARTITIONS_OF_A_PRACTITIONER),
            "valid_seconds": whole(least=1, most=MAX_VALID_SECONDS),
            "record_cap": whole(least=1, most=MAX_CAP, required=False),
        },
        about=("practitioner",),
    ),
    "device/hand-over": Command(
        "A code that hands a device over to a practitioner, once, without signal",
        _hand_over,
        {
            **_DEVICE,
            **_PRACTITIONER,
            "partitions": many(identifier(PartitionId), most=MAX_PARTITIONS_OF_A_PRACTITIONER),
            "valid_seconds": whole(least=1, most=MAX_VALID_SECONDS),
        },
        about=("device", "practitioner"),
    ),
    "device/withdraw-hand-over": Command(
        "Withdraw a device's hand-over: what waits there goes at its next sync",
        _effect(withdraw_hand_over),
        _DEVICE,
        about=("device",),
    ),
    "device/list": Command(
        "The authority's devices, and how each of them stands",
        lambda call: list_devices(call.platform, call.authority, now=call.now),
        {},
    ),
    "device/show": Command(
        "A device: what it holds, until when, and what it has not delivered",
        _shown_now(show_device),
        _DEVICE,
        about=("device",),
    ),
    "device/preview": Command(
        "What a verb would mean for a device, before it is done",
        _shown_now(preview_verb),
        {**_DEVICE, "verb": one_of(tuple(VERBS))},
        about=("verb", "device"),
    ),
    "device/loss-report": Command(
        "What is known of a device that is lost, and what is not",
        _shown_now(report_loss),
        _DEVICE,
        about=("device",),
        shows_content=True,
    ),
    "device/loss-records": Command(
        "Which records could be read on a lost device, and which not: the next after one",
        _shown_now(list_loss_records),
        {**_DEVICE, "after": identifier(RecordId, required=False)},
        about=("device",),
        shows_content=True,
    ),
    "device/pause": Command(
        "Shut the copies on a device until it is resumed",
        _move(Access.PAUSED),
        _DEVICE,
        about=("device",),
    ),
    "device/resume": Command(
        "Let a paused or draining device work again",
        _move(Access.ACTIVE),
        _DEVICE,
        about=("device",),
    ),
    "device/drain": Command(
        "Let a device read to the end of its lease and deliver, but give it nothing new",
        _move(Access.DRAINING),
        _DEVICE,
        about=("device",),
    ),
    "device/revoke": Command(
        "End a device for good",
        _move(Access.REVOKED),
        _DEVICE,
        about=("device",),
    ),
    "device/cap": Command(
        "How many records a device may hold at most",
        _effect(set_cap),
        {**_DEVICE, "record_cap": whole(least=1, most=MAX_CAP)},
        about=("device", "record_cap"),
    ),
    "device/time-code": Command(
        "A code that tells a device without signal the time, as an answer to what it shows",
        _tell_time,
        {**_DEVICE, "challenge": Hex(least=CHALLENGE_BYTES, most=CHALLENGE_BYTES)},
        about=("device",),
    ),
    "device/wipe": Command(
        "Order a device to destroy every key that reads; many in an hour wait for a second person",
        _wipe,
        _DEVICE,
        about=("device",),
    ),
    "device/confirm-wipe": Command(
        "Order a wipe that another administrator has asked for",
        _effect(confirm_wipe),
        _DEVICE,
        about=("device",),
    ),
    "device/withdraw-wipe": Command(
        "Take back a wipe that the device has not seen",
        _effect(withdraw_wipe),
        _DEVICE,
        about=("device",),
    ),
    "shield/raise": Command(
        "Hide where a child can be found",
        _shield(raise_shield),
        _RECORD,
        about=("record",),
        shows_content=True,
    ),
    "shield/release": Command(
        "Release every shield that stands on a record now",
        _shield(release_shield),
        _RECORD,
        about=("record",),
        shows_content=True,
    ),
    "shield/devices": Command(
        "Devices that may have held what was hidden, and what they have confirmed: of a record, or"
        " of all those where it may still be read",
        lambda call: find_reached(
            call.platform, authority=call.authority, now=call.now, **call.fields
        ),
        {"record": identifier(RecordId, required=False)},
        about=("record",),
        shows_content=True,
    ),
    "shield/alike": Command(
        "Records that were shielded because they may be of the same child as a shielded one: the"
        " next after one",
        lambda call: list_likenesses(call.platform, call.authority, **call.fields),
        {
            "after": identifier(RecordId, required=False),
            "limit": whole(least=1, most=LIKENESSES_IN_A_PAGE, required=False),
        },
        shows_content=True,
    ),
    "shield/same": Command(
        "Say that such a record is of the same child: its shield stands",
        _effect(confirm_likeness),
        {**_RECORD, **_LIKE},
        about=("record", "like"),
        shows_content=True,
    ),
    "shield/different": Command(
        "Say that such a record is of another child: the raise made for that likeness is released",
        _effect(release_likeness),
        {**_RECORD, **_LIKE},
        about=("record", "like"),
        shows_content=True,
    ),
    "records/load": Command(
        "Load records, each a line of JSON; a verdict for each",
        _load,
        {"lines": many(fields.String(), most=MAX_LINES)},
    ),
    "records/history": Command(
        "A record with all its edits, hidden values included",
        _history,
        _RECORD,
        about=("record",),
        shows_content=True,
    ),
    "records/values": Command(
        "Every value that a field of a record has had, and where each came from",
        _values,
        {**_RECORD, **_PATH},
        about=("record", "path"),
        shows_content=True,
    ),
    "records/duplicates": Command(
        "Records that may be of the same child, the likeliest first",
        _duplicates,
        _RECORD,
        about=("record",),
        shows_content=True,
    ),
    "records/merge-preview": Command(
        "What it would come to to merge a record into another of the same child",
        _preview(preview_merge),
        {**_RECORD, **_INTO},
        about=("record", "into"),
        shows_content=True,
    ),
    "records/merge": Command(
        "Have a record go on in another of the same child",
        _effect(merge),
        {**_RECORD, **_INTO},
        about=("record", "into"),
        shows_content=True,
    ),
    "records/split-preview": Command(
        "What it would come to to split another child's record from one",
        _preview(preview_split),
        {**_RECORD, **_SPLIT},
        about=("record", "new"),
        shows_content=True,
    ),
    "records/split": Command(
        "Have what is of another child stand in a record of its own",
        _effect(split),
        {**_RECORD, **_SPLIT},
        about=("record", "new"),
        shows_content=True,
    ),
    "records/offer-preview": Command(
        "What it would come to that a record goes to another authority",
        _preview(preview_offer),
        {**_RECORD, **_TAKER},
        about=("record", "taker"),
        shows_content=True,
    ),
    "records/offer": Command(
        "Offer a record to another authority of this server; nothing changes until it accepts",
        _effect(offer),
        {**_RECORD, **_TAKER},
        about=("record", "taker"),
        shows_content=True,
    ),
    "records/withdraw": Command(
        "Take back the offer of a record that was not accepted yet",
        _effect(withdraw),
        {**_RECORD, **_TAKER},
        about=("record", "taker"),
        shows_content=True,
    ),
    "records/accept-preview": Command(
        "What it would come to to accept a record that another authority offers",
        _preview(preview_accept),
        {**_RECORD, **_GIVER},
        about=("record", "giver"),
        shows_content=True,
    ),
    "records/accept": Command(
        "Take over a record that another authority offers: from then on it is this authority's",
        _effect(accept),
        {**_RECORD, **_GIVER},
        about=("record", "giver"),
        shows_content=True,
    ),
    "records/decline": Command(
        "Say that a record that another authority offers is not taken",
        _effect(decline),
        {**_RECORD, **_GIVER},
        about=("record", "giver"),
        shows_content=True,
    ),
    "records/transfers": Command(
        "Records offered to other authorities and by them, those that wait or all: the next after"
        " one",
        lambda call: list_transfers(call.platform, call.authority, **call.fields),
        {
            "after": fields.String(validate=shaped(r"\A[0-9a-f]{0,16}\Z")),
            "limit": whole(least=1, most=TRANSFERS_IN_A_PAGE, required=False),
            "which": fields.String(validate=shaped(r"\A(?:open|all)\Z")),
        },
        shows_content=True,
    ),
    "conflicts/list": Command(
        "Fields with several live values: of the next records after one",
        lambda call: conflicts.list_conflicts(call.platform, call.authority, **call.fields),
        {
            "after": identifier(RecordId, required=False),
            "limit": whole(least=1, most=conflicts.RECORDS_IN_A_PAGE, required=False),
        },
        shows_content=True,
    ),
    "conflicts/settle": Command(
        "End a conflict: a value takes the place of all that were shown",
        _settle,
        {
            **_RECORD,
            **_PATH,
            "shown": many(whole(least=1), most=MAX_REPLACED_BY_A_CHANGE),
            "value": json_text(most=MAX_VALUE_JSON_CHARACTERS),
        },
        about=("record", "path"),
        reasons=SETTLING_REASONS,
    ),
    "disputes/raise": Command(
        "Mark what stands at a field as disputed",
        _raise_dispute,
        {**_RECORD, **_PATH, "by": one_of(DISPUTED_BY)},
        about=("record", "path"),
        shows_content=True,
    ),
    "disputes/decide": Command(
        "Say how a dispute ended",
        _effect(decide_dispute),
        {**_RECORD, **_DISPUTE, "outcome": one_of(DISPUTE_OUTCOMES)},
        about=("record", "dispute"),
        shows_content=True,
    ),
    "disputes/list": Command(
        "Open disputes, with what stands at the field: of the next records after one",
        lambda call: list_disputes(call.platform, call.authority, **call.fields),
        {
            "after": identifier(RecordId, required=False),
            "limit": whole(least=1, most=conflicts.RECORDS_IN_A_PAGE, required=False),
        },
        shows_content=True,
    ),
    "inbox/list": Command(
        "Edits that were refused and wait for a person, or all: the next after one",
        lambda call: inbox.list_inbox(call.platform, call.authority, **call.fields),
        {
            "after": whole(required=False),
            "limit": whole(least=1, most=inbox.ITEMS_IN_A_PAGE, required=False),
            "which": fields.String(validate=shaped(r"\A(?:open|all)\Z")),
        },
        shows_content=True,
    ),
    "inbox/admit": Command(
        "Let a refused edit in, as an edit of the server's own that names it",
        _effect(inbox.admit),
        _NUMBER,
        about=("number",),
        shows_content=True,
    ),
    "inbox/forward": Command(
        "Let a refused edit in where its record is now: with the authority that took it over",
        _effect(forward),
        _NUMBER,
        about=("number",),
        shows_content=True,
    ),
    "inbox/decline": Command(
        "Say that a refused edit stays out; it is kept",
        _effect(inbox.decline),
        _NUMBER,
        about=("number",),
        shows_content=True,
    ),
    "journal/verify": Command(
        "Check journals, and the log of what was asked on line, from first entry to last",
        lambda call: verify_journals(call.platform, call.authority, **call.fields),
        _ANY_DEVICE,
        about=("device",),
    ),
    "journal/delivered": Command(
        "Look-ups, delivered or made on line, sealed: the audit key opens them elsewhere",
        lambda call: list_sealed_look_ups(call.platform, call.authority, **call.fields),
        {**_ANY_DEVICE, "after": fields.String(validate=shaped(POSITION))},
        about=("device",),
        shows_content=True,
    ),
}
"""Name to command: ``<group>/<verb>``, which is also its address."""
