"""Who the device is, and what the server last said: readable while locked, for the owner alone."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from fieldward_client.wire.exchange import Caller
from fieldward_sync.access import (
    MAX_REFUSED_ORDERS,
    RIGHTS,
    Access,
    OrderKind,
    RefusedOrder,
    Rights,
)
from fieldward_sync.encoding import Message, Part
from fieldward_sync.errors import AccessClosed, PeerBrokeProtocol
from fieldward_sync.messages import DEVICE_KEY, MAX_PRACTITIONERS, Trust, key_id
from fieldward_sync.names import (
    AuthorityCode,
    Count,
    DeviceId,
    Key,
    PractitionerId,
    PublicKey,
    Seconds,
)
from fieldward_sync.signing import Signed, signing_key

IDENTITY, CONTACT = "identity", "contact"
MAX_ACKNOWLEDGED = 32
_SHUT = {
    Access.PAUSED: (
        "access-paused",
        "Your administrator has paused this device.",
        "What you typed is still sent. Once it is resumed, a sync opens it.",
    ),
    Access.REVOKED: (
        "access-revoked",
        "Your administrator has ended this device.",
        "What you typed is still sent. Ask for an invitation if you are to go on.",
    ),
}
"""Why nothing is read on the device: by the access that does not permit it."""
MAX_OBEYED = 32
"""Orders that are remembered: twice as many as one answer repeats."""


class Identity(Message, frozen=True):
    """What enrolment settled for good. Its key may deliver and fetch orders, nothing else."""

    marker: ClassVar[bytes] = b"fieldward/identity/1"
    server_url: Annotated[str, Meta(max_length=1000)]
    authority: AuthorityCode
    device: DeviceId
    generation: Count
    seed: Key
    root_key: PublicKey

    def caller(self) -> Caller:
        """The device itself, as the signer of a request."""
        return Caller(
            signing_key(self.seed),
            key_id(self.authority, self.device, self.generation, DEVICE_KEY),
        )

    def open_trust(self, signed: Signed) -> Trust:
        """A trust document of our authority's; ``PeerBrokeProtocol`` if it is anything else."""
        trust = signed.open(Trust, self.root_key)
        if trust.authority != self.authority:
            raise PeerBrokeProtocol("trust-misaddressed", "These keys are another authority's.")
        return trust


class Acknowledged(Part, frozen=True):
    """Up to where the server had the journal while this was the last backup begun."""

    backup: Count
    journal_next: Count
    journal_epoch: Count


class Obeyed(Part, frozen=True):
    """An order that was obeyed."""

    number: Count
    kind: OrderKind


class Contact(Message, frozen=True):
    """What the signed answers so far add up to; replaced as one after each."""

    marker: ClassVar[bytes] = b"fieldward/contact/1"
    trust: Signed
    access: Literal["active", "paused", "draining", "revoked"]
    journal_next: Count
    """The sequence number of the journal entry that the server waits for."""
    journal_epoch: Count
    acknowledged: Annotated[tuple[Acknowledged, ...], Meta(max_length=MAX_ACKNOWLEDGED)]
    """By backup, the oldest first; only the last of those that ``kept_until`` covers is kept."""
    kept_until: Count
    """What was acknowledged before the backup of this number began is in the last two backups."""
    orders_seen: Count
    """The highest number of an order that has been obeyed."""
    obeyed: Annotated[tuple[Obeyed, ...], Meta(max_length=MAX_OBEYED)]
    """The last of them: an older one that comes again is not known to have been."""
    refused_orders: Annotated[tuple[RefusedOrder, ...], Meta(max_length=MAX_REFUSED_ORDERS)]
    """Those of which the server has not been seen to know."""
    refusals_told: Annotated[tuple[RefusedOrder, ...], Meta(max_length=MAX_REFUSED_ORDERS)]
    """The last of those that it knows of: as long as one is repeated it is not told again."""
    receipts: Annotated[tuple[Signed, ...], Meta(max_length=16)]
    """Answers to orders that the server has not been seen to have."""
    suspended: Annotated[tuple[PractitionerId, ...], Meta(max_length=MAX_PRACTITIONERS)]
    """Who is to read nothing here (A4), while whoever shares the device does."""
    last_tried: dict[PractitionerId, Seconds]
    """Per practitioner, and under ``DEVICE_KEY`` of the locked device."""
    last_complete: dict[PractitionerId, Seconds]
    """Per practitioner: one's own state is not told to the next user of the device (P27)."""

    def rights_of(self, practitioner: str) -> Rights:
        """What the server last permitted: to who is suspended, what it does on a paused device."""
        rights = RIGHTS[Access(self.access)]
        if practitioner in self.suspended and rights.read:
            return RIGHTS[Access.PAUSED]
        return rights

    def require_reading(self, practitioner: str) -> None:
        """``AccessClosed`` unless the server's last word permits them to read."""
        access = Access(self.access)
        if not RIGHTS[access].read:
            code, message, next_step = _SHUT[access]
            raise AccessClosed(code, message, next_step=next_step)
        if not self.rights_of(practitioner).read:
            raise AccessClosed(
                "access-suspended", f"{practitioner} is suspended.", next_step="Ask your manager."
            )

    @property
    def besides_progress(self) -> Contact:
        """The same but for how far the journal has come, which each answer says again."""
        return msgspec.structs.replace(
            self, journal_next=0, journal_epoch=0, acknowledged=(), kept_until=0
        )

    @property
    def kinds_obeyed(self) -> dict[int, OrderKind]:
        """The last orders that were obeyed, by number."""
        return {each.number: each.kind for each in self.obeyed}

    @property
    def journal_covered(self) -> tuple[int, int]:
        """The entry and epoch before which the journal is in the server's last two backups."""
        covered = [a for a in self.acknowledged if a.backup < self.kept_until]
        return (covered[-1].journal_next, covered[-1].journal_epoch) if covered else (0, 0)


def first_contact(trust: Signed) -> Contact:
    """What a generation begins with."""
    return Contact(
        trust=trust,
        access="active",
        journal_next=0,
        journal_epoch=0,
        acknowledged=(),
        kept_until=0,
        orders_seen=0,
        obeyed=(),
        refused_orders=(),
        refusals_told=(),
        receipts=(),
        suspended=(),
        last_tried={},
        last_complete={},
    )


def with_acknowledgement(
    before: tuple[Acknowledged, ...], new: Acknowledged, *, kept_until: int
) -> tuple[Acknowledged, ...]:
    """What is acknowledged from now on. Where it grows long, an older one counts as acknowledged
    with the backup after it: that keeps more, never less."""
    after = [a for a in before if a.backup < new.backup]
    while len(after) > 1 and after[1].backup < kept_until:
        del after[0]
    if len(after) >= MAX_ACKNOWLEDGED - 1:
        del after[1]
    return (*after, new)
