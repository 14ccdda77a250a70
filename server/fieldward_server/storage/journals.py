"""Delivered journals: boxes, entries, seals, and what came a second time with other content."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class StoredEntry:
    """An entry: its header's exact bytes and its sealed body."""

    sequence: int
    header: bytes
    body: bytes


@dataclass(frozen=True)
class Journal:
    """Whose journal: what every statement here asks for."""

    authority: str
    device: str
    generation: int


def add_box(transaction: Transaction, journal: Journal, *, box: bytes, header: bytes) -> None:
    """Store a box's signed header; one that is there stays."""
    transaction.execute(
        "INSERT INTO journal_box (authority, device, generation, box, header)"
        " VALUES (:authority, :device, :generation, :box, :header) ON CONFLICT DO NOTHING",
        **vars(journal),
        box=box,
        header=header,
    )


def boxes(transaction: Transaction, journal: Journal) -> dict[bytes, bytes]:
    """Box id to signed header."""
    rows = transaction.execute(
        "SELECT box, header FROM journal_box WHERE authority = :authority AND device = :device"
        " AND generation = :generation",
        **vars(journal),
    )
    return {row["box"]: row["header"] for row in rows}


def has_box(transaction: Transaction, journal: Journal, box: bytes) -> bool:
    """Whether this box's header has been delivered."""
    return bool(
        transaction.execute(
            "SELECT 1 AS found FROM journal_box WHERE authority = :authority"
            " AND device = :device AND generation = :generation AND box = :box",
            **vars(journal),
            box=box,
        )
    )


def add_entry(
    transaction: Transaction, journal: Journal, entry: StoredEntry, *, received_at: int
) -> None:
    """Store the next entry."""
    transaction.execute(
        "INSERT INTO journal_entry (authority, device, generation, sequence, header, body,"
        " received_at) VALUES (:authority, :device, :generation, :sequence, :header, :body,"
        " :received_at)",
        **vars(journal),
        sequence=entry.sequence,
        header=entry.header,
        body=entry.body,
        received_at=received_at,
    )


def entry(transaction: Transaction, journal: Journal, sequence: int) -> StoredEntry | None:
    """One entry."""
    rows = transaction.execute(
        "SELECT sequence, header, body FROM journal_entry WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND sequence = :sequence",
        **vars(journal),
        sequence=sequence,
    )
    return StoredEntry(**rows[0]) if rows else None


def entries(
    transaction: Transaction, journal: Journal, *, first: int, last: int
) -> tuple[StoredEntry, ...]:
    """The entries from ``first`` up to, not including, ``last``."""
    rows = transaction.execute(
        "SELECT sequence, header, body FROM journal_entry WHERE authority = :authority"
        " AND device = :device AND generation = :generation"
        " AND sequence >= :first AND sequence < :last ORDER BY sequence",
        **vars(journal),
        first=first,
        last=last,
    )
    return tuple(StoredEntry(**row) for row in rows)


def add_seal(
    transaction: Transaction, journal: Journal, *, epoch: int, signed: bytes, received_at: int
) -> None:
    """Store the seal that closes an epoch."""
    transaction.execute(
        "INSERT INTO journal_seal (authority, device, generation, epoch, signed, received_at)"
        " VALUES (:authority, :device, :generation, :epoch, :signed, :received_at)",
        **vars(journal),
        epoch=epoch,
        signed=signed,
        received_at=received_at,
    )


def seal(transaction: Transaction, journal: Journal, epoch: int) -> bytes | None:
    """The signed seal of an epoch."""
    rows = transaction.execute(
        "SELECT signed FROM journal_seal WHERE authority = :authority AND device = :device"
        " AND generation = :generation AND epoch = :epoch",
        **vars(journal),
        epoch=epoch,
    )
    return rows[0]["signed"] if rows else None


def seals(transaction: Transaction, journal: Journal) -> tuple[bytes, ...]:
    """All signed seals, by epoch."""
    rows = transaction.execute(
        "SELECT signed FROM journal_seal WHERE authority = :authority AND device = :device"
        " AND generation = :generation ORDER BY epoch",
        **vars(journal),
    )
    return tuple(row["signed"] for row in rows)


def add_fork(
    transaction: Transaction,
    journal: Journal,
    *,
    item_hash: bytes,
    item: bytes,
    received_at: int,
) -> None:
    """Keep what came where something else stands already; the same again is kept once."""
    transaction.execute(
        "INSERT INTO journal_fork (authority, device, generation, item_hash, item, received_at)"
        " VALUES (:authority, :device, :generation, :item_hash, :item, :received_at)"
        " ON CONFLICT DO NOTHING",
        **vars(journal),
        item_hash=item_hash,
        item=item,
        received_at=received_at,
    )


def forked(
    transaction: Transaction, journal: Journal, *, first: bytes, at_most: int
) -> tuple[tuple[bytes, bytes], ...]:
    """Hash and content of what came a second time with other content, from this hash on."""
    rows = transaction.execute(
        "SELECT item_hash, item FROM journal_fork WHERE authority = :authority"
        " AND device = :device AND generation = :generation AND item_hash >= :first"
        " ORDER BY item_hash LIMIT :at_most",
        **vars(journal),
        first=first,
        at_most=at_most,
    )
    return tuple((row["item_hash"], row["item"]) for row in rows)


def forks(transaction: Transaction, journal: Journal) -> int:
    """How many items came a second time with other content."""
    (row,) = transaction.execute(
        "SELECT count(*) AS forks FROM journal_fork WHERE authority = :authority"
        " AND device = :device AND generation = :generation",
        **vars(journal),
    )
    return int(row["forks"])
