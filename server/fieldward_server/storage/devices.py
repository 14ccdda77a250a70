"""Devices, who holds what on them, and their leases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fieldward_server.storage.driver import Row, Transaction, Value


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


@dataclass(frozen=True)
class Holder:
    """A practitioner on a device; ``lease_secret`` is wrapped, and gone after revocation."""

    authority: str
    device: str
    generation: int
    practitioner: str
    signing_key: bytes
    """Empty for one who is awaited: they are handed the device over, and have not been heard."""
    changed_state: int
    """The state number at which their grants changed last."""
    lease_secret: bytes | None
    lease_id: bytes
    lease_issued: int
    lease_closes: int
    lease_destroys: int
    ring_hash: bytes

    @property
    def is_awaited(self) -> bool:
        """Whether nobody has said yet which keys are theirs."""
        return not self.signing_key


_LATEST = (
    "d.authority = :authority AND d.generation = (SELECT max(l.generation) FROM device l"
    " WHERE l.authority = d.authority AND l.device = d.device)"
)
"""A device ``d`` of an authority is of its latest generation."""
_HELD = (
    "SELECT g.partition_id FROM partition_grant g WHERE g.authority = d.authority"
    " AND g.device = d.device AND g.generation = d.generation AND g.taken_at IS NULL"
)
"""The partitions that may be held on a device ``d`` now."""


@dataclass(frozen=True)
class Granted:
    """A partition that a holder may hold now, and what its manifest and key ring depend on."""

    partition_id: str
    title: str
    way: str
    records: int
    key_epoch: int
    digest_key: bytes
    file_epochs: bytes
    published_state: int
    keys_until: int
    """Keys of it that came before its way was stricter may be on the device's disk until then,
    unless it has said that they are gone; 0 for none."""


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
) -> Device | None:
    """Store which of a device's request counters were used, and how many enquiries were made, which
    never changes without them; the device as it is now.

    ``None``, and nothing stored, where they are no longer those that ``device`` has.
    """
    rows = transaction.execute(
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
    return Device(**rows[0]) if rows else None


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


def add_holder(transaction: Transaction, holder: Holder) -> None:
    """Store a practitioner on a device."""
    transaction.execute(
        "INSERT INTO holder (authority, device, generation, practitioner, signing_key,"
        " changed_state, lease_secret, lease_id, lease_issued, lease_closes, lease_destroys,"
        " ring_hash) VALUES (:authority, :device, :generation, :practitioner, :signing_key,"
        " :changed_state, :lease_secret, :lease_id, :lease_issued, :lease_closes,"
        " :lease_destroys, :ring_hash)",
        **vars(holder),
    )


def holder(
    transaction: Transaction, authority: str, device: str, generation: int, practitioner: str
) -> Holder | None:
    """A practitioner on a device."""
    rows = transaction.execute(
        "SELECT * FROM holder WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner",
        authority=authority,
        device=device,
        generation=generation,
        practitioner=practitioner,
    )
    return Holder(**rows[0]) if rows else None


def replace_keys(transaction: Transaction, holder: Holder, *, at: int) -> None:
    """A holder who is known here has new keys and perhaps another lease secret; the next lease is
    due. What was sealed and not delivered under the keys before, if any, is still theirs."""
    transaction.execute(
        "INSERT INTO former_key (authority, device, generation, practitioner, signing_key,"
        " replaced_at) SELECT authority, device, generation, practitioner, signing_key, :at"
        " FROM holder WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner"
        " AND signing_key <> :no_key ON CONFLICT DO NOTHING",
        **_holder_key(holder),
        at=at,
        no_key=b"",
    )
    _update_holder(
        transaction,
        holder,
        "UPDATE holder SET signing_key = :signing_key, changed_state = :changed_state,"
        " lease_secret = :lease_secret, lease_id = :lease_id, ring_hash = :ring_hash",
        signing_key=holder.signing_key,
        changed_state=holder.changed_state,
        lease_secret=holder.lease_secret or b"",
        lease_id=holder.lease_id,
        ring_hash=holder.ring_hash,
    )


def former_keys(transaction: Transaction, holder: Holder) -> tuple[bytes, ...]:
    """The keys that a holder signed with before, the last first."""
    rows = transaction.execute(
        "SELECT signing_key FROM former_key WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner"
        " ORDER BY replaced_at DESC, signing_key",
        **_holder_key(holder),
    )
    return tuple(row["signing_key"] for row in rows)


def set_assurance(transaction: Transaction, device: Device, assurance: str) -> None:
    """Store where a device keeps its secret."""
    _update(transaction, device, "UPDATE device SET assurance = :assurance", assurance=assurance)


def of_holder(transaction: Transaction, holder: Holder) -> Device:
    """The device, of that generation, that a practitioner is on."""
    (row,) = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority AND device = :device"
        " AND generation = :generation",
        authority=holder.authority,
        device=holder.device,
        generation=holder.generation,
    )
    return Device(**row)


def holders(
    transaction: Transaction, authority: str, device: str, generation: int
) -> tuple[Holder, ...]:
    """All practitioners on a device."""
    rows = transaction.execute(
        "SELECT * FROM holder WHERE authority = :authority AND device = :device"
        " AND generation = :generation ORDER BY practitioner",
        authority=authority,
        device=device,
        generation=generation,
    )
    return tuple(Holder(**row) for row in rows)


def set_changed_state(transaction: Transaction, holder: Holder, state: int) -> None:
    """Something that concerns this holder alone changed at this state number."""
    _update_holder(transaction, holder, "UPDATE holder SET changed_state = :state", state=state)


def set_changed_states(
    transaction: Transaction, authority: str, partition_id: str, state: int
) -> None:
    """Something that concerns whoever may hold a partition changed at this state number."""
    transaction.execute(
        "UPDATE holder SET changed_state = :state WHERE authority = :authority"
        " AND EXISTS (SELECT 1 FROM partition_grant g WHERE g.authority = holder.authority"
        "  AND g.device = holder.device AND g.generation = holder.generation"
        "  AND g.practitioner = holder.practitioner AND g.partition_id = :partition_id"
        "  AND g.taken_at IS NULL)",
        authority=authority,
        partition_id=partition_id,
        state=state,
    )


def note_stored_keys(transaction: Transaction, authority: str, partition_id: str) -> None:
    """The keys of a partition are to leave the disks they are on: until their leases close they
    may be there still."""
    transaction.execute(
        "UPDATE partition_grant SET keys_until = coalesce((SELECT h.lease_closes FROM holder h"
        "  WHERE h.authority = partition_grant.authority AND h.device = partition_grant.device"
        "  AND h.generation = partition_grant.generation"
        "  AND h.practitioner = partition_grant.practitioner), 0)"
        " WHERE authority = :authority AND partition_id = :partition_id",
        authority=authority,
        partition_id=partition_id,
    )


def forget_stored_keys(
    transaction: Transaction, holder: Holder, partition_ids: Collection[str]
) -> None:
    """The device has said that no key of these partitions is on its disk any more."""
    transaction.execute(
        "UPDATE partition_grant SET keys_until = 0 WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND practitioner = :practitioner"
        " AND partition_id IN :partition_ids",
        **_holder_key(holder),
        partition_ids=list(partition_ids),
    )


def set_lease(
    transaction: Transaction,
    holder: Holder,
    *,
    lease_id: bytes,
    issued: int,
    closes: int,
    destroys: int,
    ring_hash: bytes,
) -> None:
    """Store the lease granted last. Its ends are kept as the latest that any lease has: a longer
    one of before, which a hand-over has, may still be where this one goes."""
    _update_holder(
        transaction,
        holder,
        "UPDATE holder SET lease_id = :lease_id, lease_issued = :issued, lease_closes ="
        " CASE WHEN lease_closes > :closes THEN lease_closes ELSE :closes END, lease_destroys ="
        " CASE WHEN lease_destroys > :destroys THEN lease_destroys ELSE :destroys END,"
        " ring_hash = :ring_hash",
        lease_id=lease_id,
        issued=issued,
        closes=closes,
        destroys=destroys,
        ring_hash=ring_hash,
    )


def erase_lease_secrets(transaction: Transaction, device: Device) -> None:
    """Forget what reopens a device's stores: it never reads again."""
    transaction.execute(
        "UPDATE holder SET lease_secret = NULL WHERE authority = :authority"
        " AND device = :device AND generation = :generation",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
    )


