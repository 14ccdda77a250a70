"""Authorities: one row each, which is also the lock of whoever writes for one."""

from __future__ import annotations

from dataclasses import dataclass

from fieldward_server.storage.driver import Transaction


@dataclass(frozen=True)
class Authority:
    """An authority as stored; ``answer_key`` and ``edit_seed`` are wrapped. Until it is founded
    it has no name, root key and trust: these are empty."""

    authority: str
    name: str
    incarnation: int
    state_number: int
    """Counts everything that changes what some device may hold."""
    event_number: int
    edit_counter: int
    """Of the server's own edits."""
    root_key: bytes
    trust: bytes
    trust_version: int
    answer_key: bytes
    edit_seed: bytes
    backup_begun: int
    """The number of the last backup that was begun: what is taken in now, the next one has."""
    backup_done: int
    """The number of the last backup that was completed."""
    kept_until: int
    """Whatever was taken in before the backup of this number began need not come again."""
    is_serving: int
    """Whether this incarnation may serve: not so while a restore is unfinished."""

    @property
    def is_founded(self) -> bool:
        """Whether its root key has vouched for its other keys."""
        return bool(self.root_key)


def add(
    transaction: Transaction,
    *,
    authority: str,
    incarnation: int,
    answer_key: bytes,
    edit_seed: bytes,
) -> bool:
    """Whether it was added, not founded yet; it is left as it is if it was there. What makes it
    serve is ``incarnations.begin`` and ``incarnations.serve``."""
    return bool(
        transaction.execute(
            "INSERT INTO authority (authority, name, incarnation, state_number, event_number,"
            " edit_counter, root_key, trust, trust_version, answer_key, edit_seed)"
            " VALUES (:authority, '', :incarnation, 0, 0, 0,"
            " :empty, :empty, 0, :answer_key, :edit_seed)"
            " ON CONFLICT DO NOTHING RETURNING authority",
            authority=authority,
            incarnation=incarnation,
            empty=b"",
            answer_key=answer_key,
            edit_seed=edit_seed,
        )
    )


def found(
    transaction: Transaction,
    *,
    authority: str,
    name: str,
    root_key: bytes,
    trust: bytes,
    trust_version: int,
) -> None:
    """Store what an authority is called and whom its devices trust."""
    transaction.execute(
        "UPDATE authority SET name = :name, root_key = :root_key, trust = :trust,"
        " trust_version = :trust_version WHERE authority = :authority",
        authority=authority,
        name=name,
        root_key=root_key,
        trust=trust,
        trust_version=trust_version,
    )


def find(transaction: Transaction, authority: str) -> Authority | None:
    """The authority, without locking it."""
    rows = transaction.execute(
        "SELECT a.*, CASE WHEN s.authority IS NULL THEN 0 ELSE 1 END AS is_serving"
        " FROM authority a LEFT JOIN serving s"
        " ON s.authority = a.authority AND s.incarnation = a.incarnation"
        " WHERE a.authority = :authority",
        authority=authority,
    )
    return Authority(**rows[0]) if rows else None


def lock(transaction: Transaction, authority: str) -> Authority | None:
    """The authority; until the transaction ends, nobody else writes for it."""
    rows = transaction.execute(
        "UPDATE authority SET state_number = state_number WHERE authority = :authority"
        " RETURNING authority",
        authority=authority,
    )
    return find(transaction, authority) if rows else None


def next_state(transaction: Transaction, authority: str) -> int:
    """A state number that nobody had before."""
    (row,) = transaction.execute(
        "UPDATE authority SET state_number = state_number + 1 WHERE authority = :authority"
        " RETURNING state_number",
        authority=authority,
    )
    return int(row["state_number"])


def set_edit_counter(transaction: Transaction, authority: str, counter: int) -> None:
    """Store the counter of the server's own latest edit, under the authority's lock."""
    transaction.execute(
        "UPDATE authority SET edit_counter = :counter WHERE authority = :authority",
        authority=authority,
        counter=counter,
    )


def codes(transaction: Transaction) -> tuple[str, ...]:
    """All authorities of this database, by code."""
    rows = transaction.execute("SELECT authority FROM authority ORDER BY authority")
    return tuple(row["authority"] for row in rows)


def serving(transaction: Transaction) -> tuple[str, ...]:
    """The authorities that may serve, by code: those whose restore is not under way."""
    rows = transaction.execute(
        "SELECT a.authority FROM authority a JOIN serving s"
        " ON s.authority = a.authority AND s.incarnation = a.incarnation ORDER BY a.authority"
    )
    return tuple(row["authority"] for row in rows)


def set_trust(
    transaction: Transaction, authority: str, *, incarnation: int, trust: bytes, trust_version: int
) -> None:
    """Store the incarnation that an authority is in, and the trust that says so."""
    transaction.execute(
        "UPDATE authority SET incarnation = :incarnation, trust = :trust,"
        " trust_version = :trust_version WHERE authority = :authority",
        authority=authority,
        incarnation=incarnation,
        trust=trust,
        trust_version=trust_version,
    )


def begin_backup(transaction: Transaction, authority: str) -> int:
    """The number of a backup that begins now: what the authority took in before, it will have."""
    (row,) = transaction.execute(
        "UPDATE authority SET backup_begun = backup_begun + 1 WHERE authority = :authority"
        " RETURNING backup_begun",
        authority=authority,
    )
    return int(row["backup_begun"])


def end_backup(transaction: Transaction, authority: str, number: int) -> None:
    """The backup of this number is complete. What the one before it has, two backups have."""
    transaction.execute(
        "UPDATE authority SET kept_until = backup_done, backup_done = :number"
        " WHERE authority = :authority AND backup_done < :number",
        authority=authority,
        number=number,
    )
