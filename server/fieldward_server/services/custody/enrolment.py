"""Enrolment: an invitation becomes a device (V3)."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldward_server.register_entries import Enrolment
from fieldward_server.services.authentication import EMPTY_WINDOW
from fieldward_server.services.authorities import answer_key, locked
from fieldward_server.services.custody.devices import OPEN_WIPE, known_device
from fieldward_server.services.custody.invitations import (
    NEW_INVITATION,
    check_proof,
    find_invitation,
    named_partitions,
    require_assurance,
    require_in_time,
    require_used_for,
    unknown_invitation,
)
from fieldward_server.services.custody.lease_renewal import new_lease_secret
from fieldward_server.services.custody.practitioners import known_practitioner, registered_person
from fieldward_server.services.distribution.holdings import count_records
from fieldward_server.services.platform import Platform
from fieldward_server.services.registering import opening, register
from fieldward_server.storage import (
    Transaction,
    authorities,
    devices,
    events,
    grants,
    holders,
    invitations,
)
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.invitations import Invitation as StoredInvitation
from fieldward_sync.access import Access, WipeState
from fieldward_sync.encoding import decode, encode, pack, unpack
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.journal import JournalHead
from fieldward_sync.messages import MAX_REQUEST_BYTES, EnrolAnswer, EnrolRequest
from fieldward_sync.signing import Signed

FIRST_GENERATION = 1
DEVICE_ID_BYTES = 5


def enrol(
    platform: Platform, request: EnrolRequest, *, counter: int, now: int
) -> tuple[EnrolAnswer, Ed25519PrivateKey]:
    """Enrol the device that made this request, and the key to sign the answer with.

    The same request again gets the same answer. Else ``RefusedByServer``: "invitation-unknown",
    "invitation-expired", "invitation-used", "proof-wrong", "wipe-open", "over-cap",
    "assurance-too-low".
    """
    with platform.storage.reading() as transaction:
        found = find_invitation(transaction, request.invitation_id)
    with opening(platform, found.authority) as transaction:
        authority = locked(transaction, found.authority)
        # Read again now that nobody else can use it meanwhile.
        invitation = find_invitation(transaction, request.invitation_id)
        if invitation.hpke_key is not None:
            raise unknown_invitation()
        check_proof(platform, invitation, request, request.statement())
        if invitation.used_for:
            device = _enrolled_before(transaction, invitation, request)
        else:
            device = _enrol_new(
                platform, transaction, invitation, request, counter=counter, now=now
            )
        answer = _answer(authority, device, invitation.practitioner)
    return answer, answer_key(platform, authority.authority)


def _enrolled_before(
    transaction: Transaction, invitation: StoredInvitation, request: EnrolRequest
) -> Device:
    """The device that this same request made, whose answer was lost on the way."""
    require_used_for(invitation, _fingerprint(request))
    return known_device(transaction, invitation.authority, invitation.device, invitation.generation)


def _enrol_new(
    platform: Platform,
    transaction: Transaction,
    invitation: StoredInvitation,
    request: EnrolRequest,
    *,
    counter: int,
    now: int,
) -> Device:
    require_in_time(invitation, now=now)
    require_assurance(platform, request.assurance)
    _check_cap(transaction, invitation)
    enrolment = _enrolment(platform, transaction, invitation, request, counter=counter, now=now)
    device = enter(transaction, enrolment)
    register(platform, transaction, enrolment)
    events.add(
        transaction,
        authority=invitation.authority,
        at=now,
        actor=invitation.practitioner,
        action="enrolled",
        subject=f"{device.device} {device.generation}",
    )
    return device


def _check_cap(transaction: Transaction, invitation: StoredInvitation) -> None:
    """The partitions may have grown since the invitation was made."""
    named = frozenset(named_partitions(invitation))
    held = count_records(transaction, invitation.authority, named)
    if held > invitation.record_cap:
        raise RefusedByServer(
            "over-cap",
            f"The device would hold {held:,} records; its cap is {invitation.record_cap:,}.",
            next_step=NEW_INVITATION,
        )


def enter(transaction: Transaction, enrolment: Enrolment) -> Device:
    """Make a device known, its practitioner and what they may hold, and its invitation used if
    there was one.

    Its earlier generation reads on no more; what that one has typed still comes in.
    """
    request = decode(EnrolRequest, enrolment.request, max_bytes=MAX_REQUEST_BYTES)
    authority, name = enrolment.authority, enrolment.device
    earlier = devices.find(transaction, authority, name, enrolment.generation - 1)
    if earlier is not None and Access(earlier.access) is Access.ACTIVE:
        devices.set_access(transaction, earlier, Access.DRAINING.value)
    device = _new_device(enrolment, request)
    if earlier is not None and enrolment.came_back:  # of which nobody approved
        device = replace(device, enquiries=earlier.enquiries)
    devices.add(transaction, device)
    holder = _new_holder(
        enrolment, request, changed_state=authorities.next_state(transaction, authority)
    )
    holders.add(transaction, holder)
    for partition in enrolment.partitions:
        grants.give(transaction, holder, partition, at=enrolment.at)
    if not enrolment.came_back:
        invitations.use(
            transaction,
            authority=authority,
            invitation_id=request.invitation_id,
            used_for=_fingerprint(request),
            device=name,
            generation=enrolment.generation,
        )
    return device


def _enrolment(
    platform: Platform,
    transaction: Transaction,
    invitation: StoredInvitation,
    request: EnrolRequest,
    *,
    counter: int,
    now: int,
) -> Enrolment:
    authority, practitioner = invitation.authority, invitation.practitioner
    device, generation = _name(platform, transaction, invitation, request)
    found = known_practitioner(transaction, authority, practitioner)
    return Enrolment(
        authority=authority,
        device=device,
        generation=generation,
        practitioner=practitioner,
        person=registered_person(found),
        partitions=named_partitions(invitation),
        record_cap=invitation.record_cap,
        lease_secret=new_lease_secret(platform, authority, device, generation, practitioner),
        request=encode(request),
        came_back=False,
        counter=counter,
        at=now,
    )


def _new_device(enrolment: Enrolment, request: EnrolRequest) -> Device:
    name, generation = enrolment.device, enrolment.generation
    return Device(
        authority=enrolment.authority,
        device=name,
        generation=generation,
        name=request.name,
        identity_key=request.device_key,
        journal_key=request.journal_key,
        assurance=request.assurance,
        enrolled_at=enrolment.at,
        access=Access.ACTIVE.value,
        counter_high=enrolment.counter,
        counter_window=EMPTY_WINDOW,
        order_number=0,
        wipe=WipeState.NONE.value,
        journal_head=encode(JournalHead.first(name, generation, request.journal_key)),
        edits_taken=0,
        edits_ahead=pack(()),
        last_contact=enrolment.at,
        last_complete=0,
        pending_edits=0,
        journal_size=0,
        record_cap=enrolment.record_cap,
        parted=0,
        enquiries=None,
        hand_over=None,
    )


def _name(
    platform: Platform,
    transaction: Transaction,
    invitation: StoredInvitation,
    request: EnrolRequest,
) -> tuple[str, int]:
    """A new id; or, for an identity key known here, that device's next generation."""
    earlier = devices.with_identity(transaction, invitation.authority, request.device_key)
    if not earlier:
        return f"d-{platform.entropy(DEVICE_ID_BYTES).hex()}", FIRST_GENERATION
    latest = earlier[0]
    if WipeState(latest.wipe) in OPEN_WIPE:
        raise RefusedByServer(
            "wipe-open",
            "This device has been ordered to wipe and has not confirmed it.",
            next_step="Sync once, so that it can wipe and say so; then enrol again.",
        )
    return latest.device, latest.generation + 1


def _new_holder(enrolment: Enrolment, request: EnrolRequest, *, changed_state: int) -> Holder:
    return Holder(
        authority=enrolment.authority,
        device=enrolment.device,
        generation=enrolment.generation,
        practitioner=enrolment.practitioner,
        signing_key=request.practitioner_key,
        changed_state=changed_state,
        lease_secret=enrolment.lease_secret,
        lease_id=b"",
        lease_issued=0,
        lease_closes=0,
        lease_destroys=0,
        ring_hash=b"",
    )


def _fingerprint(request: EnrolRequest) -> bytes:
    return hashlib.sha256(request.statement()).digest()


def _answer(authority: Authority, device: Device, practitioner: str) -> EnrolAnswer:
    return EnrolAnswer(
        authority=authority.authority,
        device=device.device,
        generation=device.generation,
        practitioner=practitioner,
        root_key=authority.root_key,
        trust=unpack(Signed, authority.trust),
    )
