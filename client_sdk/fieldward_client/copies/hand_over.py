"""A hand-over as it waits on the device for its code, which came by another way (P6).

It is a lease and a distribution like any other, of a practitioner who has no keys here yet. They
are sealed to a key that grows from the code, and of no use to whoever has not got it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldward_client.copies.store import StoredDistribution, check_distribution
from fieldward_client.disk.folder import Folder
from fieldward_client.keys.identity import Identity
from fieldward_client.keys.lease import StoredLease, check_grant
from fieldward_sync.distribution import Distribution
from fieldward_sync.encoding import Message, decode
from fieldward_sync.errors import LocalDataDamaged, PeerBrokeProtocol
from fieldward_sync.leases import Lease
from fieldward_sync.messages import HandOver, HeldHandOver
from fieldward_sync.signing import MAX_SIGNED_BYTES, Signed

HAND_OVER = "hand-over"


class StoredHandOver(Message, frozen=True):
    """A hand-over with the keys that vouched for it, so that it outlives their replacement."""

    marker: ClassVar[bytes] = b"fieldward/stored-hand-over/1"
    trust: Signed
    hand_over: HandOver


@dataclass(frozen=True)
class WaitingHandOver:
    """A hand-over that is meant for this device, signed by who we trust."""

    invitation_id: bytes
    stored_lease: StoredLease
    stored_distribution: StoredDistribution
    lease: Lease
    distribution: Distribution

    @property
    def practitioner(self) -> str:
        """Who is to come."""
        return self.lease.practitioner

    def held(self) -> HeldHandOver:
        """How the server is told of it."""
        listed = self.distribution
        return HeldHandOver(self.lease.lease_id, listed.incarnation, listed.number)


def check_hand_over(stored: StoredHandOver, identity: Identity) -> WaitingHandOver:
    """The hand-over, if it is meant for this device; else ``PeerBrokeProtocol``."""
    lease = StoredLease(stored.trust, stored.hand_over.grant)
    listed = StoredDistribution(stored.trust, stored.hand_over.distribution)
    claimed = decode(Lease, lease.grant.lease.payload, max_bytes=MAX_SIGNED_BYTES)
    return WaitingHandOver(
        stored.hand_over.invitation_id,
        lease,
        listed,
        check_grant(lease, identity, claimed.practitioner),
        check_distribution(listed, identity, claimed.practitioner),
    )


def waiting_hand_over(folder: Folder, identity: Identity) -> WaitingHandOver | None:
    """The hand-over in the folder, ``None`` if there is none."""
    stored = folder.load(HAND_OVER, StoredHandOver)
    if stored is None:
        return None
    try:
        return check_hand_over(stored, identity)
    except PeerBrokeProtocol as e:
        raise LocalDataDamaged("hand-over-damaged", "The stored hand-over is damaged.") from e
