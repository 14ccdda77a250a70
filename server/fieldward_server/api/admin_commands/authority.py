"""``authority``: found it, its keys, and what was done in it."""

from __future__ import annotations

from fieldward_server.api.admin_commands.shared_fields import PUBLIC_KEY
from fieldward_server.api.command_fields import Hex, text, whole
from fieldward_server.api.commands import Call, Command, answered_by, carried_out_by
from fieldward_server.services.authorities import (
    authority_keys,
    found_authority,
    published_trust,
    show_authority,
)
from fieldward_server.services.events import MAX_EVENTS, list_events, list_incidents
from fieldward_server.services.succession import prepare_successors, put_in_force

MAX_TRUST_BYTES = 4096

_TRUST = {"trust": Hex(least=1, most=MAX_TRUST_BYTES)}


def _authority_keys(call: Call) -> object:
    keys = authority_keys(call.platform, call.authority)
    return {
        "answer_key": keys.answer_key.hex(),
        "edit_key": keys.edit_key.hex(),
        "incarnation": keys.incarnation,
    }


def _authority_trust(call: Call) -> object:
    published = published_trust(call.platform, call.authority)
    return {"root_key": published.root_key.hex(), "trust": published.trust.hex()}


def _prepare_successors(call: Call) -> object:
    prepared = prepare_successors(call.platform, **call.effect)
    return {
        "answer_key": prepared.answer_key.hex(),
        "edit_key": prepared.edit_key.hex(),
        "incarnation": prepared.incarnation,
        "version": prepared.version,
    }


COMMANDS = {
    "authority/keys": Command(
        "The keys that the first trust has to name",
        _authority_keys,
        {},
        before_founding=True,
    ),
    "authority/create": Command(
        "Found the authority on a root key that the server never sees",
        carried_out_by(found_authority),
        {"name": text(), "root_key": PUBLIC_KEY, **_TRUST},
        before_founding=True,
    ),
    "authority/show": Command(
        "The authority, and how much there is of it",
        answered_by(show_authority),
        {},
        before_founding=True,
    ),
    "authority/trust": Command(
        "The root key, and the keys in force that it has signed",
        _authority_trust,
        {},
    ),
    "authority/prepare-keys": Command(
        "Make the keys that are to follow those in force, in the place of any that wait",
        _prepare_successors,
        {},
    ),
    "authority/renew-keys": Command(
        "Put the keys that were prepared in force, as the root key has signed",
        carried_out_by(put_in_force),
        _TRUST,
    ),
    "authority/events": Command(
        "What was done, and by whom: those after a number, or the last ones",
        answered_by(list_events),
        {"after": whole(required=False), "limit": whole(least=1, most=MAX_EVENTS, required=False)},
        before_founding=True,
    ),
    "authority/incidents": Command(
        "What should not have happened",
        answered_by(list_incidents),
        {},
        before_founding=True,
    ),
}
