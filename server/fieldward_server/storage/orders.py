"""Orders to devices, and their receipts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fieldward_server.storage.driver import Row, Transaction


@dataclass(frozen=True)
class StoredOrder:
    """An order to one device of one generation; open until its receipt is there."""

    authority: str
    device: str
    generation: int
    number: int
    kind: str
    signed: bytes
    issued: int
    seen_at: int | None
    receipt: bytes | None
    receipt_at: int | None
    withdrawn_at: int | None


@dataclass(frozen=True)
class WipeRequest:
    """A wipe that waits for a second administrator."""

    authority: str
    device: str
    generation: int
    asked_by: str
    asked_at: int
    waits_until: int


def next_number(transaction: Transaction, authority: str, device: str, generation: int) -> int:
    """The number of a new order."""
    (row,) = transaction.execute(
        "UPDATE device SET order_number = order_number + 1 WHERE authority = :authority"
        " AND device = :device AND generation = :generation RETURNING order_number",
        authority=authority,
        device=device,
        generation=generation,
    )
    return int(row["order_number"])


def add(
    transaction: Transaction,
    *,
    authority: str,
    device: str,
    generation: int,
    number: int,
    kind: str,
    signed: bytes,
    issued: int,
) -> None:
    """Store a new order."""
    transaction.execute(
        "INSERT INTO device_order (authority, device, generation, number, kind, signed, issued)"
        " VALUES (:authority, :device, :generation, :number, :kind, :signed, :issued)",
        authority=authority,
        device=device,
        generation=generation,
        number=number,
        kind=kind,
        signed=signed,
        issued=issued,
    )


def of_device(
    transaction: Transaction, authority: str, device: str, generation: int
) -> tuple[StoredOrder, ...]:
    """All orders to a device, in their order."""
    rows = transaction.execute(
        "SELECT * FROM device_order WHERE authority = :authority AND device = :device"
        " AND generation = :generation ORDER BY number",
        authority=authority,
        device=device,
        generation=generation,
    )
    return tuple(StoredOrder(**row) for row in rows)


def open_orders(
    transaction: Transaction, authority: str, device: str, generation: int
) -> tuple[StoredOrder, ...]:
    """The orders whose receipt has not come, in their order."""
    stored = of_device(transaction, authority, device, generation)
    return tuple(order for order in stored if order.receipt is None)


def all_open(transaction: Transaction, authority: str) -> tuple[StoredOrder, ...]:
    """The orders of an authority's devices whose receipt has not come."""
    rows = transaction.execute(
        "SELECT * FROM device_order WHERE authority = :authority AND receipt IS NULL",
        authority=authority,
    )
    return tuple(StoredOrder(**row) for row in rows)


def replace_signed(transaction: Transaction, order: StoredOrder, *, signed: bytes) -> None:
    """Store the same order under another signature."""
    transaction.execute(
        "UPDATE device_order SET signed = :signed WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND number = :number",
        **_key(order),
        signed=signed,
    )


def mark_seen(transaction: Transaction, seen: Iterable[StoredOrder], *, at: int) -> None:
    """Devices have stored these orders."""
    transaction.execute_many(
        "UPDATE device_order SET seen_at = :at WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND number = :number",
        [{**_key(order), "at": at} for order in seen],
    )


def close(transaction: Transaction, order: StoredOrder, *, receipt: bytes, at: int) -> None:
    """Store an order's receipt; the first one stays."""
    transaction.execute(
        "UPDATE device_order SET receipt = :receipt, receipt_at = :at,"
        " seen_at = coalesce(seen_at, :at) WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND number = :number AND receipt IS NULL",
        **_key(order),
        receipt=receipt,
        at=at,
    )


def withdraw_wipes(
    transaction: Transaction, authority: str, device: str, generation: int, *, at: int
) -> None:
    """Give a device no wipe any more that has no receipt."""
    transaction.execute(
        "UPDATE device_order SET withdrawn_at = :at WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND kind = 'wipe'"
        " AND receipt IS NULL AND withdrawn_at IS NULL",
        authority=authority,
        device=device,
        generation=generation,
        at=at,
    )


def wiped_since(
    transaction: Transaction, authority: str, *, since: int
) -> frozenset[tuple[str, int]]:
    """The devices, by id and generation, that were ordered to wipe themselves after this time,
    even if that was withdrawn."""
    rows = transaction.execute(
        "SELECT DISTINCT device, generation FROM device_order WHERE authority = :authority"
        " AND kind = 'wipe' AND issued > :since",
        authority=authority,
        since=since,
    )
    return frozenset((row["device"], row["generation"]) for row in rows)


def put_wipe_request(transaction: Transaction, request: WipeRequest) -> None:
    """Store that a wipe waits, in the place of one that waited before."""
    transaction.execute(
        "INSERT INTO wipe_request (authority, device, generation, asked_by, asked_at, waits_until)"
        " VALUES (:authority, :device, :generation, :asked_by, :asked_at, :waits_until)"
        " ON CONFLICT (authority, device, generation) DO UPDATE SET asked_by = excluded.asked_by,"
        " asked_at = excluded.asked_at, waits_until = excluded.waits_until",
        **vars(request),
    )


def wipe_request(
    transaction: Transaction, authority: str, device: str, generation: int
) -> WipeRequest | None:
    """The wipe of a device that was last asked for and not ordered at once."""
    rows = transaction.execute(
        "SELECT * FROM wipe_request WHERE authority = :authority AND device = :device"
        " AND generation = :generation",
        authority=authority,
        device=device,
        generation=generation,
    )
    return WipeRequest(**rows[0]) if rows else None


def _key(order: StoredOrder) -> Row:
    return {
        "authority": order.authority,
        "device": order.device,
        "generation": order.generation,
        "number": order.number,
    }
