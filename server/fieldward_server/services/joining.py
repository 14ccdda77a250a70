"""A further practitioner on an enrolled device, and one who comes back with new keys (P30, P31).

Each has keys, lease and grants of their own. Who has forgotten the passphrase is let in again by
an invitation: the keys they had open no lease any more, and what was sealed under them and waits on
the device is still taken (invariant 1).
"""

from __future__ import annotations

import hashlib

from fieldward_server.services.authentication import Caller, use_counter
from fieldward_server.services.authorities import locked
from fieldward_server.services.devices import OPEN_WIPE, known_device
from fieldward_server.services.holdings import count_records, held_partitions
from fieldward_server.services.invitations import (
    NEW_INVITATION,
    check_proof,
    find_invitation,
    known_practitioner,
    named_partitions,
    require_assurance,
    require_in_time,
    require_used_for,
    unknown_invitation,
)
from fieldward_server.services.lease_renewal import new_lease_secret
from fieldward_server.services.platform import Platform
from fieldward_server.shield_register import Joined, Person
from fieldward_server.storage import Transaction, authorities, devices, events, invitations
from fieldward_server.storage.devices import Device, Holder
from fieldward_server.storage.invitations import Invitation as StoredInvitation
from fieldward_sync.access import RIGHTS, UNDER_WIPE, Access, WipeState
from fieldward_sync.encoding import decode, encode
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.messages import MAX_PRACTITIONERS, MAX_REQUEST_BYTES, JoinAnswer, JoinRequest


def join(platform: Platform, caller: Caller, request: JoinRequest, *, now: int) -> JoinAnswer:
    """Let a practitioner in on the device that made this request.

    The same request again gets the same answer. Else ``RefusedByServer``: as ``enrol``, and
    "device-closed" where access to the device is, "device-full" for one practitioner too many.
    """
    statement = request.statement(device=caller.device, generation=caller.generation)
    with platform.storage.transaction() as transaction:
        locked(transaction, caller.authority)
        invitation = find_invitation(transaction, request.invitation_id)
        if invitation.authority != caller.authority:
            raise unknown_invitation()
        check_proof(platform, invitation, request, statement)
        device = known_device(transaction, caller.authority, caller.device, caller.generation)
        if invitation.used_for:
            require_used_for(invitation, _fingerprint(statement))
            return JoinAnswer(invitation.practitioner)
        require_in_time(invitation, now=now)
        require_assurance(platform, device.assurance)
        _require_room(transaction, device, invitation)
        use_counter(transaction, device, caller.counter)
        joined = _joined(platform, transaction, device, invitation, request, now=now)
        is_new = let_in(transaction, joined)
        platform.shield_register.append(joined)
        events.add(
            transaction,
            authority=caller.authority,
            at=now,
            actor=joined.practitioner,
            action="joined" if is_new else "keys-replaced",
            subject=f"{device.device} {device.generation}",
        )
    return JoinAnswer(invitation.practitioner)


def let_in(transaction: Transaction, joined: Joined) -> bool:
    """Make a practitioner known on a device, with what they may hold, and the invitation used;
    whether they were not known there before."""
    request = decode(JoinRequest, joined.request, max_bytes=MAX_REQUEST_BYTES)
    holder = Holder(
        authority=joined.authority,
        device=joined.device,
        generation=joined.generation,
        practitioner=joined.practitioner,
        signing_key=request.practitioner_key,
        changed_state=authorities.next_state(transaction, joined.authority),
        lease_secret=joined.lease_secret,
        lease_id=b"",
        lease_issued=0,
        lease_closes=0,
        lease_destroys=0,
        ring_hash=b"",
    )
    is_new = not _is_known(transaction, joined)
    if is_new:
        devices.add_holder(transaction, holder)
    else:
        devices.replace_keys(transaction, holder, at=joined.at)
    for partition in joined.partitions:
        devices.give(transaction, holder, partition, at=joined.at)
    invitations.use(
        transaction,
        authority=joined.authority,
        invitation_id=request.invitation_id,
        used_for=_fingerprint(
            request.statement(device=joined.device, generation=joined.generation)
        ),
        device=joined.device,
        generation=joined.generation,
    )
    return is_new


def has_joined(transaction: Transaction, joined: Joined) -> bool:
    """Whether these keys are known already, or were replaced since."""
    request = decode(JoinRequest, joined.request, max_bytes=MAX_REQUEST_BYTES)
    found = devices.holder(
        transaction, joined.authority, joined.device, joined.generation, joined.practitioner
    )
    if found is None:
        return False
    return request.practitioner_key in (
        found.signing_key,
        *devices.former_keys(transaction, found),
    )


def _is_known(transaction: Transaction, joined: Joined) -> bool:
    found = devices.holder(
        transaction, joined.authority, joined.device, joined.generation, joined.practitioner
    )
    return found is not None


def _require_room(transaction: Transaction, device: Device, invitation: StoredInvitation) -> None:
    wipe = WipeState(device.wipe)
    if not RIGHTS[Access(device.access)].renew or wipe in OPEN_WIPE | UNDER_WIPE:
        raise RefusedByServer(
            "device-closed",
            f"Access to this device is {device.access}, or it is to wipe itself or has.",
        )
    there = devices.holders(transaction, device.authority, device.device, device.generation)
    is_back = any(each.practitioner == invitation.practitioner for each in there)
    if len(there) >= MAX_PRACTITIONERS and not is_back:
        raise RefusedByServer(
            "device-full",
            f"A device has at most {MAX_PRACTITIONERS} practitioners.",
            next_step="Use another device.",
        )
    wanted = held_partitions(transaction, device) | frozenset(named_partitions(invitation))
    held = count_records(transaction, device.authority, wanted)
    if held > device.record_cap:
        raise RefusedByServer(
            "over-cap",
            f"The device would hold {held:,} records; its cap is {device.record_cap:,}.",
            next_step=NEW_INVITATION,
        )


def _joined(
    platform: Platform,
    transaction: Transaction,
    device: Device,
    invitation: StoredInvitation,
    request: JoinRequest,
    *,
    now: int,
) -> Joined:
    authority, practitioner = invitation.authority, invitation.practitioner
    found = known_practitioner(transaction, authority, practitioner)
    name, generation = device.device, device.generation
    return Joined(
        authority=authority,
        device=name,
        generation=generation,
        practitioner=practitioner,
        person=Person(found.name, found.role, found.team, found.vetted_until, found.trained_until),
        partitions=named_partitions(invitation),
        lease_secret=new_lease_secret(platform, authority, name, generation, practitioner),
        request=encode(request),
        at=now,
    )


def _fingerprint(statement: bytes) -> bytes:
    return hashlib.sha256(statement).digest()
