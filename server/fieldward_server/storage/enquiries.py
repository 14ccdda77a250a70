"""Each authority's log of on-line enquiries: sealed look-ups, and how far the log has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class StoredEnquiry:
    """An enquiry: its header's exact bytes, and its sealed look-up."""

    authority: str
    sequence: int
    device: str
    generation: int
    header: bytes
    body: bytes


def head(transaction: Transaction, authority: str) -> bytes | None:
    """How far an authority's log has come; ``None``: it has not begun."""
    rows = transaction.execute(
        "SELECT head FROM enquiry_log WHERE authority = :authority", authority=authority
    )
    return rows[0]["head"] if rows else None


def lock(transaction: Transaction, authority: str, *, first_head: bytes) -> Callable[[], bytes]:
    """Until the transaction ends nobody else adds to the log; what is returned gives how far it has
    come, which is ``first_head`` where it begins now."""
    rows = transaction.send(
        "INSERT INTO enquiry_log (authority, head) VALUES (:authority, :first_head)"
        " ON CONFLICT (authority) DO UPDATE SET head = enquiry_log.head RETURNING head",
        authority=authority,
        first_head=first_head,
    )
    return lambda: bytes(rows()[0]["head"])


def append(transaction: Transaction, enquiry: StoredEnquiry) -> None:
    """Add the next entry of a log that is locked."""
    transaction.execute(
        "INSERT INTO enquiry (authority, sequence, device, generation, header, body)"
        " VALUES (:authority, :sequence, :device, :generation, :header, :body)",
        **vars(enquiry),
    )


def set_head(transaction: Transaction, authority: str, head: bytes) -> None:
    """Store how far a log that is locked has come."""
    transaction.execute(
        "UPDATE enquiry_log SET head = :head WHERE authority = :authority",
        authority=authority,
        head=head,
    )


def following(
    transaction: Transaction, authority: str, *, first: int, at_most: int
) -> tuple[StoredEnquiry, ...]:
    """An authority's entries from ``first`` on, in their order."""
    rows = transaction.execute(
        "SELECT * FROM enquiry WHERE authority = :authority AND sequence >= :first"
        " ORDER BY sequence LIMIT :at_most",
        authority=authority,
        first=first,
        at_most=at_most,
    )
    return tuple(StoredEnquiry(**row) for row in rows)


def of_device(
    transaction: Transaction, authority: str, device: str, *, first: int, at_most: int
) -> tuple[StoredEnquiry, ...]:
    """Those of one device, in all its generations."""
    rows = transaction.execute(
        "SELECT * FROM enquiry WHERE authority = :authority AND device = :device"
        " AND sequence >= :first ORDER BY sequence LIMIT :at_most",
        authority=authority,
        device=device,
        first=first,
        at_most=at_most,
    )
    return tuple(StoredEnquiry(**row) for row in rows)
