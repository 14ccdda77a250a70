"""Hand-over by a code issued in advance (P6): who comes next reads without any signal.

A prepared hand-over is a practitioner on a device who is awaited, granted what they are to hold,
and an invitation that names the device. What they need waits on the device, sealed to a key that
grows from the code alone; of that key the server keeps the public half, of the code nothing.
Whatever counts holders counts who is awaited. They come with a join, as anybody does (``joining``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fieldward_server.register_entries import HandOverPrepared
from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.devices import find_latest
from fieldward_server.services.custody.invitations import (
    PROOF_KEY,
    NewCode,
    require_assurance,
    require_room,
)
from fieldward_server.services.custody.lease_renewal import (
    grant_lease,
    is_another,
    new_lease_secret,
)
from fieldward_server.services.custody.practitioners import (
    barred_by,
    known_practitioner,
    registered_person,
    require_not_suspended,
)
from fieldward_server.services.custody.standing import Standing
from fieldward_server.services.distribution.distributions import (
    sign_distribution,
    state_number,
    with_files,
)
from fieldward_server.services.distribution.partitions import (
    check_number,
    end_grant,
    find_partition,
    given_again,
)
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
    practitioners,
)
from fieldward_server.storage.devices import Device
from fieldward_server.storage.grants import Granted
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.invitations import Invitation as StoredInvitation
from fieldward_sync.access import RIGHTS, UNDER_WIPE, WipeState
from fieldward_sync.encoding import pack
from fieldward_sync.errors import CallerMistake
from fieldward_sync.invitations import HAND_OVER_SECRET_BYTES, Invitation
from fieldward_sync.keys import hpke_public_key
from fieldward_sync.messages import HandOver, SyncRequest


@dataclass(frozen=True)
class OpenHandOver:
    """A hand-over that may wait on a device for its code."""

    invitation: StoredInvitation
    holder: Holder
    """Who is awaited."""
    granted: tuple[Granted, ...]

    @property
    def held(self) -> tuple[Granted, ...]:
        """Of what is granted, what files wait of."""
        return with_files(self.granted)


def prepare_hand_over(
    platform: Platform,
    *,
    authority: str,
    device: str,
    practitioner: str,
    partitions: Sequence[str],
    valid_seconds: int,
    actor: str,
    reason: str,
    now: int,
) -> NewCode:
    """Prepare to hand a device over to a practitioner, who may hold these partitions there: the
    code to give to them. It opens what the device's next sync brings, until ``valid_seconds`` from
    now, when the lease closes.

    ``CallerMistake`` for an unknown device, practitioner or partition; "hand-over-open" where one
    has been prepared, "hand-over-too-long" for a lease beyond policy, "practitioner-there" for one
    who has keys on the device, "suspended" for one who is, "vetting-over" and "training-over" for
    one who will not be in date to the end. ``RefusedByServer`` as ``join``.
    """
    check_number(partitions)
    closes = now + valid_seconds
    longest = platform.lease_terms.destroys_seconds
    if valid_seconds > longest:
        raise CallerMistake(
            "hand-over-too-long", f"No keys stay on a device for longer than {longest} seconds."
        )
    with opening(platform, authority) as transaction:
        row = locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        person = known_practitioner(transaction, authority, practitioner)
        for partition in partitions:
            find_partition(transaction, authority, partition)
        _require_none_open(transaction, found)
        _require_not_there(transaction, found, practitioner)
        require_not_suspended(person)
        late = barred_by(person, now=closes)
        if late:
            raise CallerMistake(
                late,
                f"{practitioner}'s vetting or training ends before this lease would.",
                next_step="Have it renewed and recorded, or prepare a shorter one.",
            )
        require_assurance(platform, found.assurance)
        require_room(transaction, found, practitioner, partitions)
        invitation = Invitation.new(platform.entropy(HAND_OVER_SECRET_BYTES), row.root_key)
        name, generation = found.device, found.generation
        seed = invitation.hand_over_seed(
            authority=authority, device=name, generation=generation, practitioner=practitioner
        )
        invitation_id = invitation.invitation_id
        prepared = HandOverPrepared(
            authority=authority,
            device=name,
            generation=generation,
            practitioner=practitioner,
            person=registered_person(person),
            partitions=tuple(dict.fromkeys(partitions)),
            lease_secret=new_lease_secret(platform, authority, name, generation, practitioner),
            invitation_id=invitation_id,
            proof_key=platform.wrap(
                invitation.proof_key, PROOF_KEY, authority, invitation_id.hex()
            ),
            hpke_key=hpke_public_key(seed),
            closes=closes,
            at=now,
        )
        before = holders.find(transaction, authority, name, generation, practitioner)
        again = given_again(transaction, before, prepared.partitions)
        await_practitioner(transaction, prepared, found)
        register(platform, transaction, prepared, *again)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="hand-over-prepared",
            subject=f"{name} {generation} {practitioner}",
            reason=reason,
        )
    return NewCode(invitation.code(), closes)


def withdraw_hand_over(
    platform: Platform, *, authority: str, device: str, actor: str, reason: str, now: int
) -> None:
    """Withdraw the hand-over that was prepared for a device. A device that is not synced keeps what
    waits there until its lease closes; who has opened it delivers, and reads no more.

    ``CallerMistake("no-hand-over")`` if none is open.
    """
    with platform.storage.transaction() as transaction:
        locked(transaction, authority)
        found = find_latest(transaction, authority, device)
        awaited = _awaited(transaction, found)
        if awaited is None:
            raise CallerMistake("no-hand-over", f"No hand-over of {device} is prepared.")
        _end(platform, transaction, found, awaited, now=now)
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="hand-over-withdrawn",
            subject=f"{found.device} {found.generation} {awaited.holder.practitioner}",
            reason=reason,
        )


def await_practitioner(
    transaction: Transaction, prepared: HandOverPrepared, device: Device
) -> None:
    """Make known who is awaited on a device, what they may hold and what their code is. Who was
    awaited before keeps the lease secret."""
    key = prepared.authority, prepared.device, prepared.generation, prepared.practitioner
    holder = holders.find(transaction, *key)
    if holder is None:
        holder = Holder(
            *key,
            signing_key=b"",
            changed_state=authorities.next_state(transaction, prepared.authority),
            lease_secret=prepared.lease_secret,
            lease_id=b"",
            lease_issued=0,
            lease_closes=0,
            lease_destroys=0,
            ring_hash=b"",
        )
        holders.add(transaction, holder)
    for partition in prepared.partitions:
        grants.give(transaction, holder, partition, at=prepared.at)
    devices.set_hand_over(transaction, device, prepared.invitation_id)
    invitations.add(
        transaction,
        authority=prepared.authority,
        invitation_id=prepared.invitation_id,
        practitioner=prepared.practitioner,
        partitions=pack(()),  # the grants are given already
        proof_key=prepared.proof_key,
        expires=prepared.closes,
        record_cap=device.record_cap,
        device=prepared.device,
        generation=prepared.generation,
        hpke_key=prepared.hpke_key,
    )


def took_over(
    platform: Platform,
    transaction: Transaction,
    device: Device,
    invitation: StoredInvitation,
    *,
    now: int,
) -> None:
    """Who was awaited has come. Too late, it is for delivery alone: they lose what they were to
    hold, and nothing that they sealed in time."""
    if invitation.hpke_key is not None and now >= invitation.expires:
        holder = _holder(transaction, invitation)
        _end_grants(platform, transaction, holder, now=now)
    open_id = device.hand_over
    found = invitations.find(transaction, open_id) if open_id else None
    if found is not None and found.practitioner == invitation.practitioner:
        devices.set_hand_over(transaction, device, None)


def open_hand_over(
    platform: Platform, transaction: Transaction, standing: Standing, *, now: int
) -> OpenHandOver | None:
    """The hand-over that may wait on the caller's device; ``None`` where there is none, where
    nothing new may come to the device, and for one who may not hold a lease."""
    device = standing.device
    if not device.hand_over or not RIGHTS[standing.access].renew:
        return None
    if WipeState(device.wipe) in UNDER_WIPE or platform.demands_more(device.assurance):
        return None
    awaited = _awaited(transaction, device)
    if awaited is None or now >= awaited.invitation.expires:
        return None
    practitioner = practitioners.find(
        transaction, device.authority, awaited.invitation.practitioner
    )
    return None if barred_by(practitioner, now=now) else awaited


def is_hand_over_due(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> bool:
    """Whether the device does not hold its hand-over as it is now, and may have it: a locked device
    may not."""
    return _due(platform, transaction, standing, request, now=now) is not None


def hand_over(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> HandOver | None:
    """What waits on the device from now on for the code, if that is due."""
    waits = _due(platform, transaction, standing, request, now=now)
    if waits is None:
        return None
    authority, holder, invitation = standing.authority, waits.holder, waits.invitation
    distribution = sign_distribution(
        platform,
        transaction,
        authority,
        holder,
        waits.granted,
        left=(),
        needed=[each.partition_id for each in waits.held],
        now=now,
    )
    if distribution is None:
        return None
    renewal = grant_lease(
        platform,
        transaction,
        authority,
        holder,
        waits.held,
        invitation.hpke_key or b"",
        None,  # what is held warm opens with a sync alone
        closes=invitation.expires,
        now=now,
    )
    return HandOver(invitation.invitation_id, renewal.lease, distribution)


def _due(
    platform: Platform,
    transaction: Transaction,
    standing: Standing,
    request: SyncRequest,
    *,
    now: int,
) -> OpenHandOver | None:
    if standing.holder is None or request.more:
        return None
    waits = open_hand_over(platform, transaction, standing, now=now)
    if waits is None:
        return None
    held = request.hand_over
    state = standing.authority.incarnation, state_number(waits.holder, waits.held)
    is_held = (
        held is not None
        and (held.incarnation, held.number) == state
        and not is_another(waits.holder, waits.held, lease=held.lease)
    )
    return None if is_held else waits


def _require_none_open(transaction: Transaction, device: Device) -> None:
    awaited = _awaited(transaction, device)
    if awaited is not None:
        raise CallerMistake(
            "hand-over-open",
            f"A hand-over to {awaited.holder.practitioner} is prepared for this device.",
            next_step="Withdraw it first: `fieldward device withdraw-hand-over`.",
        )


def _require_not_there(transaction: Transaction, device: Device, practitioner: str) -> None:
    holder = holders.find(
        transaction, device.authority, device.device, device.generation, practitioner
    )
    if holder is not None and not holder.is_awaited:
        raise CallerMistake(
            "practitioner-there",
            f"{practitioner} has keys on this device.",
            next_step="Give them the partitions: `fieldward grant give`. Where the passphrase is "
            "forgotten: `fieldward device invite`.",
        )


def _awaited(transaction: Transaction, device: Device) -> OpenHandOver | None:
    if not device.hand_over:
        return None
    invitation = invitations.find(transaction, device.hand_over)
    if invitation is None:
        return None
    holder = _holder(transaction, invitation)
    granted = grants.of_holder(transaction, holder)
    return OpenHandOver(invitation, holder, granted) if holder.is_awaited and granted else None


def _holder(transaction: Transaction, invitation: StoredInvitation) -> Holder:
    holder = holders.find(
        transaction,
        invitation.authority,
        invitation.device,
        invitation.generation,
        invitation.practitioner,
    )
    if holder is None:
        raise CallerMistake("unknown-holder", "Nobody is awaited with this code.")
    return holder


def _end(
    platform: Platform, transaction: Transaction, device: Device, waits: OpenHandOver, *, now: int
) -> None:
    _end_grants(platform, transaction, waits.holder, now=now)
    devices.set_hand_over(transaction, device, None)


def _end_grants(platform: Platform, transaction: Transaction, holder: Holder, *, now: int) -> None:
    for granted in grants.of_holder(transaction, holder):
        end_grant(platform, transaction, holder, granted.partition_id, now=now)
