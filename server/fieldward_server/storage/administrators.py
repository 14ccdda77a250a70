"""Administrators as stored; one who was removed stays, because the event log names them."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Administrator:
    """A person who commands for an authority, with the one key they sign with."""

    authority: str
    administrator: str
    name: str
    public_key: bytes
    added_at: int
    added_by: str
    removed_at: int | None
    counter_high: int
    counter_window: bytes


def add(transaction: Transaction, administrator: Administrator) -> bool:
    """Whether they were added: neither the id nor the key was there, removed ones included."""
    return bool(
        transaction.execute(
            "INSERT INTO administrator (authority, administrator, name, public_key, added_at,"
            " added_by, removed_at, counter_high, counter_window) VALUES (:authority,"
            " :administrator, :name, :public_key, :added_at, :added_by, :removed_at,"
            " :counter_high, :counter_window) ON CONFLICT DO NOTHING RETURNING administrator",
            **vars(administrator),
        )
    )


def find(transaction: Transaction, authority: str, administrator: str) -> Administrator | None:
    """One administrator."""
    rows = transaction.execute(
        "SELECT * FROM administrator WHERE authority = :authority"
        " AND administrator = :administrator",
        authority=authority,
        administrator=administrator,
    )
    return Administrator(**rows[0]) if rows else None


def with_key(transaction: Transaction, authority: str, public_key: bytes) -> Administrator | None:
    """The administrator who signs with this key."""
    rows = transaction.execute(
        "SELECT * FROM administrator WHERE authority = :authority AND public_key = :public_key",
        authority=authority,
        public_key=public_key,
    )
    return Administrator(**rows[0]) if rows else None


def of_authority(transaction: Transaction, authority: str) -> tuple[Administrator, ...]:
    """All of an authority's, by id, removed ones included."""
    rows = transaction.execute(
        "SELECT * FROM administrator WHERE authority = :authority ORDER BY administrator",
        authority=authority,
    )
    return tuple(Administrator(**row) for row in rows)


def remove(transaction: Transaction, administrator: Administrator, *, at: int) -> None:
    """Their key signs nothing from now on."""
    transaction.execute(
        "UPDATE administrator SET removed_at = :at WHERE authority = :authority"
        " AND administrator = :administrator",
        authority=administrator.authority,
        administrator=administrator.administrator,
        at=at,
    )


def set_counters(
    transaction: Transaction, administrator: Administrator, *, high: int, window: bytes
) -> None:
    """Store which counters of an administrator's calls were used."""
    transaction.execute(
        "UPDATE administrator SET counter_high = :high, counter_window = :window"
        " WHERE authority = :authority AND administrator = :administrator",
        authority=administrator.authority,
        administrator=administrator.administrator,
        high=high,
        window=window,
    )
