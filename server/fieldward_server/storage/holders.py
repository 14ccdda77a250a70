"""Practitioners on devices: their keys, and their leases."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.devices import Device
from fieldward_server.storage.driver import Row, Transaction


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


def add(transaction: Transaction, holder: Holder) -> None:
    """Store a practitioner on a device."""
    transaction.execute(
        "INSERT INTO holder (authority, device, generation, practitioner, signing_key,"
        " changed_state, lease_secret, lease_id, lease_issued, lease_closes, lease_destroys,"
        " ring_hash) VALUES (:authority, :device, :generation, :practitioner, :signing_key,"
        " :changed_state, :lease_secret, :lease_id, :lease_issued, :lease_closes,"
        " :lease_destroys, :ring_hash)",
        **vars(holder),
    )


def find(
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


def of_device(transaction: Transaction, device: Device) -> tuple[Holder, ...]:
    """All practitioners on a device."""
    rows = transaction.execute(
        "SELECT * FROM holder WHERE authority = :authority AND device = :device"
        " AND generation = :generation ORDER BY practitioner",
        authority=device.authority,
        device=device.device,
        generation=device.generation,
    )
    return tuple(Holder(**row) for row in rows)


def of_practitioner(
    transaction: Transaction, authority: str, practitioner: str
) -> tuple[Holder, ...]:
    """A practitioner on all of their devices, of every generation."""
    rows = transaction.execute(
        "SELECT * FROM holder WHERE authority = :authority AND practitioner = :practitioner"
        " ORDER BY device, generation",
        authority=authority,
        practitioner=practitioner,
    )
    return tuple(Holder(**row) for row in rows)


def device_of(transaction: Transaction, holder: Holder) -> Device:
    """The device, of that generation, that a practitioner is on."""
    (row,) = transaction.execute(
        "SELECT * FROM device WHERE authority = :authority AND device = :device"
        " AND generation = :generation",
        authority=holder.authority,
        device=holder.device,
        generation=holder.generation,
    )
    return Device(**row)


def replace_keys(transaction: Transaction, holder: Holder, *, at: int) -> None:
    """A holder who is known here has new keys and perhaps another lease secret; the next lease is
    due. What was sealed and not delivered under the keys before, if any, is still theirs."""
    transaction.execute(
        "INSERT INTO former_key (authority, device, generation, practitioner, signing_key,"
        " replaced_at) SELECT authority, device, generation, practitioner, signing_key, :at"
        " FROM holder WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner"
        " AND signing_key <> :no_key ON CONFLICT DO NOTHING",
        **key(holder),
        at=at,
        no_key=b"",
    )
    _update(
        transaction,
        holder,
        "UPDATE holder SET signing_key = :signing_key, changed_state = :changed_state,"
        " lease_secret = :lease_secret, lease_id = :lease_id, ring_hash = :ring_hash",
        signing_key=holder.signing_key,
        changed_state=holder.changed_state,
        lease_secret=holder.lease_secret,
        lease_id=holder.lease_id,
        ring_hash=holder.ring_hash,
    )


def former_keys(transaction: Transaction, holder: Holder) -> tuple[bytes, ...]:
    """The keys that a holder signed with before, the last first."""
    rows = transaction.execute(
        "SELECT signing_key FROM former_key WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner"
        " ORDER BY replaced_at DESC, signing_key",
        **key(holder),
    )
    return tuple(row["signing_key"] for row in rows)


def set_changed_state(transaction: Transaction, holder: Holder, state: int) -> None:
    """Something that concerns this holder alone changed at this state number."""
    _update(transaction, holder, "UPDATE holder SET changed_state = :state", state=state)


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
    _update(
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


def lengthen_leases(
    transaction: Transaction, authority: str, *, closes: int, destroys: int
) -> None:
    """Leases may have been given that are not known here, none of which ends later than this or,
    where a device was handed over, than its hand-over: to whoever can be given one."""
    transaction.execute(
        "UPDATE holder SET lease_closes = (SELECT max(it.closes) FROM (SELECT :closes AS closes"
        "  UNION ALL SELECT holder.lease_closes"
        "  UNION ALL SELECT i.expires FROM invitation i WHERE i.authority = holder.authority"
        "   AND i.device = holder.device AND i.generation = holder.generation"
        "   AND i.practitioner = holder.practitioner AND i.hpke_key IS NOT NULL) it),"
        " lease_destroys = CASE WHEN lease_destroys > :destroys THEN lease_destroys"
        "  ELSE :destroys END"
        " WHERE authority = :authority AND lease_secret IS NOT NULL AND NOT EXISTS ("
        "  SELECT 1 FROM device next WHERE next.authority = holder.authority"
        "  AND next.device = holder.device AND next.generation > holder.generation)",
        authority=authority,
        closes=closes,
        destroys=destroys,
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


def key(holder: Holder) -> Row:
    """What names a holder's rows."""
    return {
        "authority": holder.authority,
        "device": holder.device,
        "generation": holder.generation,
        "practitioner": holder.practitioner,
    }


def _update(
    transaction: Transaction, holder: Holder, update: str, **values: str | int | bytes | None
) -> None:
    transaction.execute(
        update + " WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND practitioner = :practitioner",
        **key(holder),
        **values,
    )
