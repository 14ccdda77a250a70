"""An authority's keys to come, and the seeds before the one in force, which still open boxes."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class PreparedKeys:
    """Keys that wait for the root key to vouch for them, wrapped."""

    authority: str
    answer_key: bytes
    edit_seed: bytes


def prepared(transaction: Transaction, authority: str) -> PreparedKeys | None:
    """The keys that wait; ``None`` if there are none."""
    rows = transaction.execute(
        "SELECT * FROM prepared_keys WHERE authority = :authority", authority=authority
    )
    return PreparedKeys(**rows[0]) if rows else None


def prepare(transaction: Transaction, keys: PreparedKeys) -> None:
    """Store keys that are to wait, in the place of those that did."""
    transaction.execute(
        "INSERT INTO prepared_keys (authority, answer_key, edit_seed)"
        " VALUES (:authority, :answer_key, :edit_seed)"
        " ON CONFLICT (authority) DO UPDATE SET answer_key = excluded.answer_key,"
        " edit_seed = excluded.edit_seed",
        **vars(keys),
    )


def succeed(
    transaction: Transaction, authority: str, *, answer_key: bytes, edit_seed: bytes
) -> None:
    """Put keys in force, and none wait any more. The seed of edits that was in force is kept as
    that of the trust version that there is: this comes before another one is stored."""
    transaction.execute(
        "INSERT INTO earlier_edit_seed (authority, trust_version, edit_seed)"
        " SELECT authority, trust_version, edit_seed FROM authority WHERE authority = :authority",
        authority=authority,
    )
    transaction.execute(
        "UPDATE authority SET answer_key = :answer_key, edit_seed = :edit_seed"
        " WHERE authority = :authority",
        authority=authority,
        answer_key=answer_key,
        edit_seed=edit_seed,
    )
    transaction.execute(
        "DELETE FROM prepared_keys WHERE authority = :authority", authority=authority
    )


def earlier_edit_seeds(transaction: Transaction, authority: str) -> tuple[bytes, ...]:
    """Wrapped seeds of edits that are in force no more, the latest first."""
    rows = transaction.execute(
        "SELECT edit_seed FROM earlier_edit_seed WHERE authority = :authority"
        " ORDER BY trust_version DESC",
        authority=authority,
    )
    return tuple(row["edit_seed"] for row in rows)
