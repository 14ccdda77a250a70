"""Invitations: made by an administrator, and what both ways to use one up have in common (V3)."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from fieldward_server.services.authorities import locked
from fieldward_server.services.custody.devices import OPEN_WIPE
from fieldward_server.services.custody.practitioners import (
    known_practitioner,
    require_not_suspended,
)
from fieldward_server.services.distribution.holdings import (
    DEFAULT_CAP,
    count_records,
    held_partitions,
    over_cap,
    require_reason,
)
from fieldward_server.services.distribution.partitions import check_number, find_partition
from fieldward_server.services.platform import Platform
from fieldward_server.storage import Transaction, events, grants, holders, invitations
from fieldward_server.storage.devices import Device
from fieldward_server.storage.invitations import Invitation as StoredInvitation
from fieldward_sync.access import RIGHTS, UNDER_WIPE, Access, WipeState
from fieldward_sync.encoding import pack, unpack
from fieldward_sync.errors import RefusedByServer
from fieldward_sync.invitations import SECRET_BYTES, Invitation, proof
from fieldward_sync.leases import MAX_PARTITIONS_OF_A_PRACTITIONER
from fieldward_sync.messages import MAX_PRACTITIONERS

PROOF_KEY = "invitation-proof"

MAX_VALID_SECONDS = 14 * 24 * 3600
"""How long an invitation may be good for."""

NEW_INVITATION = "Ask your sync administrator for a new invitation."


@dataclass(frozen=True)
class NewCode:
    """A code for its practitioner, used once."""

    code: str
    good_until: int
    """From then on it is of no use; whole seconds since 1970 UTC."""


class Proven(Protocol):
    """A request that uses an invitation up."""

    @property
    def proof(self) -> bytes:
        """That its sender holds the code."""


def invite(
    platform: Platform,
    *,
    authority: str,
    practitioner: str,
    partitions: Sequence[str],
    valid_seconds: int,
    actor: str,
    reason: str,
    now: int,
    record_cap: int = DEFAULT_CAP,
) -> NewCode:
    """Invite a practitioner to one device, where they may hold these partitions: the code to give
    to them. A device that is enrolled with it may hold at most ``record_cap`` records.

    ``CallerMistake`` for an unknown authority, practitioner or partition; "over-cap" where these
    partitions have more records, "reason-needed" for a higher cap without a reason, "suspended" for
    a practitioner who is.
    """
    check_number(partitions)
    require_reason(record_cap, reason)
    with platform.storage.transaction() as transaction:
        row = locked(transaction, authority)
        require_not_suspended(known_practitioner(transaction, authority, practitioner))
        for partition in partitions:
            find_partition(transaction, authority, partition)
        held = count_records(transaction, authority, frozenset(partitions))
        if held > record_cap:
            raise over_cap(
                f"The device would hold {held:,} records; its cap is {record_cap:,}.",
                next_step="Invite to fewer partitions, or to more records with a reason: --cap.",
            )
        invitation = Invitation.new(platform.entropy(SECRET_BYTES), row.root_key)
        invitation_id = invitation.invitation_id
        invitations.add(
            transaction,
            authority=authority,
            invitation_id=invitation_id,
            practitioner=practitioner,
            partitions=pack(tuple(dict.fromkeys(partitions))),
            proof_key=platform.wrap(
                invitation.proof_key, PROOF_KEY, authority, invitation_id.hex()
            ),
            expires=now + valid_seconds,
            record_cap=record_cap,
        )
        events.add(
            transaction,
            authority=authority,
            at=now,
            actor=actor,
            action="invited",
            subject=practitioner,
            reason=reason,
        )
    return NewCode(invitation.code(), now + valid_seconds)


def find_invitation(transaction: Transaction, invitation_id: bytes) -> StoredInvitation:
    """The invitation of this id; ``RefusedByServer("invitation-unknown")`` if there is none."""
    found = invitations.find(transaction, invitation_id)
    if found is None:
        raise unknown_invitation()
    return found


def unknown_invitation() -> RefusedByServer:
    """What to raise for an invitation that is not for whoever asks."""
    return RefusedByServer(
        "invitation-unknown", "There is no such invitation.", next_step=NEW_INVITATION
    )


def check_proof(
    platform: Platform, invitation: StoredInvitation, request: Proven, statement: bytes
) -> None:
    """``RefusedByServer("proof-wrong")`` unless the sender of a request holds the code."""
    key = platform.unwrap(
        invitation.proof_key,
        PROOF_KEY,
        invitation.authority,
        invitation.invitation_id.hex(),
    )
    if not hmac.compare_digest(proof(key, statement), request.proof):
        raise RefusedByServer(
            "proof-wrong", "The request does not prove that its sender holds the code."
        )


def require_used_for(invitation: StoredInvitation, used_for: bytes) -> None:
    """``RefusedByServer("invitation-used")`` where another request has used it up."""
    if invitation.used_for != used_for:
        raise used_up()


def used_up() -> RefusedByServer:
    """What to raise for an invitation that let somebody else in, or the same with other keys."""
    return RefusedByServer(
        "invitation-used",
        "This invitation has been used already.",
        next_step=NEW_INVITATION,
    )


def require_in_time(invitation: StoredInvitation, *, now: int) -> None:
    """``RefusedByServer("invitation-expired")`` after its end."""
    if now >= invitation.expires:
        raise RefusedByServer(
            "invitation-expired", "This invitation has expired.", next_step=NEW_INVITATION
        )


def require_assurance(platform: Platform, assurance: str) -> None:
    """``RefusedByServer("assurance-too-low")`` for less than this server demands (A2)."""
    if platform.demands_more(assurance):
        raise RefusedByServer(
            "assurance-too-low",
            "Devices here keep their secret in their platform's key store; this one has a file.",
            next_step="Use a device with a key store of its platform, unlocked; or ask your sync "
            "administrator, who sets what is demanded.",
        )


def require_room(
    transaction: Transaction, device: Device, practitioner: str, named: Collection[str]
) -> None:
    """``RefusedByServer`` where a practitioner cannot come to a device, to hold what is named:
    "device-closed", "device-full", "over-cap"."""
    wipe = WipeState(device.wipe)
    if not RIGHTS[Access(device.access)].renew or wipe in OPEN_WIPE | UNDER_WIPE:
        raise RefusedByServer(
            "device-closed",
            f"Access to this device is {device.access}, or it is to wipe itself or has.",
        )
    there = holders.of_device(transaction, device)
    is_back = any(each.practitioner == practitioner for each in there)
    if len(there) >= MAX_PRACTITIONERS and not is_back:
        raise RefusedByServer(
            "device-full",
            f"A device has at most {MAX_PRACTITIONERS} practitioners.",
            next_step="Use another device.",
        )
    own = [
        granted.partition_id
        for each in there
        if each.practitioner == practitioner
        for granted in grants.of_holder(transaction, each)
    ]
    if len({*named, *own}) > MAX_PARTITIONS_OF_A_PRACTITIONER:
        raise RefusedByServer(
            "over-cap",
            f"A practitioner holds at most {MAX_PARTITIONS_OF_A_PRACTITIONER} partitions on a"
            f" device, with the {len(own)} that they may hold there now.",
            next_step=NEW_INVITATION,
        )
    wanted = held_partitions(transaction, device) | frozenset(named)
    held = count_records(transaction, device.authority, wanted)
    if held > device.record_cap:
        raise RefusedByServer(
            "over-cap",
            f"The device would hold {held:,} records; its cap is {device.record_cap:,}.",
            next_step=NEW_INVITATION,
        )


def named_partitions(invitation: StoredInvitation) -> tuple[str, ...]:
    """What whoever uses it may hold."""
    named: tuple[str, ...] = unpack(tuple[str, ...], invitation.partitions)
    return named
