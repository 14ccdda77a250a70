"""Devices, each generation: its keys, how it stands, how far it has delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction, Value


@dataclass(frozen=True)
class Device:
    """A device of one generation as stored."""

    authority: str
    device: str
    generation: int
    name: str
    identity_key: bytes
    journal_key: bytes
    """The public key of its journal's first epoch."""
    assurance: str
    enrolled_at: int
    access: str
    counter_high: int
    counter_window: bytes
    order_number: int
    wipe: str
    """How far a wipe has come."""
    journal_head: bytes
    edits_taken: int
    """Up to this counter, every edit of the device is here."""
    edits_ahead: bytes
    """Packs the runs of counters beyond that are here too."""
    last_contact: int
    last_complete: int
    pending_edits: int
    journal_size: int
    """What the device says of its journal, delivered or not."""
    record_cap: int
    """How many records it may hold."""
    parted: int
    """1 once it contradicted what it had delivered before: a folder came back from an old copy."""
    enquiries: bytes | None
    """Packs how many its practitioners made lately; nothing before the first request."""
    hand_over: bytes | None
    """The invitation of the hand-over that waits here for its code; nothing if none does."""


def add(transaction: Transaction, device: Device) -> None:
    """Store a newly enrolled device."""
    transaction.execute(
        "INSERT INTO device (authority, device, generation, name, identity_key, journal_key,"
        " assurance, enrolled_at, access, counter_high, counter_window, order_number, wipe,"
        " journal_head, edits_taken, edits_ahead, last_contact, last_complete, pending_edits,"
        " journal_size, record_cap, parted, enquiries, hand_over)"
        " VALUES (:authority, :device, :generation, :name, :identity_key, :journal_key,"
        " :assurance, :enrolled_at, :access, :counter_high, :counter_window, :order_number,"
        " :wipe, :journal_head, :edits_taken, :edits_ahead, :last_contact, :last_complete,"
        " :pending_edits, :journal_size, :record_cap, :parted,"
        " :enquiries, :hand_over)",
        **vars(device),
    )


def find(transaction: Transaction, authority: str, device: str, generation: int) -> Device | None:
    """A device of one generation."""
    rows = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority AND device = :device"
        " AND generation = :generation",
        authority=authority,
        device=device,
        generation=generation,
    )
    return Device(**rows[0]) if rows else None


def latest(transaction: Transaction, authority: str, device: str) -> Device | None:
    """A device's latest generation."""
    rows = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority AND device = :device"
        " ORDER BY generation DESC LIMIT 1",
        authority=authority,
        device=device,
    )
    return Device(**rows[0]) if rows else None


def generations(transaction: Transaction, authority: str, device: str) -> tuple[Device, ...]:
    """All generations of a device, the latest first."""
    rows = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority AND device = :device"
        " ORDER BY generation DESC",
        authority=authority,
        device=device,
    )
    return tuple(Device(**row) for row in rows)


def with_identity(
    transaction: Transaction, authority: str, identity_key: bytes
) -> tuple[Device, ...]:
    """All generations of the device with this identity key, the latest first."""
    rows = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority AND identity_key = :identity_key"
        " ORDER BY generation DESC",
        authority=authority,
        identity_key=identity_key,
    )
    return tuple(Device(**row) for row in rows)


def of_authority(transaction: Transaction, authority: str) -> tuple[Device, ...]:
    """All of an authority's devices, each generation, by id."""
    rows = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority ORDER BY device, generation",
        authority=authority,
    )
    return tuple(Device(**row) for row in rows)


def set_access(transaction: Transaction, device: Device, access: str) -> None:
    """Store a device's access state."""
    _update(transaction, device, "UPDATE device SET access = :access", access=access)


def set_wipe(transaction: Transaction, device: Device, wipe: str) -> None:
    """Store how far a wipe has come."""
    _update(transaction, device, "UPDATE device SET wipe = :wipe", wipe=wipe)


def set_record_cap(transaction: Transaction, device: Device, cap: int) -> None:
    """Store how many records a device may hold."""
    _update(transaction, device, "UPDATE device SET record_cap = :cap", cap=cap)


def set_counters(
    transaction: Transaction, device: Device, *, high: int, window: bytes, enquiries: bytes
) -> Callable[[], Device | None]:
    """Store which of a device's request counters were used, and how many enquiries were made, which
    never changes without them; what is returned gives the device as it is now.

    ``None``, and nothing stored, where they are no longer those that ``device`` has.
    """
    rows = transaction.send(
        "UPDATE device SET counter_high = :high, counter_window = :window, enquiries = :enquiries"
        " WHERE authority = :authority AND device = :device AND generation = :generation"
        " AND counter_high = :known_high AND counter_window = :known_window RETURNING *",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
        known_high=device.counter_high,
        known_window=device.counter_window,
        high=high,
        window=window,
        enquiries=enquiries,
    )
    return lambda: next((Device(**row) for row in rows()), None)


def set_journal_head(transaction: Transaction, device: Device, head: bytes) -> None:
    """Store how far a device's journal has come."""
    _update(transaction, device, "UPDATE device SET journal_head = :head", head=head)


def set_hand_over(transaction: Transaction, device: Device, invitation_id: bytes | None) -> None:
    """Store which hand-over waits on a device."""
    _update(
        transaction,
        device,
        "UPDATE device SET hand_over = :invitation_id",
        invitation_id=invitation_id,
    )


def set_parted(transaction: Transaction, device: Device) -> None:
    """A device contradicted what it had delivered before."""
    _update(transaction, device, "UPDATE device SET parted = 1")


def set_edits(transaction: Transaction, device: Device, *, taken: int, ahead: bytes) -> None:
    """Store which of a device's edits are here."""
    _update(
        transaction,
        device,
        "UPDATE device SET edits_taken = :taken, edits_ahead = :ahead",
        taken=taken,
        ahead=ahead,
    )


def set_contact(
    transaction: Transaction,
    device: Device,
    *,
    last_contact: int,
    last_complete: int,
    pending_edits: int,
    journal_size: int,
) -> None:
    """Store when a device was last heard, and what it said it still has."""
    _update(
        transaction,
        device,
        "UPDATE device SET last_contact = :last_contact, last_complete = :last_complete,"
        " pending_edits = :pending_edits, journal_size = :journal_size",
        last_contact=last_contact,
        last_complete=last_complete,
        pending_edits=pending_edits,
        journal_size=journal_size,
    )


def set_assurance(transaction: Transaction, device: Device, assurance: str) -> None:
    """Store where a device keeps its secret."""
    _update(transaction, device, "UPDATE device SET assurance = :assurance", assurance=assurance)


def _update(transaction: Transaction, device: Device, update: str, **values: Value) -> None:
    transaction.execute(
        update + " WHERE authority = :authority AND device = :device AND generation = :generation",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
        **values,
    )
