"""A device that comes back from an old copy of its folder goes on as its next generation.

Nobody is asked: it is the same device, practitioner and grants, which an administrator approved.
The journal of the generation before stays as it was acknowledged; an incident is opened each time.
"""

from __future__ import annotations

from fieldward_server.register_entries import Enrolment
from fieldward_server.services.custody.devices import OPEN_WIPE
from fieldward_server.services.custody.enrolment import enter
from fieldward_server.services.custody.lease_renewal import new_lease_secret
from fieldward_server.services.custody.practitioners import known_practitioner, registered_person
from fieldward_server.services.custody.standing import Standing
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import register
from fieldward_server.storage import Transaction, devices, events, grants, holders
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_sync.access import UNDER_WIPE, Access, WipeState
from fieldward_sync.encoding import encode
from fieldward_sync.messages import EnrolRequest

NOT_GRANTED = 0
_NO_INVITATION, _NO_PROOF = bytes(32), bytes(32)


def next_generation(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    journal_key: bytes,
    *,
    now: int,
) -> int:
    """The generation whose journal begins with this key, made if there is none; ``NOT_GRANTED``.

    Only for a practitioner whose device has contradicted itself, while its latest generation may
    read and is not to be wiped: a later one may have come from the same copy before.
    """
    device, holder = standing.device, standing.holder
    if holder is None:
        return NOT_GRANTED
    known = devices.generations(transaction, device.authority, device.device)
    for each in known:
        named = each.generation > device.generation and each.journal_key == journal_key
        # A colleague may have asked before, by the plan in the folder that they share.
        if named and _is_on(transaction, each, holder.practitioner):
            return each.generation
    latest = known[0]
    if (
        not device.parted
        or Access(latest.access) is not Access.ACTIVE
        or WipeState(latest.wipe) in OPEN_WIPE | UNDER_WIPE
    ):
        return NOT_GRANTED
    enrolment = _enrolment(platform, transaction, latest, holder, journal_key, now=now)
    enter(transaction, enrolment)
    register(platform, transaction, enrolment)
    goes_on = f"goes on as generation {enrolment.generation}"
    events.open_incident(transaction, device, "old-copy", goes_on, at=now)
    return enrolment.generation


def _is_on(transaction: Transaction, device: Device, practitioner: str) -> bool:
    """Whether somebody is on this generation of a device."""
    there = holders.find(
        transaction, device.authority, device.device, device.generation, practitioner
    )
    return there is not None


def _enrolment(
    platform: Platform,
    transaction: Transaction,
    latest: Device,
    holder: Holder,
    journal_key: bytes,
    *,
    now: int,
) -> Enrolment:
    """As if this practitioner had been invited to what the latest generation may hold."""
    authority, name, practitioner = latest.authority, latest.device, holder.practitioner
    generation = latest.generation + 1
    found = known_practitioner(transaction, authority, practitioner)
    held = holders.find(transaction, authority, name, latest.generation, practitioner)
    granted = grants.of_holder(transaction, held) if held else ()
    request = EnrolRequest(
        invitation_id=_NO_INVITATION,
        device_key=latest.identity_key,
        practitioner_key=holder.signing_key,
        journal_key=journal_key,
        assurance="platform" if latest.assurance == "platform" else "file",
        name=latest.name,
        proof=_NO_PROOF,
    )
    return Enrolment(
        authority=authority,
        device=name,
        generation=generation,
        practitioner=practitioner,
        person=registered_person(found),
        partitions=tuple(each.partition_id for each in granted),
        record_cap=latest.record_cap,
        lease_secret=new_lease_secret(platform, authority, name, generation, practitioner),
        request=encode(request),
        came_back=True,
        counter=0,
        at=now,
    )
