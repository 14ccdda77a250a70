"""What an edit is called in an authority that its record has come to. Pure: edits in, edits out.

Two authorities give out the same names, so an actor or person of another one has its code behind
the name. What comes home has its own name again, whichever way it came.
"""

from __future__ import annotations

import re

import msgspec

from fieldward_sync.records import Edit
from fieldward_sync.versions import Dot

_ACTOR = re.compile(r"(?P<name>.*?)(?:-(?P<code>e[0-9]{8}))?\.(?P<life>[0-9]+)")
"""Devices are called ``d-`` and ten hexadecimal digits, and so never like one with a code."""


def crossed(edit: Edit, giver: str, taker: str) -> Edit:
    """An edit of the giver's, as the taker calls it."""
    return msgspec.structs.replace(
        edit,
        dot=crossed_dot(edit.dot, giver, taker),
        changes=tuple(
            msgspec.structs.replace(
                change,
                replaces=tuple(sorted(crossed_dot(dot, giver, taker) for dot in change.replaces)),
            )
            for change in edit.changes
        ),
        practitioner=edit.practitioner and person_elsewhere(edit.practitioner, giver, taker),
        administrator=edit.administrator and person_elsewhere(edit.administrator, giver, taker),
        admits=edit.admits and crossed_dot(edit.admits, giver, taker),
    )


def person_elsewhere(person: str, giver: str, taker: str) -> str:
    """What the taker calls a practitioner or administrator who is known to the giver."""
    name, _, home = person.partition("@")
    home = home or giver
    return name if home == taker else f"{name}@{home}"


def crossed_dot(dot: Dot, giver: str, taker: str) -> Dot:
    """What the taker calls an edit that the giver calls so."""
    found = _ACTOR.fullmatch(dot.actor)
    if found is None:
        raise LookupError(f"{dot.actor} is no actor.")
    name, life = found["name"], found["life"]
    home = (found["code"] or giver).upper()
    actor = f"{name}.{life}" if home == taker else f"{name}-{home.lower()}.{life}"
    return Dot(actor, dot.counter)
