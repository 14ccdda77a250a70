"""How a caller stands with the authority: everything an answer depends on, of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fieldward_server.services.authentication import Caller
from fieldward_server.services.authorities import known
from fieldward_server.services.custody.devices import unknown_device
from fieldward_server.services.distribution.distributions import held_warm, state_number, with_files
from fieldward_server.storage import Transaction, devices, grants, orders, practitioners, signers
from fieldward_server.storage.authorities import Authority
from fieldward_server.storage.devices import Device
from fieldward_server.storage.grants import Granted
from fieldward_server.storage.holders import Holder
from fieldward_server.storage.orders import StoredOrder
from fieldward_server.storage.practitioners import Practitioner
from fieldward_server.storage.signers import Signer
from fieldward_sync.access import RIGHTS, Access, Rights
from fieldward_sync.encoding import decode, pack, unpack
from fieldward_sync.journal import JournalHead
from fieldward_sync.messages import DEVICE_KEY
from fieldward_sync.names import device_actor
from fieldward_sync.versions import FIRST_COUNTER, Run, VersionVector

CONTACT_SECONDS = 60
"""How exactly a device's last contact is kept, where nothing else is written."""
MAX_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Standing:
    """A caller's device, practitioner, grants, orders, edits and journal."""

    authority: Authority
    device: Device
    holder: Holder | None
    """``None``: the caller signed with the device's key."""
    practitioner: Practitioner | None
    """What is known of the holder."""
    has_notices: bool
    """Whether there is anything for the holder to read."""
    suspended: tuple[str, ...]
    """The practitioners on the device who are, whoever calls."""
    granted: tuple[Granted, ...]
    orders: tuple[StoredOrder, ...]
    """Those without a receipt, withdrawn ones too: they may have been on their way."""
    edits: VersionVector
    journal: JournalHead

    @property
    def access(self) -> Access:
        """What the device may do."""
        return Access(self.device.access)

    @property
    def rights(self) -> Rights:
        """What the caller may do: who is suspended (A4), what they may on a paused device."""
        suspended = self.practitioner is not None and self.practitioner.suspended_at > 0
        may_read = RIGHTS[self.access].read
        return RIGHTS[Access.PAUSED if suspended and may_read else self.access]

    @property
    def actor(self) -> str:
        """Who the device is in edits."""
        return device_actor(self.device.device, self.device.generation)

    @property
    def edits_held(self) -> int:
        """Up to this counter every edit of the device is here."""
        return self.edits.highest(self.actor)

    @cached_property
    def held(self) -> tuple[Granted, ...]:
        """Of what is granted, what the caller gets files of."""
        return with_files(self.granted)

    @cached_property
    def warm(self) -> tuple[Granted, ...]:
        """Of that, what the caller gets keys of for memory alone."""
        return held_warm(self.held)

    @property
    def state_number(self) -> int:
        """The state number of the last change that concerned this caller."""
        return state_number(self.holder, self.held)


def find_standing(transaction: Transaction, caller: Caller) -> Standing:
    """How the caller stands now."""
    code = caller.authority
    found = signers.find(
        transaction, code, caller.device, caller.generation, caller.practitioner or DEVICE_KEY
    )
    if found is None:
        raise unknown_device(caller.device)
    return standing_of(transaction, found)


def standing_of(transaction: Transaction, found: Signer) -> Standing:
    """How a caller stands who was found, and what else there is of them now."""
    device, holder = found.device, found.holder
    return Standing(
        authority=known(found.authority, device.authority),
        device=device,
        holder=holder,
        practitioner=found.practitioner,
        has_notices=bool(found.has_notices),
        suspended=practitioners.suspended_on(transaction, device) if found.suspended else (),
        granted=grants.of_holder(transaction, holder) if holder else (),
        orders=_open_orders(transaction, device),
        edits=edits_of(device),
        journal=read_head(device),
    )


def _open_orders(transaction: Transaction, device: Device) -> tuple[StoredOrder, ...]:
    if not device.order_number:
        return ()
    return orders.open_orders(transaction, device.authority, device.device, device.generation)


def read_head(device: Device) -> JournalHead:
    """How far a device's journal has come."""
    return decode(JournalHead, device.journal_head, max_bytes=MAX_HEAD_BYTES)


def edits_of(device: Device) -> VersionVector:
    """Which of a device's edits have been taken."""
    actor = device_actor(device.device, device.generation)
    ahead = (Run(*run) for run in unpack(tuple[tuple[int, int], ...], device.edits_ahead))
    taken = (Run(FIRST_COUNTER, device.edits_taken),) if device.edits_taken else ()
    return VersionVector({actor: (*taken, *ahead)})


def store_edits(transaction: Transaction, device: Device, taken: VersionVector) -> None:
    """Store what ``edits_of`` reads."""
    actor = device_actor(device.device, device.generation)
    devices.set_edits(
        transaction,
        device,
        taken=taken.highest(actor),
        ahead=pack(taken.beyond_gaps(actor)),
    )
