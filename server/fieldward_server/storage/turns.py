"""Whose turn it is to run a job. One table for the whole database, never sharded."""

from __future__ import annotations

from fieldward_server.storage.driver import Transaction


def take(transaction: Transaction, *, job: str, holder: str, now: int, until: int) -> bool:
    """Whether ``holder`` has the turn now: it was nobody's, its own, or has run out."""
    return bool(
        transaction.execute(
            "INSERT INTO turn (job, holder, until) VALUES (:job, :holder, :until)"
            " ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, until = excluded.until"
            " WHERE turn.holder = excluded.holder OR turn.until <= :now RETURNING job",
            job=job,
            holder=holder,
            now=now,
            until=until,
        )
    )


def end(transaction: Transaction, *, job: str, holder: str) -> None:
    """Give back a turn that is still ``holder``'s."""
    transaction.execute(
        "DELETE FROM turn WHERE job = :job AND holder = :holder", job=job, holder=holder
    )