def give(transaction: Transaction, holder: Holder, partition_id: str, *, at: int) -> bool:
    """Whether the grant is new, or was taken before.

    Redactions of before the oldest image that it brings need no confirmation.
    """
    return bool(
        transaction.execute(
            "INSERT INTO partition_grant (authority, device, generation, practitioner,"
            " partition_id, given_at, offered_feed, hidden_feed, gone_feed)"
            " SELECT :authority, :device, :generation, :practitioner, o.partition_id, :at,"
            "  o.feed, o.feed, o.feed FROM (SELECT partition_id,"
            "  CASE WHEN manifest IS NULL THEN feed ELSE image_feed END AS feed FROM partition"
            "  WHERE authority = :authority AND partition_id = :partition_id) o WHERE TRUE"
            " ON CONFLICT (authority, device, generation, practitioner, partition_id)"
            " DO UPDATE SET given_at = excluded.given_at, taken_at = NULL, lost_feed = NULL"
            " WHERE partition_grant.taken_at IS NOT NULL RETURNING partition_id",
            **_holder_key(holder),
            partition_id=partition_id,
            at=at,
        )
    )


def take(transaction: Transaction, holder: Holder, partition_id: str, *, at: int) -> bool:
    """Whether there was a grant to take."""
    return bool(
        transaction.execute(
            "UPDATE partition_grant SET taken_at = :at WHERE authority = :authority"
            " AND device = :device AND generation = :generation"
            " AND practitioner = :practitioner AND partition_id = :partition_id"
            " AND taken_at IS NULL RETURNING partition_id",
            **_holder_key(holder),
            partition_id=partition_id,
            at=at,
        )
    )


