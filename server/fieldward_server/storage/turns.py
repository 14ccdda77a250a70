"""Whose turn it is to run a job. One table for the whole database, never sharded."""

from __future__ import annotations

from collections.abc import Mapping

from fieldward_server.storage.driver import Transaction


def take(
    transaction: Transaction, *, job: str, holder: str, now: int, until: int, latest: int
) -> bool:
    """Whether ``holder`` has the turn now: it was nobody's, its own, or has run out; or it ends
    after the latest that a turn can end, so that the clock that it was taken by was wrong."""
    return bool(
        transaction.execute(
            "INSERT INTO turn (job, holder, until, done_at) VALUES (:job, :holder, :until, :now)"
            " ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, until = excluded.until"
            " WHERE turn.holder = excluded.holder OR turn.until <= :now OR turn.until > :latest"
            " RETURNING job",
            job=job,
            holder=holder,
            now=now,
            until=until,
            latest=latest,
        )
    )


def done(transaction: Transaction, *, job: str, now: int) -> None:
    """Note that a job came to its end."""
    transaction.execute("UPDATE turn SET done_at = :now WHERE job = :job", job=job, now=now)


def end(transaction: Transaction, *, job: str, holder: str) -> None:
    """Give back a turn that is still ``holder``'s."""
    transaction.execute(
        "UPDATE turn SET until = 0 WHERE job = :job AND holder = :holder", job=job, holder=holder
    )


def done_at(transaction: Transaction) -> Mapping[str, int]:
    """For each job that was ever offered, when it was last done or, before that, first tried."""
    return {
        row["job"]: row["done_at"] for row in transaction.execute("SELECT job, done_at FROM turn")
    }
