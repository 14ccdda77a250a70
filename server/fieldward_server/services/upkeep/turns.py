"""Turns: scheduled work runs once, however many workers there are, by a row in the database."""

from __future__ import annotations

from fieldward_server.services.platform import Platform
from fieldward_server.storage import turns


def take_turn(
    platform: Platform, *, job: str, holder: str, now: int, seconds: int, longest: int
) -> bool:
    """Whether ``holder`` (a worker's own name) may run this job now. Nobody else may until
    ``end_turn``, or for so many seconds: a worker that dies does not stop the job for ever. Nor
    does one by whose clock its turn would last ``longest`` or more."""
    with platform.storage.transaction() as transaction:
        return turns.take(
            transaction,
            job=job,
            holder=holder,
            now=now,
            until=now + seconds,
            latest=now + longest,
        )


def note_done(platform: Platform, *, job: str, now: int) -> None:
    """Note that a job came to its end, for whoever asks whether it still does."""
    with platform.storage.transaction() as transaction:
        turns.done(transaction, job=job, now=now)


def end_turn(platform: Platform, *, job: str, holder: str) -> None:
    """Give the turn back; one that has passed to somebody else stays theirs."""
    with platform.storage.transaction() as transaction:
        turns.end(transaction, job=job, holder=holder)