def oldest_lease(transaction: Transaction, authority: str, *, alive_at: int) -> int | None:
    """When the oldest lease was given of those whose keys are kept beyond this time; ``None`` if
    there is none."""
    (row,) = transaction.execute(
        "SELECT min(lease_issued) AS issued FROM holder"
        " WHERE authority = :authority AND lease_destroys > :alive_at",
        authority=authority,
        alive_at=alive_at,
    )
    issued: int | None = row["issued"]
    return issued


def granted(transaction: Transaction, holder: Holder) -> tuple[Granted, ...]:
    """The partitions that a holder may hold now, by id."""
    rows = transaction.execute(
        "SELECT p.partition_id, p.title, p.way, p.records, p.key_epoch, p.digest_key,"
        " p.file_epochs, p.published_state, g.keys_until"
        " FROM partition_grant g JOIN partition p"
        " ON p.authority = g.authority AND p.partition_id = g.partition_id"
        " WHERE g.authority = :authority AND g.device = :device AND g.generation = :generation"
        " AND g.practitioner = :practitioner AND g.taken_at IS NULL ORDER BY p.partition_id",
        **_holder_key(holder),
    )
    return tuple(Granted(**row) for row in rows)


def taken(
    transaction: Transaction, holder: Holder, *, left: Collection[str], at_most: int
) -> tuple[str, ...]:
    """The partitions that a holder has lost: those that are ``left`` on the device first, then
    those of which nobody has said that nothing is left, then the last."""
    rows = transaction.execute(
        "SELECT partition_id FROM partition_grant WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND practitioner = :practitioner"
        " AND taken_at IS NOT NULL"
        " ORDER BY CASE WHEN partition_id IN :left THEN 0 WHEN lost_feed IS NULL THEN 1 ELSE 2 END,"
        " taken_at DESC, partition_id LIMIT :at_most",
        **_holder_key(holder),
        left=list(left),
        at_most=at_most,
    )
    return tuple(row["partition_id"] for row in rows)


def holders_of(transaction: Transaction, authority: str, partition_id: str) -> int:
    """How many practitioners on devices may hold a partition now."""
    (row,) = transaction.execute(
        "SELECT count(*) AS holders FROM partition_grant WHERE authority = :authority"
        " AND partition_id = :partition_id AND taken_at IS NULL",
        authority=authority,
        partition_id=partition_id,
    )
    return int(row["holders"])


def holding(transaction: Transaction, authority: str, partition_id: str) -> tuple[Device, ...]:
    """The devices, each in its latest generation, where somebody may hold a partition now."""
    rows = transaction.execute(
        f"SELECT d.* FROM device d WHERE {_LATEST} AND :partition_id IN ({_HELD})"  # noqa: S608
        " ORDER BY d.device",
        authority=authority,
        partition_id=partition_id,
    )
    return tuple(Device(**row) for row in rows)


def maybe_over_cap(transaction: Transaction, authority: str) -> tuple[Device, ...]:
    """The devices, each in its latest generation, whose partitions have more records than its cap
    together. Fewer, perhaps, where a record is in several: whoever wants to know counts them."""
    rows = transaction.execute(
        f"SELECT d.* FROM device d WHERE {_LATEST} AND d.record_cap <"  # noqa: S608
        " (SELECT sum(p.records) FROM partition p WHERE p.authority = d.authority"
        f"  AND p.partition_id IN ({_HELD})) ORDER BY d.device",
        authority=authority,
    )
    return tuple(Device(**row) for row in rows)


def _holder_key(holder: Holder) -> Row:
    return {
        "authority": holder.authority,
        "device": holder.device,
        "generation": holder.generation,
        "practitioner": holder.practitioner,
    }


def _update(transaction: Transaction, device: Device, update: str, **values: Value) -> None:
    transaction.execute(
        update + " WHERE authority = :authority AND device = :device AND generation = :generation",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
        **values,
    )


def _update_holder(
    transaction: Transaction, holder: Holder, update: str, **values: str | int | bytes
) -> None:
    transaction.execute(
        update + " WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner",
        **_holder_key(holder),
        **values,
    )
