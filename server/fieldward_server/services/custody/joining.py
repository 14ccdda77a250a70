"""A further practitioner on an enrolled device, and one who comes back with new keys (P30, P31).

Each has keys, lease and grants of their own. Who has forgotten the passphrase is let in again by
an invitation: the keys they had open no lease any more, and what was sealed under them and waits on
the device is still taken (invariant 1).
"""

from __future__ import annotations

import hashlib

from fieldward_server.register_entries import Joined
from fieldward_server.services.authentication import Caller, use_counter
from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.devices import known_device
from fieldward_server.services.custody.hand_overs import took_over
from fieldward_server.services.custody.invitations import (
    check_proof,
    find_invitation,
    named_partitions,
    require_assurance,
    require_in_time,
    require_room,
    require_used_for,
    unknown_invitation,
    used_up,
)
from fieldward_server.services.custody.lease_renewal import new_lease_secret
from fieldward_server.services.custody.practitioners import known_practitioner, registered_person
from fieldward_server.services.distribution.partitions import given_again
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import Transaction, authorities, events, grants, holders, invitations
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.invitations import Invitation as StoredInvitation
from fieldward_sync.encoding import decode, encode
from fieldward_sync.messages import MAX_REQUEST_BYTES, JoinAnswer, JoinRequest


def join(platform: Platform, caller: Caller, request: JoinRequest, *, now: int) -> JoinAnswer:
    """Let a practitioner in on the device that made this request.

    The same request again gets the same answer. Else ``RefusedByServer``: as ``enrol``, and
    "device-closed" where access to the device is, "device-full" for one practitioner too many.
    Whom the device was handed over to comes whatever became of it since: they may have worked.
    """
    statement = request.statement(device=caller.device, generation=caller.generation)
    with opening(platform, caller.authority) as transaction:
        locked(transaction, caller.authority)
        invitation = find_invitation(transaction, request.invitation_id)
        _require_meant_for(invitation, caller)
        check_proof(platform, invitation, request, statement)
        device = known_device(transaction, caller.authority, caller.device, caller.generation)
        if invitation.used_for:
            require_used_for(invitation, _fingerprint(statement))
            return JoinAnswer(invitation.practitioner)
        holder = _holder(transaction, device, invitation)
        if invitation.hpke_key is None:
            require_in_time(invitation, now=now)
            require_assurance(platform, device.assurance)
            named = named_partitions(invitation)
            require_room(transaction, device, invitation.practitioner, named)
        elif holder is None or not holder.is_awaited:
            raise used_up()
        use_counter(transaction, device, caller.counter)
        joined = _joined(platform, transaction, device, invitation, holder, request, now=now)
        again = given_again(transaction, holder, joined.partitions)
        let_in(transaction, joined)
        took_over(platform, transaction, device, invitation, now=now)
        register(platform, transaction, joined, *again)
        events.add(
            transaction,
            authority=caller.authority,
            at=now,
            actor=joined.practitioner,
            action=_action(holder),
            subject=f"{device.device} {device.generation}",
        )
    return JoinAnswer(invitation.practitioner)


def let_in(transaction: Transaction, joined: Joined) -> None:
    """Make a practitioner known on a device, with what they may hold, and the invitation used."""
    request = decode(JoinRequest, joined.request, max_bytes=MAX_REQUEST_BYTES)
    holder = Holder(
        authority=joined.authority,
        device=joined.device,
        generation=joined.generation,
        practitioner=joined.practitioner,
        signing_key=request.practitioner_key,
        changed_state=authorities.next_state(transaction, joined.authority),
        lease_secret=joined.lease_secret or None,
        lease_id=b"",
        lease_issued=0,
        lease_closes=0,
        lease_destroys=0,
        ring_hash=b"",
    )
    if _known(transaction, joined) is None:
        holders.add(transaction, holder)
    else:
        holders.replace_keys(transaction, holder, at=joined.at)
    for partition in joined.partitions:
        grants.give(transaction, holder, partition, at=joined.at)
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


def has_joined(transaction: Transaction, joined: Joined) -> bool:
    """Whether these keys are known already, or were replaced since."""
    request = decode(JoinRequest, joined.request, max_bytes=MAX_REQUEST_BYTES)
    found = _known(transaction, joined)
    if found is None:
        return False
    return request.practitioner_key in (
        found.signing_key,
        *holders.former_keys(transaction, found),
    )


def _known(transaction: Transaction, joined: Joined) -> Holder | None:
    return holders.find(
        transaction, joined.authority, joined.device, joined.generation, joined.practitioner
    )


def _holder(
    transaction: Transaction, device: Device, invitation: StoredInvitation
) -> Holder | None:
    return holders.find(
        transaction, device.authority, device.device, device.generation, invitation.practitioner
    )


def _require_meant_for(invitation: StoredInvitation, caller: Caller) -> None:
    """An invitation is of one authority, one to a hand-over of one device's generation."""
    meant = invitation.authority, invitation.device, invitation.generation
    if invitation.hpke_key is None:
        meant = invitation.authority, caller.device, caller.generation
    if meant != (caller.authority, caller.device, caller.generation):
        raise unknown_invitation()


def _action(before: Holder | None) -> str:
    """What to call it that a practitioner has come."""
    if before is None:
        return "joined"
    return "took-over" if before.is_awaited else "keys-replaced"


def _joined(
    platform: Platform,
    transaction: Transaction,
    device: Device,
    invitation: StoredInvitation,
    before: Holder | None,
    request: JoinRequest,
    *,
    now: int,
) -> Joined:
    authority, practitioner = invitation.authority, invitation.practitioner
    found = known_practitioner(transaction, authority, practitioner)
    name, generation = device.device, device.generation
    if before is not None and before.is_awaited:
        lease_secret = before.lease_secret or b""  # their store key may be wrapped under it
    else:
        lease_secret = new_lease_secret(platform, authority, name, generation, practitioner)
    return Joined(
        authority=authority,
        device=name,
        generation=generation,
        practitioner=practitioner,
        person=registered_person(found),
        partitions=named_partitions(invitation),
        lease_secret=lease_secret,
        request=encode(request),
        at=now,
    )


def _fingerprint(statement: bytes) -> bytes:
    return hashlib.sha256(statement).digest()
